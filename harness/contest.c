/* The rounds of a contest; see contest.h. All state that decides what comes next is in the blocks (batch, pass, round, void) and
 * in the lines of passes that are over, so that a run that was cut off goes on from what it recorded. */
#include "harness/contest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/mix64.h"
#include "harness/interrupt.h"
#include "harness/latin_square.h"
#include "harness/paired.h"
#include "harness/variant.h"
#include "profiles/time_clock.h"

struct rounds {
    struct experiment *e;
    const struct contest *c;
    size_t index;
    struct contest_state *state; /* after the passes before this one */
    unsigned batch, pass;        /* as in the blocks: from 1 */
    struct variant *v;
    size_t n;
    bool peaks;
    unsigned first, now; /* number of the first round of this pass and of the present one */
    double began_s, round_s;
    const char *stop; /* NULL: go on */
};

static struct cell_result *result_of(const struct rounds *x, size_t i)
{
    return &x->e->results[x->v[i].cell];
}

/* ---- what the blocks say -------------------------------------------------------------------------------------------- */

static bool has_block(const struct cell_result *r, unsigned batch, unsigned round)
{
    for (size_t i = 0; i < r->n_blocks; i++)
        if (r->blocks[i].batch == batch && r->blocks[i].round == round && block_counts(&r->blocks[i]))
            return true;
    return false;
}

/* Rounds go on counting in the next pass, and those of a base in its next batch: a number means one round only. */
static void number_rounds(struct rounds *x)
{
    unsigned before = 0, last = 0;
    for (size_t i = 0; i < x->n; i++) {
        const struct cell_result *r = result_of(x, i);
        for (size_t k = 0; k < r->n_blocks; k++)
            if (r->blocks[k].batch == x->batch && r->blocks[k].pass == x->pass)
                last = r->blocks[k].round > last ? r->blocks[k].round : last;
            else
                before = r->blocks[k].round > before ? r->blocks[k].round : before;
    }
    x->first = before + 1;
    x->now = last ? last : x->first;
}

/* Void blocks may be as many as the cells (times `repeats`), and a tenth of all. */
static bool repeat_left(const struct rounds *x)
{
    size_t voids = 0, blocks = 0;
    const unsigned repeats = x->e->suite->repeats;
    for (size_t i = 0; i < x->n; i++) {
        const struct cell_result *r = result_of(x, i);
        for (size_t k = 0; k < r->n_blocks; k++)
            if (r->blocks[k].batch == x->batch) {
                blocks++;
                voids += !block_counts(&r->blocks[k]);
            }
    }
    return repeats && voids < repeats * x->n + blocks / 10;
}

/* ---- a round -------------------------------------------------------------------------------------------------------- */

static void stream_block(const struct rounds *x, size_t i, const struct block *b)
{
    char id[PLAN_ID_LEN];
    plan_cell_id(x->e->plan, &x->e->plan->cells[x->v[i].cell], id);
    json_t *line = json_pack("{s:s, s:I, s:s}", "cell", id, "index", (json_int_t)x->v[i].cell, "output_sha256",
                             result_of(x, i)->output_sha256),
           *rest = block_line_json(b);
    if (!rest || json_object_update(line, rest)) {
        json_decref(line);
        line = NULL;
    }
    json_decref(rest);
    record_line(x->e->record, "block", line);
}

/* A cell that failed takes no further part, also when the run is cut off and taken up again. */
static void drop_out(struct rounds *x, size_t i)
{
    const struct cell_result *r = result_of(x, i);
    char id[PLAN_ID_LEN];
    x->v[i].alive = false;
    if (r->status != CELL_FAILED)
        return;
    plan_cell_id(x->e->plan, &x->e->plan->cells[x->v[i].cell], id);
    record_line(x->e->record, "failure",
                json_pack("{s:s, s:I, s:s}", "cell", id, "index", (json_int_t)x->v[i].cell, "reason", r->reason));
}

