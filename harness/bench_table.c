/* Plain-text tables for a terminal. The full tables are the report's; this is what one wants to see at once. */
#include "harness/bench_table.h"

#include <string.h>

#include "harness/json_util.h"
#include "harness/progress.h"
#include "harness/schedule.h"

enum { RATIO_LEN = 96 };

/* Which models are in memory at the same time. */
static void print_batches(FILE *f, const struct plan *p, const struct schedule *s)
{
    for (size_t i = 0; i < s->n_batches; i++) {
        const struct batch *b = &s->batches[i];
        fprintf(f, "in memory %s: %s", b->by_turns ? "by turns" : "together", p->groups[b->groups[0]].model);
        for (size_t k = 0; k < b->n_groups; k++) {
            const struct group *g = &p->groups[b->groups[k]];
            fprintf(f, " %s%s%s", g->format->name, g->arm[0] ? "/" : "", g->arm);
        }
        fprintf(f, ": %.2f GB of %.2f GB\n", b->need_bytes / 1e9, p->mem_available / 1e9);
    }
}

static void print_rounds(FILE *f, const struct suite *s, unsigned passes)
{
    if (s->rounds)
        fprintf(f, "%u rounds", s->rounds);
    else
        fprintf(f, "%u to %u rounds, until ratios are known to %.3g %% or %.3g s are over", s->min_rounds, s->max_rounds,
                100 * s->precision, s->contest_s);
    if (passes > 1)
        fprintf(f, ", spread over %u passes", passes);
    fprintf(f, ", of blocks of %.3g s (%.3g s with energy)\n", s->block_s, s->block_energy_s);
}

void bench_print_plan(FILE *f, const struct plan *p, const struct suite *s)
{
    char id[PLAN_ID_LEN], total[32];
    struct schedule schedule;
    double sum = 0;
    size_t skipped = 0;
    fprintf(f, "%-44s %10s %10s\n", "cell", "memory GB", "about s");
    for (size_t i = 0; i < p->n_cells; i++) {
        const struct cell *c = &p->cells[i];
        plan_cell_id(p, c, id);
        if (c->reason[0]) {
            fprintf(f, "%-44s skipped: %s\n", id, c->reason);
            skipped++;
            continue;
        }
        fprintf(f, "%-44s %10.2f %10.1f\n", id, c->need_bytes / 1e9, c->estimate_s);
        sum += c->estimate_s;
    }
    if (!schedule_make(p, &schedule)) {
        print_batches(f, p, &schedule);
        print_rounds(f, s, schedule_passes(p, &schedule, s));
        schedule_free(&schedule);
    }
    progress_duration(sum, total, sizeof total);
    fprintf(f, "%zu cells, %zu of them skipped; very roughly %s\n", p->n_cells, skipped, total);
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *t = json_string_value(json_object_get(o, key));
    return t ? t : "-";
}

/* The comparison of this cell with its base; NULL: it was not compared. */
static const json_t *comparison_of(const json_t *root, const char *id)
{
    size_t i;
    const json_t *c;
    json_array_foreach(json_object_get(root, "comparisons"), i, c)
    {
        if (!strcmp(text_of(c, "cell"), id))
            return c;
    }
    return NULL;
}

/* "2.10x [2.00, 2.20]" of an object's members; "" when it has no such value. */
static const char *ratio_text(const json_t *o, const char *value, char buf[RATIO_LEN])
{
    const json_t *ratio = json_object_get(o, value), *lo = json_object_get(o, "lo"), *hi = json_object_get(o, "hi");
    buf[0] = 0;
    if (json_is_number(ratio) && json_is_number(lo))
        snprintf(buf, RATIO_LEN, "%.3gx [%.3g, %.3g]", json_number_value(ratio), json_number_value(lo), json_number_value(hi));
    else if (json_is_number(ratio))
        snprintf(buf, RATIO_LEN, "%.3gx", json_number_value(ratio));
    return buf;
}

static void speed_text(const json_t *cell, char *buf, size_t len)
{
    const json_t *s = json_object_get(cell, "tokens_per_s"), *lo = json_object_get(s, "lo");
    const json_t *ppl = metric_json_find(json_object_get(cell, "metrics"), "perplexity");
    const double median = json_number_value(json_object_get(s, "median"));
    if (ppl)
        snprintf(buf, len, "perplexity %.4f", json_number_value(json_object_get(ppl, "value")));
    else if (json_is_number(lo))
        snprintf(buf, len, "%.4g [%.4g, %.4g]", median, json_number_value(lo), json_number_value(json_object_get(s, "hi")));
    else
        snprintf(buf, len, "%.4g", median);
}

static const json_t *joules_of(const json_t *cell)
{
    return metric_json_find(json_object_get(cell, "metrics"), "joules_per_token");
}

static void print_joules(FILE *f, const json_t *root, const json_t *cell)
{
    char energy[RATIO_LEN], time[RATIO_LEN], power[RATIO_LEN];
    const char *id = text_of(cell, "id");
    const json_t *split = json_object_get(comparison_of(root, id), "energy");
    const double joules = json_number_value(json_object_get(joules_of(cell), "value"));
    if (json_is_object(split))
        fprintf(f, "%-44s %-10.4g %-22s = %-22s x %s\n", id, joules,
                ratio_text(json_object_get(split, "energy_ratio"), "value", energy),
                ratio_text(json_object_get(split, "time_ratio"), "value", time),
                ratio_text(json_object_get(split, "power_ratio"), "value", power));
    else
        fprintf(f, "%-44s %.4g\n", id, joules);
}

/* Joules per token of the cells that have them, or in one line why there are none. */
static void print_energy(FILE *f, const json_t *root)
{
    const json_t *c, *missing = NULL;
    size_t i, n = 0;
    json_array_foreach(json_object_get(root, "cells"), i, c)
    {
        const json_t *joules = joules_of(c);
        if (!json_is_number(json_object_get(joules, "value"))) {
            missing = missing ? missing : joules;
            continue;
        }
        if (n++ == 0)
            fprintf(f, "%-44s %-10s %s\n", "cell", "J/token", "energy over f16 = time x power [95 %], of the same rounds");
        print_joules(f, root, c);
    }
    if (missing)
        fprintf(f, "energy: unavailable%s (%s)\n", n ? " of the other cells" : "", text_of(missing, "reason"));
}

void bench_print_results(FILE *f, const json_t *root)
{
    char speed[96], ratio[RATIO_LEN];
    size_t i;
    const json_t *c;
    fprintf(f, "%-44s %-30s %s\n", "cell", "tokens/s [95 %]", "speed over f16 [95 %]");
    json_array_foreach(json_object_get(root, "cells"), i, c)
    {
        const char *id = text_of(c, "id"), *status = text_of(c, "status");
        if (strcmp(status, "ok")) {
            fprintf(f, "%-44s %s: %s\n", id, strcmp(status, "failed") ? status : "FAILED", text_of(c, "reason"));
            continue;
        }
        speed_text(c, speed, sizeof speed);
        ratio_text(comparison_of(root, id), "ratio", ratio);
        fprintf(f, ratio[0] ? "%-44s %-30s %s\n" : "%-44s %s%s\n", id, speed, ratio);
    }
    print_energy(f, root);
}
