/* Sections "How to read" and "How to redo": what the numbers mean, where they come from, and how to get them again. */
#include "reports/report_sections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The distinct methods by which the record's intervals were made. */
static void interval_methods(struct report *r)
{
    struct doc *d = &r->doc;
    const char **seen = NULL;
    size_t n = 0;
    for (size_t i = 0; i < r->matrix->n_cells; i++) {
        const struct report_cell *c = r->matrix->cells[i];
        if (!report_is_speed(c->test))
            continue;
        const char *methods[] = {c->method, c->vs_f16.method};
        static const char *const what[] = {"of tokens/s", "of a recorded speed-up"};
        for (size_t k = 0; k < 2; k++) {
            /* what comes after ", n=" tells one cell from another, not one method */
            const char *cut = methods[k] ? strstr(methods[k], ", n=") : NULL;
            const int len = cut ? (int)(cut - methods[k]) : -1;
            const char *line = methods[k] ? arena_fmt(d->arena, "Interval %s: %.*s.", what[k], len, methods[k]) : NULL;
            size_t j = 0;
            while (line && j < n && strcmp(seen[j], line) != 0)
                j++;
            const char **bigger = line && j == n ? arena_grow(d->arena, seen, n, sizeof(*seen)) : NULL;
            if (!bigger)
                continue;
            seen = bigger;
            seen[n++] = line;
        }
    }
    for (size_t i = 0; i < n; i++)
        doc_item(d, seen[i]);
}

void section_guide(struct report *r)
{
    static const char *const lines[] = {
        "A test is named after what it does: ppN processes a prompt of N tokens (prefill), tgN generates N tokens (decode); @ dD "
        "means "
        "that D tokens were in the KV cache before. Only that is timed, not the loading of the model.",
        "tokens/s is the middle of what the rounds gave, tokens / time; the brackets hold its interval, made as said at the end of "
        "this list. n=3 says that there were three repetitions; it is shown where there were fewer than five.",
        "speed-up over f16 = (tokens/s of the format) / (tokens/s of f16) with the same model, test, depth and threads; above 1 is "
        "faster. "
        "If its interval contains 1, this run does not tell the two apart. It is the middle of the ratios of single rounds, in "
        "which "
        "both arms met the same state of the machine, so it need not be the quotient of the two speeds in the table.",
        "In plots, bars are the intervals; series that share an x are set a little apart so that their bars can be told.",
        "Where a speed-up compares two thread counts (each arm at its best) the record has no pairs. The interval is then "
        "[lo / base hi, hi / base lo], which holds with at least 90 % if each of the two holds with 95 %.",
        "of roofline = tokens/s / limit, where limit = tokens / max(bytes / read bandwidth, int8 MACs / int8 peak + float MACs / "
        "FMA "
        "peak); the word beside it names the term that limits. Decode reads every weight once per token and is bound by bandwidth, "
        "prefill uses a weight for many tokens and is bound by arithmetic. The peaks are measured in the same run with the same "
        "threads. "
        "A low share of a baseline would mean that the comparison flatters the other side.",
        "Weights, embedding, KV cache and scratch are the bytes that the engine holds; peak RSS is what the kernel counted for the "
        "whole "
        "process at its largest. Prefixes are decimal: 1 GB = 10^9 bytes.",
        "Latency is the time between two tokens of decode; pNN is the time that NN % of the tokens did not exceed. TTFT, time to "
        "first "
        "token, runs from the start of the prompt until the first token of the answer is chosen; loading and tokenising are not in "
        "it.",
        "J/token = energy of the processor package over the timed interval / tokens, idle power included. A number that the "
        "machine does "
        "not offer is called unavailable; it is never estimated from load.",
        "A cell that has no result says skipped, failed, unavailable or not run, with the reason below the table. A dash means "
        "that the "
        "column does not apply.",
    };
    struct doc *d = &r->doc;
    doc_heading(d, 2, "How to read this");
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        doc_item(d, lines[i]);
    interval_methods(r);
}

/* ---- how to redo -------------------------------------------------------------------------------------------------------------- */

static const char *field(const json_t *root, const char *object, const char *key)
{
    return json_string_value(json_object_get(json_object_get(root, object), key));
}

static void put_command(struct doc *d, const json_t *command)
{
    struct textbuf b = {0};
    for (size_t i = 0; i < json_array_size(command); i++) {
        textbuf_add(&b, i ? " " : "");
        escape_shell(&b, json_string_value(json_array_get(command, i)));
    }
    if (b.s && b.len)
        doc_code(d, arena_fmt(d->arena, "%s", b.s));
    else
        doc_paragraph(d, "The record does not have the command line.");
    d->arena->oom |= b.oom;
    textbuf_free(&b);
}