/* One block of a variant. It drops out when that fails. */
static void visit(struct rounds *x, size_t i, size_t position)
{
    struct block b = {0};
    struct variant *v = &x->v[i];
    char what[32];
    snprintf(what, sizeof what, "round %u", x->state->rounds + x->now - x->first + 1);
    progress_step(x->e->progress, &x->e->plan->cells[v->cell], what);
    if (!variant_block(x->e, v, &b)) {
        if (!interrupt_seen())
            drop_out(x, i);
        return;
    }
    b.batch = x->batch;
    b.pass = x->pass;
    b.round = x->now;
    b.position = (unsigned)position + 1;
    b.peaks = experiment_round_peaks(x->e, x->index, x->now);
    if (b.disturbed[0] && !x->e->plan->cells[v->cell].quality && repeat_left(x)) {
        memcpy(b.void_reason, b.disturbed, sizeof b.void_reason);
        b.disturbed[0] = 0;
    }
    stream_block(x, i, &b);
    if (cell_result_add(result_of(x, i), &b)) {
        result_of(x, i)->status = CELL_FAILED;
        snprintf(result_of(x, i)->reason, PLAN_REASON_LEN, "out of memory");
        drop_out(x, i);
    }
}

static void stream_peaks(const struct rounds *x, size_t position, double start_s, const struct block_peaks *p)
{
    char id[PLAN_ID_LEN];
    const struct cell *c = &x->e->plan->cells[x->v[0].cell];
    plan_contest_id(x->e->plan, c, id);
    record_line(x->e->record, "peak_block",
                json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:s, s:f, s:o}", "contest", id, "batch", (int)x->batch, "pass",
                          (int)x->pass, "round", (int)x->now, "position", (int)position + 1, "threads", (int)c->threads, "isa",
                          x->e->peak_isa, "start_s", start_s, "peaks", block_peaks_json(p)));
}

/* A round that was cut off may have its peaks already. */
static void visit_peaks(const struct rounds *x, size_t position)
{
    struct block_peaks p = experiment_round_peaks(x->e, x->index, x->now);
    const double start_s = time_now_s() - x->e->began_s;
    if (!isnan(p.read_gb_s) || !variant_peaks(x->e, x->e->plan->cells[x->v[0].cell].threads, &p))
        return;
    stream_peaks(x, position, start_s, &p);
    experiment_keep_peaks(x->e, x->index, x->now, &p, x->e->peak_isa);
}

static bool wanted(const struct rounds *x, size_t i)
{
    return x->v[i].alive && !has_block(result_of(x, i), x->batch, x->now) && !interrupt_seen() && !x->e->record->rc;
}

static void run_round(struct rounds *x)
{
    size_t order[LATIN_MAX];
    const size_t places = x->n + x->peaks;
    const double began_s = time_now_s();
    latin_order(random_at(x->e->suite->seed, x->index), x->state->rounds + x->now - x->first, places, order);
    for (size_t at = 0; at < places && !interrupt_seen(); at++) {
        if (order[at] == x->n)
            visit_peaks(x, at);
        else if (wanted(x, order[at]))
            visit(x, order[at], at);
    }
    for (size_t i = 0; i < x->n; i++) /* what was void; ends, as repeats do */
        while (wanted(x, i))
            visit(x, i, places);
    x->round_s = time_now_s() - began_s;
}

/* ---- when to stop --------------------------------------------------------------------------------------------------- */

/* Half of the relative interval of what this cell is measured for: its ratio to a base in the same contest, else its speed. */
static double precision_of(const struct rounds *x, size_t i)
{
    struct interval interval;
    const size_t base = plan_base_cell(x->e->plan, x->v[i].cell);
    const struct cell_result *r = result_of(x, i);
    bool with_base = false, is_base = false;
    for (size_t k = 0; k < x->n; k++) {
        with_base |= x->v[k].cell == base && x->v[k].alive;
        is_base |= plan_base_cell(x->e->plan, x->v[k].cell) == x->v[i].cell && x->v[k].alive;
    }
    if (is_base)
        return 0;
    const int rc = with_base ? paired_ratio(&x->e->results[base], r, &interval, NULL)
                             : stats_median_interval(r->time_s.v, r->time_s.n, &interval);
    return rc ? INFINITY : paired_half_width(&interval);
}

