/* Matches cells, takes the values of both sides out of the records, and computes a row for each metric that one of them has. */
#include "harness/comparison.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/json_util.h"
#include "harness/saved_record.h"
#include "harness/stats_hl.h"
#include "harness/stats_multi.h"
#include "harness/stats_rank.h"

const struct compared_metric compared_metrics[] = {
    {"tokens_per_s", "tokens/s", true, false},    {"joules_per_token", "J", false, false},
    {"instructions_per_token", "1", false, true}, {"allocations_per_token", "1", false, true},
    {"bytes_per_token", "bytes", false, true},    {"rss_peak_bytes", "bytes", false, true},
    {"weights_bytes", "bytes", false, true},      {"perplexity", "1", false, true},
    {"binary_bytes", "bytes", false, true},       {NULL, NULL, false, false},
};

const struct compared_metric *compared_metric_find(const char *name)
{
    for (const struct compared_metric *m = compared_metrics; m->name; m++)
        if (!strcmp(m->name, name))
            return m;
    return NULL;
}

/* ---- values of a cell ------------------------------------------------------------------------------------------------ */

struct values {
    double *v;
    unsigned *round; /* batch and round of each; NULL: not from rounds */
    size_t n;
    bool estimated;
    char reason[COMPARISON_REASON_LEN];
};

static void drop_values(struct values *x)
{
    free(x->v);
    free(x->round);
    x->v = NULL;
    x->round = NULL;
    x->n = 0;
}

static int reserve(struct values *x, size_t n)
{
    x->v = malloc((n + 1) * sizeof *x->v);
    x->round = malloc((n + 1) * sizeof *x->round);
    return x->v && x->round ? 0 : -ENOMEM;
}

/* Of a block: seconds or joules per token. NAN: it does not count, or has none. */
static double block_cost(const json_t *block, const char *member)
{
    const double tokens = saved_number(block, "tokens"), amount = saved_number(block, member);
    return json_is_null(json_object_get(block, "void")) && tokens > 0 && amount > 0 ? amount / tokens : (double)NAN;
}

static int from_blocks(const json_t *blocks, bool energy, struct values *x)
{
    size_t i;
    const json_t *b;
    if (reserve(x, json_array_size(blocks)))
        return -ENOMEM;
    json_array_foreach(blocks, i, b)
    {
        const double cost = block_cost(b, energy ? "energy_j" : "time_s");
        if (isnan(cost))
            continue;
        x->v[x->n] = energy ? cost : 1 / cost;
        x->round[x->n++] = (unsigned)saved_number(b, "batch") << 16 | ((unsigned)saved_number(b, "round") & 0xffff);
    }
    return 0;
}

static int from_samples(const json_t *cell, bool energy, struct values *x)
{
    const json_t *samples = json_object_get(cell, energy ? "energy_samples_j" : "samples_s");
    const double tokens = saved_number(json_object_get(cell, "work"), "tokens");
    size_t i;
    const json_t *s;
    if (reserve(x, json_array_size(samples)))
        return -ENOMEM;
    json_array_foreach(samples, i, s)
    {
        const double amount = json_number_value(s);
        if (tokens > 0 && amount > 0)
            x->v[x->n++] = energy ? amount / tokens : tokens / amount;
    }
    free(x->round);
    x->round = NULL;
    return 0;
}

/* instructions_per_token: of the CPU's counters, where there are any. With one thread: several spin at barriers for as long as it
 * takes. */
static int exact_value(const json_t *cell, const char *name, struct values *x)
{
    const json_t *work = json_object_get(cell, "work");
    const double tokens = saved_number(work, "tokens");
    const bool counted = !strcmp(name, "instructions_per_token");
    if (counted && !(saved_number(cell, "threads") <= 1))
        return 0;
    const json_t *metric = metric_json_find(json_object_get(cell, "metrics"), counted ? "instructions" : name);
    double value = saved_number(metric, "value");
    if (!strcmp(name, "bytes_per_token"))
        value = saved_number(work, "bytes") / tokens;
    else if (counted)
        value /= tokens * saved_number(cell, "repetitions");
    x->estimated = !strcmp(saved_text(metric, "status"), "estimated");
    if (metric && isnan(value))
        snprintf(x->reason, sizeof x->reason, "%.180s", saved_text(metric, "reason"));
    if (isnan(value) || value < 0)
        return 0;
    x->v = malloc(sizeof *x->v);
    if (!x->v)
        return -ENOMEM;
    x->v[x->n++] = value;
    return 0;
}