/* What belongs to the program is found beside it: where that was says nothing to a reader. */
static const char *input_name(const char *path)
{
    static const char ours[] = "/../configs/";
    const char *at = path ? strstr(path, ours) : NULL;
    return at ? at + 4 : path;
}

static void input_table(struct doc *d, const json_t *list)
{
    if (json_array_size(list) == 0)
        return;
    struct doc_table *t = doc_table(d, "Input files");
    table_column(d, t, "File", COLUMN_TEXT);
    table_column(d, t, "Bytes", COLUMN_NUMBER);
    table_column(d, t, "SHA-256", COLUMN_TEXT);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *in = json_array_get(list, i);
        const json_t *bytes = json_object_get(in, "bytes");
        table_cell(d, t, input_name(json_string_value(json_object_get(in, "path"))));
        table_cell(d, t, json_is_integer(bytes) ? arena_fmt(d->arena, "%lld", (long long)json_integer_value(bytes)) : NULL);
        table_cell(d, t, json_string_value(json_object_get(in, "sha256")));
    }
}

static void redo_run(struct doc *d, const json_t *root)
{
    static const struct {
        const char *object, *key, *label;
    } rows[] = {
        {"tool", "version", "bitjoule version"},         {"tool", "commit", "Commit"},        {"run", "id", "Run"},
        {"run", "started_utc", "Started (UTC)"},         {"run", "ended_utc", "Ended (UTC)"}, {"run", "suite", "Suite"},
        {"run", "suite_sha256", "SHA-256 of the suite"},
    };
    put_command(d, json_object_get(json_object_get(root, "run"), "command"));
    struct doc_table *t = doc_table(d, NULL);
    table_column(d, t, "Run", COLUMN_TEXT);
    table_column(d, t, "Value", COLUMN_TEXT);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *value = field(root, rows[i].object, rows[i].key);
        table_cell(d, t, rows[i].label);
        table_cell(d, t, value ? value : "not recorded");
    }
    const json_t *seed = json_object_get(json_object_get(root, "run"), "seed");
    table_cell(d, t, "Seed");
    table_cell(d, t, json_is_integer(seed) ? arena_fmt(d->arena, "%lld", (long long)json_integer_value(seed)) : "not recorded");
    if (json_is_true(json_object_get(json_object_get(root, "tool"), "dirty")))
        doc_paragraph(d, "The working tree had changes that were not committed, so the commit alone does not give this program.");
    input_table(d, json_object_get(root, "inputs"));
}

/* True if the file lies in the report's directory, so that a relative link to it holds. */
static bool beside_report(const char *dir, const char *file)
{
    const char *slash = strrchr(file, '/');
    char *parent = slash ? strndup(file, (size_t)(slash - file) + (slash == file)) : strdup(".");
    char *a = parent ? realpath(parent, NULL) : NULL, *b = realpath(dir, NULL);
    const bool same = a && b && strcmp(a, b) == 0;
    free(parent);
    free(a);
    free(b);
    return same;
}

static void raw_links(struct report *r)
{
    struct doc *d = &r->doc;
    const struct report_set *set = r->matrix->set;
    doc_heading(d, 2, "Raw data");
    doc_link(d, "results.csv", "results.csv: one row per cell");
    for (size_t i = 0; i < set->n_runs; i++) {
        const char *slash = strrchr(set->runs[i]->path, '/');
        const char *name = slash ? slash + 1 : set->runs[i]->path;
        const char *known = strcmp(name, "results.json") == 0 || strcmp(name, "results.jsonl") == 0 ? name : NULL;
        if (known && beside_report(r->dir, set->runs[i]->path))
            doc_link(d, known, arena_fmt(d->arena, "%s: the record with every sample", known));
        else
            doc_item(d, arena_fmt(d->arena, "%s: the record with every sample; it is not kept beside this report", name));
    }
    for (size_t i = 0; i < r->plots->n; i++) {
        const char *name = r->plots->list[i].name;
        doc_link(d, arena_fmt(d->arena, "plots/%s.tsv", name), arena_fmt(d->arena, "plots/%s.tsv: data of the plot", name));
        doc_link(d, arena_fmt(d->arena, "plots/%s.gp", name), arena_fmt(d->arena, "plots/%s.gp: gnuplot script", name));
    }
}

void section_redo(struct report *r)
{
    const struct report_set *set = r->matrix->set;
    for (size_t i = 0; i < set->n_runs; i++) {
        doc_heading(&r->doc, 2,
                    set->n_runs > 1 ? arena_fmt(r->doc.arena, "How to redo run %zu", set->runs[i]->number) : "How to redo this");
        redo_run(&r->doc, set->runs[i]->root);
    }
    raw_links(r);
}
