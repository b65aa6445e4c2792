/* The loop over batches and contests, and what is made of a cell once it is measured. */
#include "harness/experiment.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bench_energy.h"
#include "harness/block_metrics.h"
#include "harness/contest.h"
#include "harness/interrupt.h"
#include "harness/json_util.h"
#include "harness/overhead.h"
#include "harness/resume.h"
#include "harness/stationary.h"
#include "harness/variant.h"
#include "profiles/time_clock.h"

/* Share of the free memory that models which wait for their next pass may take. */
static const double memory_share = 0.85;

const char *experiment_kv(const struct experiment *e)
{
    return e->suite->kv == KV_F32 ? "f32" : "f16";
}

/* Longer where energy can be read: a counter that moves once per millisecond needs it. */
double experiment_block_s(const struct experiment *e)
{
    const json_t *source = json_object_get(json_object_get(e->energy[0], "source"), "name");
    return json_is_string(source) ? fmax(e->suite->block_s, e->suite->block_energy_s) : e->suite->block_s;
}

void experiment_warn(struct experiment *e, const char *check, const char *message)
{
    progress_note(e->progress, message);
    record_line(e->record, "warning", json_pack("{s:s, s:s, s:s}", "severity", "warn", "check", check, "message", message));
}

/* ---- peaks ---------------------------------------------------------------------------------------------------------- */

