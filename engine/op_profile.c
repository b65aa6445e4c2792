/* Sums of laps, and the table made of them.
 *
 *     per token   = mean over threads of the time in the operation / tokens
 *     share       = mean over threads / window;  sum over operations + other = 1
 *     GMAC/s, GB/s = work of all threads / mean time: the speed of the threads together while they are in that operation */
#include "engine/op_profile.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>


static const char *const op_names[OP_KINDS] = {
    [OP_EMBED] = "embed",       [OP_NORM] = "norm",           [OP_QUANTIZE] = "quantize",       [OP_QKV] = "qkv",
    [OP_ROPE] = "rope+cache",   [OP_ATTENTION] = "attention", [OP_SUB_NORM] = "sub-norm",       [OP_ATTN_OUT] = "attn_output",
    [OP_GATE_UP] = "gate+up",   [OP_ACT] = "activation",      [OP_DOWN] = "down",               [OP_OUTPUT_NORM] = "output_norm",
    [OP_LM_HEAD] = "lm_head",   [OP_WAIT] = "wait",
};

int op_profile_new(unsigned threads, struct op_profile **out)
{
    struct op_profile *p = calloc(1, sizeof *p);
    struct op_lane *lane = aligned_alloc(_Alignof(struct op_lane), threads * sizeof *lane);
    if (!p || !lane) {
        free(p);
        free(lane);
        return -ENOMEM;
    }
    memset(lane, 0, threads * sizeof *lane);
    *p = (struct op_profile){.threads = threads, .lane = lane};
    *out = p;
    return 0;
}

void op_profile_free(struct op_profile *p)
{
    if (p)
        free(p->lane);
    free(p);
}

void op_profile_count(struct op_profile *p, const struct op_counters *counters)
{
    p->counters = *counters;
    for (unsigned t = 0; t < p->threads; t++) {
        p->lane[t].counters = &p->counters;
        p->lane[t].thread = t;
    }
}

void op_profile_attach(struct op_profile *p, unsigned thread)
{
    const struct op_counters *c = p->lane[thread].counters;
    if (c)
        c->attach(c->of, thread);
}

/* The least of several batches: what disturbs a batch only makes it longer. */
double op_clock_cost_s(void)
{
    enum { BATCHES = 10, READS = 200 };
    uint64_t best = UINT64_MAX;
    for (int b = 0; b < BATCHES; b++) {
        const uint64_t first = now_ns();
        uint64_t last = first;
        for (int i = 0; i < READS; i++)
            last = now_ns();
        if (last - first < best)
            best = last - first;
    }
    return 1e-9 * (double)best / READS;
}

void op_begin_counts(struct op_lane *lane)
{
    lane->counters->read(lane->counters->of, lane->thread, lane->last);
}

static void lap_counts(struct op_lane *lane, struct op_sum *s)
{
    uint64_t now[OP_COUNTS];
    lane->counters->read(lane->counters->of, lane->thread, now);
    for (size_t i = 0; i < OP_COUNTS; i++) {
        s->count[i] += now[i] - lane->last[i];
        lane->last[i] = now[i];
    }
}

void op_lap_work(struct op_lane *lane, enum op op, double macs, double bytes)
{
    if (!lane)
        return;
    const uint64_t now = now_ns();
    struct op_sum *s = &lane->sum[op];
    s->ns += now - lane->last_ns;
    s->calls++;
    s->macs += macs;
    s->bytes += bytes;
    if (lane->counters)
        lap_counts(lane, s);
    lane->last_ns = now;
}

/* Seconds of `thread` in `op`; OP_WAIT has what no lap of this thread covers. */
static double op_seconds(const struct op_profile *p, unsigned thread, size_t op)
{
    const struct op_sum *sum = p->lane[thread].sum;
    uint64_t ns = sum[op].ns;
    if (op == OP_WAIT) {
        ns = p->pass_ns;
        for (size_t i = 0; i < OP_WAIT; i++)
            ns -= sum[i].ns;
    }
    return 1e-9 * (double)ns;
}

void op_profile_rows(const struct op_profile *p, struct op_row rows[OP_KINDS])
{
    for (size_t op = 0; op < OP_KINDS; op++) {
        struct op_row *r = &rows[op];
        *r = (struct op_row){.op = op_names[op]};
        for (unsigned t = 0; t < p->threads; t++) {
            const double s = op_seconds(p, t, op);
            r->mean_s += s / p->threads;
            r->lap_s += 1e-9 * (double)p->lane[t].sum[op].ns / p->threads;
            r->slowest_s = fmax(r->slowest_s, s);
            r->calls += (double)p->lane[t].sum[op].calls;
            r->macs += p->lane[t].sum[op].macs;
            r->bytes += p->lane[t].sum[op].bytes;
            for (size_t i = 0; i < OP_COUNTS; i++)
                r->count[i] += (double)p->lane[t].sum[op].count[i];
        }
    }
    rows[OP_ATTENTION].macs = p->attn_macs;
    rows[OP_ATTENTION].bytes = p->attn_bytes;
}

size_t op_profile_lines(const struct op_profile *p, double window_s, double tokens, struct op_line lines[OP_KINDS + 1])
{
    struct op_row rows[OP_KINDS];
    size_t n = 0;
    op_profile_rows(p, rows);
    for (size_t i = 0; i < OP_KINDS; i++) {
        const struct op_row *r = &rows[i];
        if (r->calls == 0 && i != OP_WAIT)
            continue;
        lines[n++] = (struct op_line){.op = r->op,
                                      .s_per_token = r->mean_s / tokens,
                                      .slowest_s_per_token = r->slowest_s / tokens,
                                      .share = r->mean_s / window_s,
                                      .calls = r->calls,
                                      .gmac_s = r->macs > 0 ? 1e-9 * r->macs / r->mean_s : (double)NAN,
                                      .gb_s = r->bytes > 0 ? 1e-9 * r->bytes / r->mean_s : (double)NAN};
    }
    const double other_s = window_s - 1e-9 * (double)p->pass_ns;
    lines[n++] = (struct op_line){.op = "other",
                                  .s_per_token = other_s / tokens,
                                  .slowest_s_per_token = other_s / tokens,
                                  .share = other_s / window_s,
                                  .calls = (double)NAN,
                                  .gmac_s = (double)NAN,
                                  .gb_s = (double)NAN};
    return n;
}

/* A number in `width` columns, or blanks where there is none. */
static void print_number(FILE *f, int width, int decimals, double x)
{
    if (isfinite(x))
        fprintf(f, " %*.*f", width, decimals, x);
    else
        fprintf(f, " %*s", width, "");
}

void op_lines_print(FILE *f, const struct op_line *lines, size_t n)
{
    fprintf(f, "  %-12s %10s %7s %10s %9s %8s %7s\n", "operation", "us/token", "share %", "slowest us", "calls", "GMAC/s", "GB/s");
    for (size_t i = 0; i < n; i++) {
        const struct op_line *l = &lines[i];
        fprintf(f, "  %-12s %10.1f %7.2f %10.1f", l->op, 1e6 * l->s_per_token, 100 * l->share, 1e6 * l->slowest_s_per_token);
        print_number(f, 9, 0, l->calls);
        print_number(f, 8, 1, l->gmac_s);
        print_number(f, 7, 2, l->gb_s);
        fputc('\n', f);
    }
}
