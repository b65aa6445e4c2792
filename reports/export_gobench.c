/* The record as Go benchmark lines. benchstat groups by what stands as key=value in the name, so every key of a cell is there. */
#include <math.h>
#include <string.h>

#include "reports/record_export.h"

/* Text as part of a name: no blanks, no '/' and nothing that ends the line. */
static void put_word(struct textbuf *out, const char *s)
{
    for (; s && *s; s++) {
        const bool plain = (unsigned char)*s > ' ' && *s != '/' && *s != 0x7f;
        textbuf_put(out, plain ? s : "_", 1);
    }
}

/* A configuration line "key: value"; nothing for text that is not there. */
static void put_config(struct textbuf *out, const char *key, const json_t *value)
{
    const char *s = json_string_value(value);
    if (!s)
        return;
    textbuf_addf(out, "%s: ", key);
    for (; *s; s++) {
        const bool plain = (unsigned char)*s >= ' ' && *s != 0x7f;
        textbuf_put(out, plain ? s : " ", 1);
    }
    textbuf_add(out, "\n");
}

static void put_run(struct textbuf *out, const struct report_run *run)
{
    const json_t *host = json_object_get(run->root, "host");
    const char *arch = json_string_value(json_object_get(host, "arch"));
    textbuf_add(out, "goos: linux\n");
    if (arch)
        textbuf_addf(out, "goarch: %s\n", !strcmp(arch, "x86_64") ? "amd64" : !strcmp(arch, "aarch64") ? "arm64" : "other");
    textbuf_add(out, "pkg: bitjoule\n");
    put_config(out, "cpu", json_object_get(host, "cpu_model"));
    put_config(out, "commit", json_object_get(json_object_get(run->root, "tool"), "commit"));
    put_config(out, "run", json_object_get(json_object_get(run->root, "run"), "id"));
    textbuf_add(out, "Unit ns/token better=lower\nUnit J/token better=lower\nUnit tokens/s better=higher\n");
}

static void put_name(struct textbuf *out, const struct report_cell *c)
{
    textbuf_addf(out, "Benchmark%s/model=",
                 !strncmp(c->test, "tg", 2)   ? "Decode"
                 : !strncmp(c->test, "pp", 2) ? "Prefill"
                                              : "Cell");
    put_word(out, c->model);
    textbuf_add(out, "/format=");
    put_word(out, c->format);
    textbuf_add(out, "/embedding=");
    put_word(out, c->embedding ? c->embedding : "none");
    textbuf_add(out, "/kv=");
    put_word(out, c->kv ? c->kv : "none");
    textbuf_addf(out, "/threads=%lld/test=", c->threads);
    put_word(out, c->test);
    textbuf_addf(out, "/depth=%lld/batch=%lld", c->depth, c->batch);
}

static void put_lines(struct arena *a, struct textbuf *out, const struct report_cell *c)
{
    const json_t *cell = json_array_get(json_object_get(c->run->root, "cells"), c->index);
    const json_t *joules = json_object_get(cell, "energy_samples_j");
    const size_t n = json_array_size(c->samples_s);
    const bool energy = json_array_size(joules) == n;
    for (size_t i = 0; i < n; i++) {
        const double t = json_number_value(json_array_get(c->samples_s, i)), j = json_number_value(json_array_get(joules, i));
        put_name(out, c);
        textbuf_addf(out, "\t1\t%s ns/token", number_exact(a, t * 1e9 / c->work_tokens));
        textbuf_addf(out, "\t%s tokens/s", number_exact(a, c->work_tokens / t));
        if (energy && json_is_number(json_array_get(joules, i)))
            textbuf_addf(out, "\t%s J/token", number_exact(a, j / c->work_tokens));
        textbuf_add(out, "\n");
    }
}

void export_gobench(struct report_set *set, struct textbuf *out, size_t *left_out)
{
    for (size_t r = 0; r < set->n_runs; r++) {
        put_run(out, set->runs[r]);
        for (size_t i = 0; i < set->runs[r]->n_cells; i++) {
            const struct report_cell *c = &set->runs[r]->cells[i];
            if (c->ok && strcmp(c->test, "ppl") && c->work_tokens > 0)
                put_lines(&set->arena, out, c);
            else if (c->ok)
                ++*left_out;
        }
    }
}