static bool precise(const struct rounds *x)
{
    for (size_t i = 0; i < x->n; i++)
        if (x->v[i].alive && precision_of(x, i) > x->e->suite->precision)
            return false;
    return true;
}

static bool over_time(const struct rounds *x)
{
    for (size_t i = 0; i < x->n; i++) {
        const struct cell_result *r = result_of(x, i);
        if (x->v[i].alive && r->n_blocks && r->used_s + r->blocks[r->n_blocks - 1].window_s > x->e->suite->timeout_s)
            return true;
    }
    return false;
}

/* After half of the passes, and as many as their spread needs to count, or two where there are not so many. */
static bool passes_suffice(const struct rounds *x)
{
    const unsigned passes = x->e->passes, least = passes < PAIRED_PASSES ? 2 : PAIRED_PASSES;
    return x->pass >= least && 2 * x->pass >= passes;
}

/* With `all` rounds. */
static bool precise_enough(const struct rounds *x, unsigned all)
{
    return all >= x->e->suite->min_rounds && precise(x);
}

/* Of n in all passes, how many are due by the end of this one. */
static unsigned due(const struct rounds *x, unsigned n)
{
    return (n * x->pass + x->e->passes - 1) / x->e->passes;
}

static bool over_contest_time(const struct rounds *x)
{
    const double taken_s = x->state->time_s + time_now_s() - x->began_s, share = (double)x->pass / x->e->passes;
    return taken_s + x->round_s > share * x->e->suite->contest_s;
}

/* Why a contest ends after `done` rounds of this pass; NULL: it does not. */
static const char *end_reason(const struct rounds *x, unsigned done)
{
    const struct suite *s = x->e->suite;
    const unsigned all = x->state->rounds + done;
    bool alive = false;
    for (size_t i = 0; i < x->n; i++)
        alive |= x->v[i].alive;
    if (interrupt_seen())
        return "interrupted";
    if (!alive)
        return "failed";
    if (x->e->plan->cells[x->v[0].cell].quality)
        return done ? "rounds" : NULL;
    if (s->rounds && all >= s->rounds)
        return "rounds";
    if (!s->rounds && x->e->passes == 1 && precise_enough(x, all))
        return "precision";
    if (!s->rounds && all >= s->max_rounds)
        return "max_rounds";
    return all && over_time(x) ? "timeout" : NULL;
}

/* Whether `done` rounds are this pass's share of those that were asked for, or of what the time allows. */
static bool share_done(const struct rounds *x, unsigned done)
{
    const struct suite *s = x->e->suite;
    const unsigned all = x->state->rounds + done;
    if (!done)
        return false;
    if (s->rounds)
        return all >= due(x, s->rounds);
    return all >= due(x, s->max_rounds) || (all >= due(x, s->min_rounds) && over_contest_time(x));
}

/* After `done` whole rounds. NULL: go on. */
static const char *stop_reason(const struct rounds *x, unsigned done)
{
    const char *end = end_reason(x, done);
    if (end || !share_done(x, done))
        return end;
    if (!x->e->suite->rounds && passes_suffice(x) && precise_enough(x, x->state->rounds + done))
        return "precision";
    return x->pass < x->e->passes ? "pass" : "time";
}

/* Whole rounds of this pass so far; the present one counts when it has blocks and nobody who is alive lacks one. */
static unsigned rounds_done(const struct rounds *x)
{
    bool any = false, lacks = false;
    for (size_t i = 0; i < x->n; i++) {
        const bool has = has_block(result_of(x, i), x->batch, x->now);
        any |= has;
        lacks |= x->v[i].alive && !has;
    }
    return x->now - x->first + (any && !lacks);
}

