/* Which cells of a record a claim speaks of, and what a model that did not run would read. */
#include "reports/claims_judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool claim_has_word(const struct claim_words *w, const char *word)
{
    for (size_t i = 0; word && i < w->n; i++)
        if (strcmp(w->v[i], word) == 0)
            return true;
    return false;
}

const char *claim_join(struct arena *a, const struct claim_words *w, const char *between)
{
    const char *s = w->n ? w->v[0] : "";
    for (size_t i = 1; i < w->n; i++)
        s = arena_fmt(a, "%s%s%s", s, between, w->v[i]);
    return s;
}

bool claim_same_model(const char *recorded, const char *claimed)
{
    static const char synthetic[] = "synth:";
    if (strncmp(recorded, synthetic, sizeof(synthetic) - 1) == 0)
        recorded += sizeof(synthetic) - 1;
    return strcasecmp(recorded, claimed) == 0;
}

/* A plain test: "tg32", not "pp128+tg32" */
static bool plain_test(const char *test, const char *kind)
{
    return strncmp(test, kind, 2) == 0 && test[2] && strspn(test + 2, "0123456789") == strlen(test + 2);
}

/* True if a is the better group for a claim about `length` tokens; 0: no length was stated. */
static bool nearer(const struct report_cell *a, const struct report_cell *b, long long length)
{
    const long long na = strtoll(a->test + 2, NULL, 10), nb = strtoll(b->test + 2, NULL, 10);
    if (na == nb)
        return a->batch > b->batch;
    return length ? llabs(na - length) < llabs(nb - length) : na > nb;
}

const struct report_group *claim_group(const struct claim_case *k, const char *model, const struct claim_words *formats)
{
    static const struct claim_words any = {NULL, 0};
    const long long length = strtoll(k->c->test + 2, NULL, 10);
    const struct report_group *best = NULL;
    for (size_t i = 0; i < k->m->n_groups; i++) {
        const struct report_group *g = &k->m->groups[i];
        const struct report_cell *c = g->cells[0];
        if (g->run != k->run || c->depth != 0 || !plain_test(c->test, k->c->test) || !claim_same_model(c->model, model))
            continue;
        if ((c->kv && strcmp(c->kv, "f16") != 0) || (report_is_decode(c->test) && c->batch > 1))
            continue;
        if (claim_fastest(g, formats, &any, CLAIM_ANY) && (!best || nearer(c, best->cells[0], length)))
            best = g;
    }
    return best;
}

struct report_cell *claim_fastest(const struct report_group *g, const struct claim_words *formats,
                                  const struct claim_words *embedding, long long threads)
{
    struct report_cell *best = NULL;
    for (size_t i = 0; i < g->n; i++) {
        struct report_cell *c = g->cells[i];
        if (!c->ok || !(c->tps.mid > 0.0) || !claim_has_word(formats, c->format) || (threads > 0 && c->threads != threads))
            continue;
        if (embedding->n && !claim_has_word(embedding, c->embedding))
            continue;
        if (!best || c->tps.mid > best->tps.mid)
            best = c;
    }
    return best;
}

const char *claim_missing(const struct claim_case *k, const char *model, const struct claim_words *formats, long long threads)
{
    struct arena *a = k->a;
    const char *what = arena_fmt(a, "%s with %s", model, claim_join(a, formats, " or "));
    bool model_there = false;
    if (threads > 0)
        what = arena_fmt(a, "%s on %lld thread%s", what, threads, threads == 1 ? "" : "s");
    for (size_t i = 0; i < k->run->n_cells; i++) {
        const struct report_cell *c = &k->run->cells[i];
        if (!claim_same_model(c->model, model))
            continue;
        model_there = true;
        if (claim_has_word(formats, c->format) && !c->ok && (threads <= 0 || c->threads == threads) &&
            plain_test(c->test, k->c->test))
            return arena_fmt(a, "%s: %s: %s", what, c->status, c->reason ? c->reason : "no reason recorded");
    }
    return model_there ? arena_fmt(a, "no result of %s", what) : arena_fmt(a, "no cell of model %s", model);
}

bool claim_interval_known(const struct report_cell *c)
{
    const double n = c->samples_s ? (double)json_array_size(c->samples_s) : c->repetitions;
    return n >= 2 && c->repetitions >= 2 && !isnan(c->tps.lo) && !isnan(c->tps.hi);
}

/* The record's peaks are medians over the rounds; what the machine can do at most is the best of the rounds. */
static double best_block(const struct report_run *run, double best)
{
    const json_t *cells = json_object_get(run->root, "cells");
    for (size_t i = 0; i < json_array_size(cells); i++) {
        const json_t *blocks = json_object_get(json_array_get(cells, i), "blocks");
        for (size_t k = 0; k < json_array_size(blocks); k++) {
            const double x = report_number_at(json_object_get(json_array_get(blocks, k), "peaks"), "read_gb_s");
            if (!isnan(x) && !(x <= best))
                best = x;
        }
    }
    return best;
}

double claim_read_gb_s(const struct report_run *run)
{
    const json_t *peaks = json_object_get(run->root, "peaks");
    double best = best_block(run, (double)NAN);
    for (size_t i = 0; i < json_array_size(peaks); i++) {
        const json_t *v = json_object_get(json_array_get(peaks, i), "read_gb_s");
        if (json_is_object(v))
            v = json_object_get(v, "median");
        if (json_is_number(v) && !(json_number_value(v) <= best))
            best = json_number_value(v);
    }
    return best > 0.0 ? best : (double)NAN;
}

/* Bits per weight of the formats on disk; padding and scales are left out. Only for models that did not run. */
static double nominal_bits(const char *format)
{
    static const struct {
        const char *format;
        double bits;
    } table[] = {{"i2_s", 2.0}, {"tl1", 2.0},  {"tl2", 5.0 / 3.0}, {"tq1_0", 1.6875}, {"tq2_0", 2.0625},
                 {"q4_0", 4.5}, {"q8_0", 8.5}, {"f16", 16.0},      {"f32", 32.0},     {"q6_k", 6.5625}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i].format, format) == 0)
            return table[i].bits;
    return (double)NAN;
}

double claim_token_bytes(const struct claim_registry *reg, const char *model, const char *format)
{
    const double bits = nominal_bits(format);
    const double head = strcmp(format, "f16") == 0 || strcmp(format, "f32") == 0 ? 16.0
                        : strcmp(format, "q8_0") == 0                            ? 8.5
                                                                                 : 6.5625;
    for (size_t i = 0; i < reg->n_models; i++)
        if (strcasecmp(reg->models[i].name, model) == 0)
            return (reg->models[i].linear_params * bits + (reg->models[i].params - reg->models[i].linear_params) * head) / 8.0;
    return (double)NAN;
}