/* A void energy window has no joules, whatever its samples show: the cell's metric decides. */
static bool energy_counts(const json_t *cell, struct values *x)
{
    const json_t *metric = metric_json_find(json_object_get(cell, "metrics"), "joules_per_token");
    x->estimated = !strcmp(saved_text(metric, "status"), "estimated");
    if (!isnan(saved_number(metric, "value")))
        return true;
    snprintf(x->reason, sizeof x->reason, "%.180s", saved_text(metric, "reason"));
    return false;
}

static int take_values(const json_t *cell, const struct compared_metric *m, struct values *x)
{
    *x = (struct values){0};
    if (strcmp(saved_text(cell, "status"), "ok")) {
        snprintf(x->reason, sizeof x->reason, "%s: %.160s", saved_text(cell, "status"), saved_text(cell, "reason"));
        return 0;
    }
    if (m->exact)
        return exact_value(cell, m->name, x);
    const bool energy = !strcmp(m->name, "joules_per_token");
    const json_t *blocks = json_object_get(cell, "blocks");
    if ((energy && !energy_counts(cell, x)) || !strcmp(saved_text(cell, "test"), "ppl"))
        return 0;
    return json_array_size(blocks) ? from_blocks(blocks, energy, x) : from_samples(cell, energy, x);
}

/* Keeps the rounds that both sides have, in their order; each side's last block of a round counts. Returns how many. */
static size_t keep_common_rounds(struct values *a, struct values *b)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++)
        for (size_t j = 0; j < b->n; j++)
            if (j >= n && a->round[i] == b->round[j]) {
                const double x = a->v[i], y = b->v[j];
                const unsigned round = a->round[i];
                b->v[j] = b->v[n]; /* what is not taken yet moves behind */
                b->round[j] = b->round[n];
                a->v[n] = x;
                b->v[n] = y;
                a->round[n] = b->round[n] = round;
                n++;
                break;
            }
    a->n = b->n = n;
    return n;
}

/* ---- a row ----------------------------------------------------------------------------------------------------------- */

static void no_interval(struct interval *i, double value)
{
    *i = (struct interval){.value = value, .lo = NAN, .hi = NAN, .confidence = NAN};
}

static int judge_sampled(struct comparison_row *r, double confidence)
{
    struct rank_test test;
    int rc = stats_median_interval(r->base, r->n_base, &r->base_mid);
    rc = rc ? rc : stats_median_interval(r->fresh, r->n_fresh, &r->fresh_mid);
    if (rc)
        return rc;
    if (r->paired) {
        double *d = malloc(r->n_base * sizeof *d);
        for (size_t i = 0; d && i < r->n_base; i++)
            d[i] = log(r->fresh[i] / r->base[i]);
        rc = d ? stats_signed_rank(d, r->n_base, &test) : -ENOMEM;
        free(d);
        rc = rc ? rc : stats_paired_ratio(r->base, r->fresh, r->n_base, confidence, &r->ratio);
    } else {
        rc = stats_mann_whitney(r->fresh, r->n_fresh, r->base, r->n_base, &test);
        rc = rc ? rc : stats_unpaired_ratio(r->base, r->n_base, r->fresh, r->n_fresh, confidence, &r->ratio);
    }
    if (!rc) {
        r->p = test.p;
        snprintf(r->test, sizeof r->test, "%s", test.method);
    }
    return rc;
}