/* ---- the contest ---------------------------------------------------------------------------------------------------- */

/* A run that was cut off between the last block of a round and its peaks, which were to come last, left a whole round without them. */
static void complete_peaks(const struct rounds *x, unsigned done)
{
    const bool whole = x->now < x->first + done;
    if (whole && x->peaks && !interrupt_seen())
        visit_peaks(x, x->n);
}

static void conclude(struct rounds *x, double duration_s)
{
    char id[PLAN_ID_LEN];
    const struct plan *p = x->e->plan;
    json_t *cells = json_array();
    for (size_t i = 0; i < x->n; i++) {
        struct cell_result *r = result_of(x, i);
        char cell_id[PLAN_ID_LEN];
        plan_cell_id(p, &p->cells[x->v[i].cell], cell_id);
        json_array_append_new(cells, json_string(cell_id));
        const bool lost = r->status == CELL_FAILED && !strcmp(x->stop, "interrupted"); /* it is no part of what is taken up again */
        snprintf(r->stop, sizeof r->stop, "%s", lost ? "failed" : x->stop);
    }
    const unsigned rounds = rounds_done(x);
    plan_contest_id(p, &p->cells[x->v[0].cell], id);
    record_line(x->e->record, "contest",
                json_pack("{s:s, s:i, s:i, s:o, s:i, s:i, s:s, s:b, s:f}", "contest", id, "batch", (int)x->batch, "pass",
                          (int)x->pass, "cells", cells, "first_round", (int)x->first, "rounds", (int)rounds, "stop", x->stop,
                          "fresh_processes", (int)x->v[0].fresh, "duration_s", duration_s));
    contest_state_add(x->state, x->pass, rounds, duration_s, x->stop);
}

static void run(struct rounds *x)
{
    number_rounds(x);
    for (size_t i = 0; i < x->n && !interrupt_seen(); i++) {
        if (result_of(x, i)->status == CELL_FAILED)
            continue;
        x->v[i].alive = true;
        if (!variant_open(x->e, &x->v[i]) && !interrupt_seen())
            drop_out(x, i);
    }
    x->began_s = time_now_s();
    unsigned done = rounds_done(x);
    complete_peaks(x, done);
    while (!(x->stop = stop_reason(x, done)) && !x->e->record->rc) {
        x->now = x->first + done;
        run_round(x);
        done = rounds_done(x);
    }
    if (!x->stop)
        x->stop = "failed";
    const double duration_s = time_now_s() - x->began_s;
    for (size_t i = 0; i < x->n; i++)
        variant_close(x->e, &x->v[i], contest_is_over(x->stop));
    conclude(x, duration_s);
}

/* Of a cell that had blocks in an earlier pass; 0: none. */
static unsigned last_repetitions(const struct cell_result *r)
{
    return r->n_blocks ? r->blocks[r->n_blocks - 1].repetitions : 0;
}

int contest_run(struct experiment *e, size_t index, unsigned pass)
{
    const struct contest *c = &e->schedule.contests[index];
    const struct batch *b = &e->schedule.batches[c->batch];
    struct rounds x = {.e = e,
                       .c = c,
                       .index = index,
                       .state = &e->contests[index],
                       .batch = (unsigned)c->batch + 1,
                       .pass = pass,
                       .n = c->n_cells};
    if (c->n_cells >= LATIN_MAX)
        return -E2BIG;
    x.v = calloc(x.n, sizeof *x.v);
    if (!x.v)
        return -ENOMEM;
    for (size_t i = 0; i < x.n; i++)
        x.v[i] = (struct variant){.cell = c->cells[i],
                                  .fresh = b->by_turns || (e->isolate && !e->plan->cells[c->cells[i]].quality),
                                  .repetitions = last_repetitions(&e->results[c->cells[i]])};
    x.peaks = e->peak_buffer_bytes && !e->plan->cells[c->cells[0]].quality;
    run(&x);
    free(x.v);
    return 0;
}
