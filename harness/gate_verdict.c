/* The rules of gate_verdict.h. */
#include "harness/gate_verdict.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/saved_record.h"
#include "harness/stats_multi.h"
#include "harness/stats_power.h"

static const double power = 0.8;

const char *gate_verdict_name(enum gate_verdict v)
{
    static const char *const names[] = {[GATE_PASS] = "pass",
                                        [GATE_IMPROVE] = "improve",
                                        [GATE_INCONCLUSIVE] = "inconclusive",
                                        [GATE_REGRESS] = "regress",
                                        [GATE_FAILED] = "failed"};
    return names[v];
}

int gate_exit_status(const struct gate_config *g, const struct gate_report *r)
{
    static const int status[] = {
        [GATE_PASS] = 0, [GATE_IMPROVE] = 0, [GATE_INCONCLUSIVE] = 3, [GATE_REGRESS] = 1, [GATE_FAILED] = 4};
    return r->verdict == GATE_INCONCLUSIVE && g->warn_only ? 0 : status[r->verdict];
}

static void settle(struct gate_row *r, enum gate_verdict v, const char *reason)
{
    r->verdict = v;
    if (reason)
        snprintf(r->reason, sizeof r->reason, "%s", reason);
}

/* ---- one row --------------------------------------------------------------------------------------------------------- */

/* The ratio as a cost on the log scale: above 0 is worse. */
struct cost {
    double value, lo, hi;
};

static struct cost cost_of(const struct comparison_row *row)
{
    const struct interval *i = &row->ratio;
    if (row->metric->more_is_better)
        return (struct cost){-log(i->value), -log(i->hi), -log(i->lo)};
    return (struct cost){log(i->value), log(i->lo), log(i->hi)};
}

static double percent(double log_ratio)
{
    return 100 * (exp(log_ratio) - 1);
}

static void judge_exact(struct gate_row *r)
{
    const double c = cost_of(r->row).value, edge = log1p(r->tolerance);
    settle(r, c > edge + 1e-12 ? GATE_REGRESS : c < -edge - 1e-12 ? GATE_IMPROVE : GATE_PASS, NULL);
    snprintf(r->reason, sizeof r->reason, "%.10g -> %.10g", r->row->base[0], r->row->fresh[0]);
}

/* Until the interval is off the nearest edge of the tolerance, if the estimate stays where it is. */
static void rounds_needed(struct gate_row *r, const struct gate_config *g, struct cost c, double sd, const char *what)
{
    const double edge = log1p(r->tolerance), gap = fabs(c.value - edge);
    r->rounds = stats_rounds_for_half_width(sd, gap, g->confidence, GATE_MOST_ROUNDS);
    if (r->rounds)
        snprintf(r->reason, sizeof r->reason, "%s: about %zu %s would settle it", what, r->rounds,
                 r->row->paired ? "rounds" : "values of each side");
    else
        snprintf(r->reason, sizeof r->reason,
                 "%s: not even %d %s would settle it, as the change is about as large as the tolerance", what, GATE_MOST_ROUNDS,
                 r->row->paired ? "rounds" : "values of each side");
}

static void judge_interval(struct gate_row *r, const struct gate_config *g)
{
    const struct comparison_row *row = r->row;
    const struct cost c = cost_of(row);
    const size_t n = row->n_base < row->n_fresh ? row->n_base : row->n_fresh;
    const double edge = log1p(r->tolerance), sd = stats_sd_of_interval(&row->ratio, n);
    char what[GATE_REASON_LEN / 2];
    r->mde = exp(stats_mde(sd, n, g->alpha, power)) - 1;
    snprintf(what, sizeof what, "the cost changed by %+.2f to %+.2f %%, which is on both sides of the tolerance", percent(c.lo),
             percent(c.hi));
    if (c.lo > edge && r->p_holm < g->alpha)
        settle(r, GATE_REGRESS, NULL);
    else if (c.hi < -edge && r->p_holm < g->alpha)
        settle(r, GATE_IMPROVE, NULL);
    else if (c.hi <= edge)
        settle(r, GATE_PASS, c.lo >= -edge ? "equal within the tolerance" : "not worse than the tolerance");
    else if (c.lo > edge) {
        r->verdict = GATE_INCONCLUSIVE;
        r->rounds = n + n / 2 + 1;
        snprintf(r->reason, sizeof r->reason,
                 "worse than the tolerance, but p = %.3g of so many comparisons is not below %g: try %zu %s", r->p_holm, g->alpha,
                 r->rounds, row->paired ? "rounds" : "values of each side");
    } else {
        r->verdict = GATE_INCONCLUSIVE;
        rounds_needed(r, g, c, sd, what);
    }
    if (r->verdict == GATE_REGRESS || r->verdict == GATE_IMPROVE)
        snprintf(r->reason, sizeof r->reason, "%+.2f to %+.2f %% in cost, p = %.3g", percent(c.lo), percent(c.hi), r->p_holm);
}