static int judge(struct comparison_row *r, double confidence)
{
    if (!r->metric->exact)
        return judge_sampled(r, confidence);
    no_interval(&r->base_mid, r->base[0]);
    no_interval(&r->fresh_mid, r->fresh[0]);
    no_interval(&r->ratio, r->base[0] > 0 ? r->fresh[0] / r->base[0] : r->fresh[0] > 0 ? (double)INFINITY : 1);
    return 0;
}

static struct comparison_row *append(struct comparison_table *t, const char *cell, const struct compared_metric *m)
{
    struct comparison_row *grown = realloc(t->rows, (t->n + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    t->rows = grown;
    struct comparison_row *r = &grown[t->n++];
    *r = (struct comparison_row){.metric = m, .p = NAN, .p_holm = NAN};
    snprintf(r->cell, sizeof r->cell, "%s", cell);
    no_interval(&r->base_mid, NAN);
    no_interval(&r->fresh_mid, NAN);
    no_interval(&r->ratio, NAN);
    return r;
}

static void why_not(struct comparison_row *r, const json_t *base, const json_t *fresh, const struct values x[2])
{
    if (!base || !fresh)
        snprintf(r->reason, sizeof r->reason, "only in %s", base ? "base" : "new");
    else if (x[0].n && x[1].n)
        snprintf(r->reason, sizeof r->reason, "no round in which both sides have a block that counts");
    else
        snprintf(r->reason, sizeof r->reason, "%s: %.180s", x[0].n ? "new" : "base", x[x[0].n ? 1 : 0].reason);
    r->failed = !strcmp(saved_text(base, "status"), "failed") || !strcmp(saved_text(fresh, "status"), "failed");
}

/* A row when a side has the metric, or when a sampled one is missing because its cell is. */
static int add_row(struct comparison_table *t, const char *id, const json_t *base, const json_t *fresh,
                   const struct compared_metric *m, bool arms)
{
    struct values x[2];
    const size_t before = t->n;
    int rc = take_values(base, m, &x[0]);
    rc = take_values(fresh, m, &x[1]) ? -ENOMEM : rc;
    const bool broken = !strcmp(m->name, "tokens_per_s") &&
                        (!base || !fresh || strcmp(saved_text(base, "status"), "ok") || strcmp(saved_text(fresh, "status"), "ok"));
    const bool both_skipped = !strcmp(saved_text(base, "status"), "skipped") && !strcmp(saved_text(fresh, "status"), "skipped");
    if (!rc && !both_skipped && (x[0].n || x[1].n || broken)) {
        struct comparison_row *r = append(t, id, m);
        rc = r ? 0 : -ENOMEM;
        if (r && x[0].n && x[1].n) {
            r->paired = arms && x[0].round && x[1].round;
            r->estimated = x[0].estimated || x[1].estimated;
            if (r->paired && !keep_common_rounds(&x[0], &x[1]))
                x[0].n = x[1].n = 0;
        }
        if (r && x[0].n && x[1].n) {
            r->base = x[0].v;
            r->fresh = x[1].v;
            r->n_base = x[0].n;
            r->n_fresh = x[1].n;
            x[0].v = x[1].v = NULL;
            rc = judge(r, t->confidence);
        } else if (r) {
            why_not(r, base, fresh, x);
        }
    }
    drop_values(&x[0]);
    drop_values(&x[1]);
    if (rc)
        t->n = before;
    return rc;
}

/* ---- the table ------------------------------------------------------------------------------------------------------- */

bool comparison_has_arms(const json_t *record)
{
    size_t i;
    const json_t *c;
    json_array_foreach(json_object_get(record, "cells"), i, c)
    {
        if (saved_text(c, "arm")[0])
            return true;
    }
    return false;
}

/* Id without "/base" or "/new" at the end; false: it belongs to the other arm. */
static bool id_of(const json_t *cell, const char *arm, char id[COMPARISON_CELL_LEN])
{
    const char *its = saved_text(cell, "arm");
    snprintf(id, COMPARISON_CELL_LEN, "%s", saved_text(cell, "id"));
    const size_t cut = strlen(its) + 1, len = strlen(id);
    if (its[0] && len > cut && !strcmp(id + len - cut + 1, its))
        id[len - cut] = 0;
    return !arm || !strcmp(its, arm);
}

static const json_t *find_cell(const json_t *record, const char *arm, const char *id)
{
    size_t i;
    const json_t *c;
    char its[COMPARISON_CELL_LEN];
    json_array_foreach(json_object_get(record, "cells"), i, c)
    {
        if (id_of(c, arm, its) && !strcmp(its, id))
            return c;
    }
    return NULL;
}

static void check_output(struct comparison_table *t, const char *id, const json_t *base, const json_t *fresh)
{
    const char *a = saved_text(base, "output_sha256"), *b = saved_text(fresh, "output_sha256");
    if (!a[0] || !b[0] || !strcmp(a, b) || !t->same_output)
        return;
    t->same_output = false;
    snprintf(t->other_output, sizeof t->other_output, "%s", id);
}

int comparison_make(const json_t *base, const json_t *fresh, double confidence, struct comparison_table *out)
{
    const bool arms = base == fresh && comparison_has_arms(base);
    const char *base_arm = arms ? "base" : NULL, *new_arm = arms ? "new" : NULL;
    int rc = 0;
    *out = (struct comparison_table){.confidence = confidence, .same_output = true};
    for (const struct compared_metric *m = compared_metrics; m->name && !rc; m++) {
        size_t i;
        const json_t *c;
        char id[COMPARISON_CELL_LEN];
        json_array_foreach(json_object_get(base, "cells"), i, c)
        {
            if (rc || !id_of(c, base_arm, id))
                continue;
            const json_t *other = find_cell(fresh, new_arm, id);
            check_output(out, id, c, other);
            rc = add_row(out, id, c, other, m, arms);
        }
        json_array_foreach(json_object_get(fresh, "cells"), i, c)
        {
            if (!rc && id_of(c, new_arm, id) && !find_cell(base, base_arm, id))
                rc = add_row(out, id, NULL, c, m, arms);
        }
    }
    rc = rc ? rc : comparison_adjust(out);
    if (rc)
        comparison_free(out);
    return rc;
}

int comparison_adjust(struct comparison_table *t)
{
    double *p = calloc(2 * t->n + 1, sizeof *p);
    if (!p)
        return -ENOMEM;
    for (size_t i = 0; i < t->n; i++)
        p[i] = t->rows[i].p;
    const int rc = stats_holm(p, t->n, p + t->n);
    for (size_t i = 0; !rc && i < t->n; i++)
        t->rows[i].p_holm = p[t->n + i];
    free(p);
    return rc;
}

int comparison_add_exact(struct comparison_table *t, const char *cell, const char *metric, const double value[2],
                         const char *reason)
{
    struct comparison_row *r = append(t, cell, compared_metric_find(metric));
    if (!r)
        return -ENOMEM;
    if (isnan(value[0]) || isnan(value[1])) {
        snprintf(r->reason, sizeof r->reason, "%s", reason);
        return 0;
    }
    r->base = malloc(sizeof *r->base);
    r->fresh = malloc(sizeof *r->fresh);
    if (!r->base || !r->fresh)
        return -ENOMEM;
    r->base[0] = value[0];
    r->fresh[0] = value[1];
    r->n_base = r->n_fresh = 1;
    return judge(r, t->confidence);
}

bool comparison_geomean(const struct comparison_table *t, const struct compared_metric *m, struct interval *out)
{
    struct interval *ratio = malloc((t->n + 1) * sizeof *ratio);
    size_t n = 0;
    for (size_t i = 0; ratio && i < t->n; i++)
        if (t->rows[i].metric == m && t->rows[i].ratio.value > 0 && isfinite(t->rows[i].ratio.value))
            ratio[n++] = t->rows[i].ratio;
    if (n)
        stats_geomean_of_ratios(ratio, n, out);
    free(ratio);
    return n > 0;
}

void comparison_free(struct comparison_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->rows[i].base);
        free(t->rows[i].fresh);
    }
    free(t->rows);
    *t = (struct comparison_table){0};
}