static struct peak_series *series_of(struct experiment *e, unsigned threads)
{
    for (size_t i = 0; i < e->n_peaks; i++)
        if (e->peaks[i].threads == threads)
            return &e->peaks[i];
    struct peak_series *grown = realloc(e->peaks, (e->n_peaks + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    e->peaks = grown;
    grown[e->n_peaks] = (struct peak_series){.threads = threads};
    return &grown[e->n_peaks++];
}

static int keep_round(struct experiment *e, size_t contest, unsigned round, const struct block_peaks *p)
{
    if (e->n_round_peaks == e->cap_round_peaks) {
        const size_t cap = e->cap_round_peaks ? 2 * e->cap_round_peaks : 64;
        struct round_peaks *grown = realloc(e->round_peaks, cap * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        e->round_peaks = grown;
        e->cap_round_peaks = cap;
    }
    e->round_peaks[e->n_round_peaks++] = (struct round_peaks){contest, round, *p};
    return 0;
}

void experiment_give_peaks(struct experiment *e, const struct round_peaks *p)
{
    const struct contest *c = &e->schedule.contests[p->contest];
    for (size_t i = 0; i < c->n_cells; i++) {
        struct cell_result *r = &e->results[c->cells[i]];
        for (size_t k = 0; k < r->n_blocks; k++)
            if (r->blocks[k].batch == c->batch + 1 && r->blocks[k].round == p->round)
                r->blocks[k].peaks = p->peaks;
    }
}

int experiment_keep_peaks(struct experiment *e, size_t contest, unsigned round, const struct block_peaks *p, const char *isa)
{
    const struct contest *c = &e->schedule.contests[contest];
    struct peak_series *s = series_of(e, e->plan->cells[c->cells[0]].threads);
    if (!s || keep_round(e, contest, round, p) || samples_push(&s->read_gb_s, p->read_gb_s) ||
        samples_push(&s->int8_gmac_s, p->int8_gmac_s) || samples_push(&s->fma_gmac_s, p->fma_gmac_s))
        return -ENOMEM;
    snprintf(s->isa, sizeof s->isa, "%s", isa);
    experiment_give_peaks(e, &e->round_peaks[e->n_round_peaks - 1]);
    return 0;
}

struct block_peaks experiment_round_peaks(const struct experiment *e, size_t contest, unsigned round)
{
    for (size_t i = e->n_round_peaks; i--;)
        if (e->round_peaks[i].contest == contest && e->round_peaks[i].round == round)
            return e->round_peaks[i].peaks;
    return block_no_peaks();
}

bool contest_is_over(const char *stop)
{
    return strcmp(stop, "pass") != 0;
}

void contest_state_add(struct contest_state *s, unsigned pass, unsigned rounds, double time_s, const char *stop)
{
    s->passes = pass;
    s->rounds += rounds;
    s->time_s += time_s;
    s->over = contest_is_over(stop);
}

/* ---- a cell that is done -------------------------------------------------------------------------------------------- */

static void describe(const struct cell *c, const struct cell_result *r, const json_t *object, char *out, size_t len)
{
    const json_t *speed = json_object_get(object, "tokens_per_s");
    if (r->status != CELL_OK)
        snprintf(out, len, "%s: %s", r->status == CELL_FAILED ? "FAILED" : "skipped", r->reason);
    else if (c->quality)
        snprintf(out, len, "perplexity %.4f",
                 json_number_value(json_object_get(metric_json_find(r->metrics, "perplexity"), "value")));
    else
        snprintf(out, len, "%.4g tokens/s, %zu rounds of %.3g s", json_number_value(json_object_get(speed, "median")), r->time_s.n,
                 stats_mean(r->time_s.v, r->time_s.n) * r->repetitions / (double)r->time_s.n);
}

static void warn_unsteady(struct experiment *e, const struct cell *c, const struct cell_result *r)
{
    char id[PLAN_ID_LEN], fault[STATIONARY_LEN], message[PLAN_ID_LEN + STATIONARY_LEN];
    if (r->status != CELL_OK || c->quality || stationary_fault(r, fault) || !fault[0])
        return;
    plan_cell_id(e->plan, c, id);
    snprintf(message, sizeof message, "%s: %s", id, fault);
    experiment_warn(e, "unsteady", message);
}

static void finish_cell(struct experiment *e, size_t i)
{
    const struct cell *c = &e->plan->cells[i];
    struct cell_result *r = &e->results[i];
    char outcome[PLAN_REASON_LEN + 64];
    cell_result_settle(r);
    warn_unsteady(e, c, r);
    json_t *object = cell_json(e->plan, c, r, experiment_kv(e));
    if (!object) { /* a worker that sends nonsense numbers must not take the record along */
        r->status = CELL_FAILED;
        snprintf(r->reason, sizeof r->reason, "the result cannot be written: out of memory, or a number that JSON cannot hold");
        object = cell_json(e->plan, c, r, experiment_kv(e));
    }
    if (e->estimate && r->status == CELL_OK)
        bench_energy_estimates(json_object_get(object, "metrics"), e->plan, c, r);
    describe(c, r, object, outcome, sizeof outcome);
    json_object_set_new(object, "index", json_integer((json_int_t)i));
    e->cell_done[i] = true;
    record_line(e->record, "cell", object);
    progress_cell_done(e->progress, c, outcome, r->status == CELL_FAILED);
}

/* What has at least one block is a result, also when the run was interrupted. */
static void settle_status(struct cell_result *r)
{
    if (r->status == CELL_FAILED)
        return;
    r->status = r->time_s.n ? CELL_OK : CELL_SKIPPED;
    if (r->status == CELL_SKIPPED && !r->reason[0])
        snprintf(r->reason, sizeof r->reason, "interrupted");
}

/* More blocks were disturbed than there were repeats for. */
static void warn_disturbed(struct experiment *e, const struct contest *c)
{
    char id[PLAN_ID_LEN], message[PLAN_ID_LEN + BLOCK_REASON_LEN + 96];
    size_t n = 0, all = 0;
    const char *last = "";
    for (size_t i = 0; i < c->n_cells; i++) {
        const struct cell_result *r = &e->results[c->cells[i]];
        for (size_t k = 0; k < r->n_blocks; k++) {
            const struct block *b = &r->blocks[k];
            if (b->batch != c->batch + 1 || !block_counts(b))
                continue;
            all++;
            n += b->disturbed[0] != 0;
            last = b->disturbed[0] ? b->disturbed : last;
        }
    }
    if (!n || e->plan->cells[c->cells[0]].quality)
        return;
    plan_contest_id(e->plan, &e->plan->cells[c->cells[0]], id);
    snprintf(message, sizeof message, "%s: %zu of %zu blocks count although they were disturbed, as no repeats were left: %s", id,
             n, all, last);
    experiment_warn(e, "disturbed", message);
}

/* All contests that it is in are over. */
static bool cell_over(const struct experiment *e, size_t cell)
{
    for (size_t i = 0; i < e->schedule.n_contests; i++)
        if (!e->contests[i].over && contest_has(&e->schedule.contests[i], cell))
            return false;
    return true;
}

static void finish_contest(struct experiment *e, const struct contest *c)
{
    for (size_t i = 0; i < c->n_cells && !e->record->rc; i++)
        if (cell_over(e, c->cells[i]) && !e->cell_done[c->cells[i]]) {
            settle_status(&e->results[c->cells[i]]);
            finish_cell(e, c->cells[i]);
        }
}

static void skip_cells(struct experiment *e)
{
    for (size_t i = 0; i < e->plan->n_cells && !e->record->rc; i++)
        if (e->plan->cells[i].reason[0] && !e->cell_done[i]) {
            e->results[i].status = CELL_SKIPPED;
            snprintf(e->results[i].reason, PLAN_REASON_LEN, "%s", e->plan->cells[i].reason);
            finish_cell(e, i);
        }
}

/* ---- the end -------------------------------------------------------------------------------------------------------- */

static double median_of(const struct samples *s)
{
    struct interval x;
    return s->n && !stats_median_interval(s->v, s->n, &x) ? x.value : (double)NAN;
}

/* One entry for each number of threads: medians over all peak blocks. */
static void record_peaks(struct experiment *e)
{
    for (size_t i = 0; i < e->n_peaks; i++) {
        const struct peak_series *p = &e->peaks[i];
        if (p->read_gb_s.n)
            record_line(e->record, "peak",
                        json_pack("{s:i, s:f, s:f, s:f, s:s, s:I}", "threads", (int)p->threads, "read_gb_s",
                                  median_of(&p->read_gb_s), "int8_gmac_s", median_of(&p->int8_gmac_s), "fma_gmac_s",
                                  median_of(&p->fma_gmac_s), "isa", p->isa, "blocks", (json_int_t)p->read_gb_s.n));
    }
}

/* Cells were finished in the order of the contests; results.json has them in that of the plan. */
static void sort_cells(struct experiment *e)
{
    json_t *old = json_object_get(e->record->root, "cells"), *sorted = json_array(), *cell;
    size_t k;
    for (size_t i = 0; i < e->plan->n_cells; i++) {
        char id[PLAN_ID_LEN];
        plan_cell_id(e->plan, &e->plan->cells[i], id);
        json_array_foreach(old, k, cell)
        {
            const char *its = json_string_value(json_object_get(cell, "id"));
            if (its && !strcmp(its, id))
                json_array_append(sorted, cell);
        }
    }
    if (json_array_size(sorted) == json_array_size(old))
        json_object_set(e->record->root, "cells", sorted);
    json_decref(sorted);
}

static void drop_batch(struct experiment *e, size_t batch)
{
    const struct batch *b = &e->schedule.batches[batch];
    for (size_t i = 0; i < b->n_groups; i++)
        variant_drop(e, b->groups[i]);
}

/* The cost of the harness itself, on stderr and in the record. */
static void measure_overhead(struct experiment *e)
{
    char reason[WORKER_REASON_LEN] = "", note[WORKER_REASON_LEN + 64];
    if (json_object_get(e->record->root, "overhead")) /* of the run that is continued */
        return;
    json_t *o = interrupt_seen() ? NULL : overhead_measure(e->options, reason);
    if (o)
        snprintf(note, sizeof note, "the harness takes %.2g us of a block's window, %.4f %% of 1 s; %.2g ms between blocks",
                 1e6 * json_number_value(json_object_get(o, "window_s")),
                 100 * json_number_value(json_object_get(o, "share_of_1s")),
                 1e3 * json_number_value(json_object_get(o, "round_trip_s")));
    else
        snprintf(note, sizeof note, "the cost of the harness could not be measured (%s)", reason);
    if (!interrupt_seen())
        progress_note(e->progress, note);
    json_object_set(e->record->root, "overhead", o ? o : json_null());
    if (o)
        record_line(e->record, "overhead", o);
}

/* What the plan expects the rest of a contest to take, s. */
static double left_of(const struct experiment *e, size_t contest)
{
    const struct contest *c = &e->schedule.contests[contest];
    const struct contest_state *state = &e->contests[contest];
    double all_s = 0;
    for (size_t i = 0; i < c->n_cells; i++)
        all_s += e->plan->cells[c->cells[i]].estimate_s / (double)schedule_contests_of(&e->schedule, c->cells[i]);
    return state->over ? 0 : all_s * (e->passes - state->passes) / e->passes;
}

/* The time left is that of the contests; what a run that is continued has done already weighs nothing. */
static void expect_the_rest(struct experiment *e)
{
    e->progress->total_s = 0;
    for (size_t i = 0; i < e->plan->n_cells; i++)
        e->progress->done += e->cell_done[i];
    for (size_t i = 0; i < e->schedule.n_contests; i++)
        e->progress->total_s += left_of(e, i);
}

static bool is_quality(const struct experiment *e, size_t contest)
{
    return e->plan->cells[e->schedule.contests[contest].cells[0]].quality;
}

static int prepare(struct experiment *e)
{
    int rc = schedule_make(e->plan, &e->schedule);
    if (rc)
        return rc;
    e->results = calloc(e->plan->n_cells + 1, sizeof *e->results);
    e->cell_done = calloc(e->plan->n_cells + 1, sizeof *e->cell_done);
    e->contests = calloc(e->schedule.n_contests + 1, sizeof *e->contests);
    e->passes = schedule_passes(e->plan, &e->schedule, e->suite);
    e->slots = calloc(e->plan->n_groups + 1, sizeof *e->slots);
    if (!e->results || !e->cell_done || !e->contests || !e->slots)
        return -ENOMEM;
    rc = e->resumed ? resume_restore(e, e->resumed) : 0;
    expect_the_rest(e);
    return rc;
}

/* A contest that goes on in a later pass says so; of one that is over the cells speak. */
static void note_pass(const struct experiment *e, size_t contest)
{
    char id[PLAN_ID_LEN];
    const struct contest *c = &e->schedule.contests[contest];
    plan_contest_id(e->plan, &e->plan->cells[c->cells[0]], id);
    progress_pass_done(e->progress, id, e->contests[contest].passes, e->passes, e->contests[contest].rounds);
}

/* Its share of a pass. A row of quality, which has one round, waits for the last. 0 or -ENOMEM. */
static int run_contest(struct experiment *e, size_t i, unsigned pass)
{
    struct contest_state *state = &e->contests[i];
    const double left_s = left_of(e, i);
    if (!state->over && state->passes < pass && (pass == e->passes || !is_quality(e, i))) {
        const int rc = contest_run(e, i, pass);
        progress_advance(e->progress, left_s - left_of(e, i));
        if (rc)
            return rc;
        if (!state->over)
            note_pass(e, i);
        else if (!interrupt_seen()) /* it will be told when it is taken up again and ends */
            warn_disturbed(e, &e->schedule.contests[i]);
    }
    if (state->over)
        finish_contest(e, &e->schedule.contests[i]);
    return 0;
}

static int run_pass(struct experiment *e, unsigned pass, bool keep_loaded)
{
    const struct schedule *s = &e->schedule;
    int rc = 0;
    for (size_t i = 0; i < s->n_contests && !e->record->rc && !rc; i++) {
        rc = run_contest(e, i, pass);
        if (!keep_loaded && (i + 1 == s->n_contests || s->contests[i + 1].batch != s->contests[i].batch))
            drop_batch(e, s->contests[i].batch);
    }
    return rc;
}

/* Whether all models can stay where they are until the next pass: with room to spare, as it is for the whole run. Those of one batch can
 * in any case. */
static bool all_fit(const struct experiment *e)
{
    const struct schedule *s = &e->schedule;
    size_t batches = 0;
    for (size_t i = 0; i < s->n_batches; i++)
        batches += !e->plan->groups[s->batches[i].groups[0]].quality;
    if (batches == 1)
        return true;
    const double available = e->plan->mem_available, need = schedule_need_bytes(e->plan, s) + (double)e->peak_buffer_bytes;
    return available < (double)SIZE_MAX /* else the kernel does not tell */ && need <= memory_share * available;
}

int experiment_run(struct experiment *e)
{
    int rc = prepare(e);
    if (rc)
        return rc;
    if (!(e->began_s > 0))
        e->began_s = time_now_s();
    measure_overhead(e);
    if (!e->energy[0])
        bench_energy_measure(e, false);
    skip_cells(e);
    e->progress->began_s = time_now_s(); /* the estimates are of cells */
    for (unsigned pass = 1; pass <= e->passes && !e->record->rc && !rc; pass++)
        rc = run_pass(e, pass, pass < e->passes && all_fit(e));
    variant_drop_peaks(e);
    record_peaks(e);
    sort_cells(e);
    if (e->baseline_s > 0 && !interrupt_seen())
        bench_energy_measure(e, true);
    return e->record->rc ? e->record->rc : rc;
}

void experiment_free(struct experiment *e)
{
    variant_drop_peaks(e);
    for (size_t i = 0; e->slots && i < e->plan->n_groups; i++)
        variant_drop(e, i);
    for (size_t i = 0; e->results && i < e->plan->n_cells; i++)
        cell_result_free(&e->results[i]);
    for (size_t i = 0; i < e->n_peaks; i++) {
        free(e->peaks[i].read_gb_s.v);
        free(e->peaks[i].int8_gmac_s.v);
        free(e->peaks[i].fma_gmac_s.v);
    }
    free(e->peaks);
    free(e->round_peaks);
    free(e->cell_done);
    free(e->contests);
    free(e->slots);
    free(e->results);
    schedule_free(&e->schedule);
    e->peaks = NULL;
    e->round_peaks = NULL;
    e->n_peaks = e->n_round_peaks = e->cap_round_peaks = 0;
    e->cell_done = NULL;
    e->contests = NULL;
    e->slots = NULL;
    e->results = NULL;
    json_decref(e->energy[0]);
    json_decref(e->energy[1]);
    e->energy[0] = e->energy[1] = NULL;
}