static void judge_row(struct gate_row *r, const struct gate_config *g)
{
    const struct comparison_row *row = r->row;
    if (row->reason[0]) {
        settle(r, row->failed ? GATE_FAILED : GATE_INCONCLUSIVE, row->reason);
    } else if (row->metric->exact) {
        judge_exact(r);
    } else if (isnan(row->ratio.lo)) {
        r->rounds = row->paired ? 6 : 4;
        r->verdict = GATE_INCONCLUSIVE;
        snprintf(r->reason, sizeof r->reason, "too few values (%zu and %zu) for an interval of %.0f %%: %s", row->n_base,
                 row->n_fresh, 100 * g->confidence, row->paired ? "6 rounds are the least" : "4 of each side are the least");
    } else {
        judge_interval(r, g);
    }
}

/* ---- the whole ------------------------------------------------------------------------------------------------------- */

static int append(struct gate_report *out, const struct gate_metric *m, const struct comparison_row *row)
{
    struct gate_row *grown = realloc(out->rows, (out->n + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    out->rows = grown;
    grown[out->n++] = (struct gate_row){.row = row,
                                        .metric = m ? m->metric->name : "output",
                                        .inform = m && m->inform,
                                        .tolerance = m ? m->tolerance : 0,
                                        .p_holm = NAN,
                                        .mde = NAN};
    return 0;
}

static int adjust(struct gate_report *out)
{
    double *p = calloc(2 * out->n + 1, sizeof *p);
    if (!p)
        return -ENOMEM;
    for (size_t i = 0; i < out->n; i++)
        p[i] = out->rows[i].row && !out->rows[i].inform ? out->rows[i].row->p : (double)NAN;
    const int rc = stats_holm(p, out->n, p + out->n);
    for (size_t i = 0; !rc && i < out->n; i++) /* what only informs is no part of the family, and has its own p */
        out->rows[i].p_holm = out->rows[i].row && out->rows[i].inform ? out->rows[i].row->p : p[out->n + i];
    free(p);
    return rc;
}

static void check_fitness(const json_t *record, struct gate_report *out)
{
    size_t i;
    const json_t *w;
    json_array_foreach(json_object_get(record, "warnings"), i, w)
    {
        if (out->unfit || strcmp(saved_text(w, "severity"), "block"))
            continue;
        out->unfit = true;
        snprintf(out->unfit_reason, sizeof out->unfit_reason, "the machine was not fit to measure: %.250s",
                 saved_text(w, "message"));
    }
}

/* A metric that no cell has, and outputs that differ. */
static int add_whole_rows(const struct gate_config *g, const struct comparison_table *t, struct gate_report *out)
{
    int rc = 0;
    for (size_t k = 0; k < g->n_metrics && !rc; k++) {
        bool found = false;
        for (size_t i = 0; i < out->n; i++)
            found = found || !strcmp(out->rows[i].metric, g->metrics[k].metric->name);
        if (found || !g->metrics[k].required || g->metrics[k].inform)
            continue;
        rc = append(out, &g->metrics[k], NULL);
        if (!rc)
            settle(&out->rows[out->n - 1], GATE_INCONCLUSIVE, "no cell has it; 'required = no' does without");
    }
    if (rc || t->same_output || !g->same_output)
        return rc;
    rc = append(out, NULL, NULL);
    if (!rc) {
        struct gate_row *r = &out->rows[out->n - 1];
        r->verdict = GATE_REGRESS;
        snprintf(r->reason, sizeof r->reason, "other tokens than the base, first in %.200s; 'same_output = no' takes it",
                 t->other_output);
    }
    return rc;
}

static enum gate_verdict of_the_whole(const struct gate_report *r)
{
    enum gate_verdict worst = r->unfit ? GATE_INCONCLUSIVE : GATE_PASS;
    for (size_t i = 0; i < r->n; i++)
        if (!r->rows[i].inform && r->rows[i].verdict > worst)
            worst = r->rows[i].verdict;
    return worst;
}

int gate_judge(const struct gate_config *g, const struct comparison_table *t, const json_t *base, const json_t *fresh,
               struct gate_report *out, char err[GATE_ERR_LEN])
{
    int rc = 0;
    *out = (struct gate_report){0};
    for (size_t k = 0; k < g->n_metrics && !rc; k++)
        for (size_t i = 0; i < t->n && !rc; i++) {
            if (t->rows[i].metric != g->metrics[k].metric)
                continue;
            if (t->rows[i].estimated) {
                snprintf(err, GATE_ERR_LEN, "%.200s: %s is an estimate; only what was measured can be gated", t->rows[i].cell,
                         t->rows[i].metric->name);
                rc = -EINVAL;
            } else {
                rc = append(out, &g->metrics[k], &t->rows[i]);
            }
        }
    rc = rc ? rc : adjust(out);
    for (size_t i = 0; i < out->n && !rc; i++)
        judge_row(&out->rows[i], g);
    rc = rc ? rc : add_whole_rows(g, t, out);
    check_fitness(base, out);
    check_fitness(fresh, out);
    for (size_t i = 0; i < out->n && out->unfit; i++)
        if (out->rows[i].row && !out->rows[i].row->metric->exact && out->rows[i].verdict != GATE_FAILED)
            settle(&out->rows[i], GATE_INCONCLUSIVE, out->unfit_reason);
    out->verdict = of_the_whole(out);
    if (rc)
        gate_report_free(out);
    return rc;
}

void gate_report_free(struct gate_report *r)
{
    free(r->rows);
    r->rows = NULL;
    r->n = 0;
}
