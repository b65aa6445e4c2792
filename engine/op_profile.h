/* Where the time of a pass goes, operation by operation, on every thread. Off unless session_profile() is given one of these.
 *
 * Each thread reads the clock once after each operation and adds the time since its last reading to that operation: there are
 * no gaps between them. What a pass takes on the caller's clock beyond the sum of a thread's operations (waking up, and waiting
 * for the slowest thread at the end) counts as that thread's OP_WAIT. So on every thread the operations add up to the time of the
 * passes, and so do their means over the threads.
 *
 * The price is that of the clock: one clock_gettime() per operation and thread (op_clock_cost_s() measures it, some 20-50 ns),
 * about 20 per layer in decode, and one for each unit of rows that is taken from a tail (forward.c). In prefill, norms and
 * quantisation read it once per token.
 *
 * Beside the clock, counters can be read: whoever profiles gives op_profile_count() the calls. That is a system call or so per
 * reading, so a pass with counters tells no times; run one without them for these. */
#ifndef BITJOULE_OP_PROFILE_H
#define BITJOULE_OP_PROFILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/now.h"

/* In the order of a pass. */
enum op {
    OP_EMBED,       /* row of the token embedding */
    OP_NORM,        /* RMSNorm before q, k, v and before gate, up */
    OP_QUANTIZE,    /* the input of any matrix, to the kind its format takes */
    OP_QKV,         /* the three matrices before attention, biases included */
    OP_ROPE,        /* angles, rotation, writing k and v to the cache */
    OP_ATTENTION,   /* scores, softmax, weighted sum of v */
    OP_SUB_NORM,    /* RMSNorm before attn_output and before ffn_down, where there is one */
    OP_ATTN_OUT,    /* the matrix after attention, added to the residual stream */
    OP_GATE_UP,     /* the two matrices of the feed-forward network's input */
    OP_ACT,         /* ReLU^2 or SiLU, times up */
    OP_DOWN,        /* the matrix of its output, added to the residual stream */
    OP_OUTPUT_NORM, /* RMSNorm before lm_head */
    OP_LM_HEAD,
    OP_WAIT, /* at barriers, for the slowest thread; and around a pass */
    OP_KINDS
};

enum { OP_COUNTS = 8 };

/* Counters of the calling thread, which is the profile's `thread`; `of` is handed on. What they count is none of the engine's
 * business. */
struct op_counters {
    void (*attach)(void *of, unsigned thread); /* once on every thread, before its first reading */
    void (*read)(void *of, unsigned thread, uint64_t value[OP_COUNTS]);
    void *of;
};

struct op_sum {
    uint64_t ns, calls;
    double macs, bytes;
    uint64_t count[OP_COUNTS];
};

/* One thread's sums; a cache line is never shared by two threads. */
struct op_lane {
    _Alignas(64) uint64_t last_ns;
    const struct op_counters *counters; /* NULL: none */
    unsigned thread;
    uint64_t last[OP_COUNTS];
    struct op_sum sum[OP_KINDS];
};

struct op_profile {
    unsigned threads;
    uint64_t pass_ns; /* of all passes, on the caller's clock */
    double attn_macs, attn_bytes;
    struct op_lane *lane; /* [threads] */
    struct op_counters counters;
};

/* For a session with that many threads. 0 or -ENOMEM. */
int op_profile_new(unsigned threads, struct op_profile **out);
void op_profile_free(struct op_profile *p);

/* Before session_profile(), which attaches the threads: counts them, too. */
void op_profile_count(struct op_profile *p, const struct op_counters *counters);
void op_profile_attach(struct op_profile *p, unsigned thread); /* on that thread; the session's to call */

double op_clock_cost_s(void); /* of one reading of now_ns(); takes about 100 microseconds */

/* ---- inside the pass: `lane` is NULL when nothing is profiled ---- */

void op_begin_counts(struct op_lane *lane);

static inline void op_begin(struct op_lane *lane)
{
    if (lane && lane->counters)
        op_begin_counts(lane);
    if (lane)
        lane->last_ns = now_ns();
}

/* The operation that has just ended, with its multiply-adds and the bytes of weights it read. */
void op_lap_work(struct op_lane *lane, enum op op, double macs, double bytes);

static inline void op_lap(struct op_lane *lane, enum op op)
{
    if (lane)
        op_lap_work(lane, op, 0, 0);
}

/* ---- what came of it ---- */

struct op_row {
    const char *op;
    double mean_s, slowest_s; /* mean over the threads, and of the thread that spent most on it */
    double lap_s;             /* mean_s of what lies between two readings: of "wait" without the time around passes */
    double calls;             /* clock readings: times that a thread did it, all threads together */
    double macs, bytes;       /* of all threads; 0: not counted for this operation */
    double count[OP_COUNTS];  /* of all threads, of the time that lap_s is of */
};

/* Fills one row per operation. Sum of mean_s = pass_ns. Returns OP_KINDS. */
void op_profile_rows(const struct op_profile *p, struct op_row rows[OP_KINDS]);

/* A row as it is printed and recorded. NAN: not counted. */
struct op_line {
    const char *op;
    double s_per_token, slowest_s_per_token, share, calls, gmac_s, gb_s;
};
/* Rows per token and as shares of window_s, the wall time in which the passes took place, and as the last line "other": what of the
 * window was in no pass. Lines of operations that never ran are left out. Returns how many, at most OP_KINDS + 1. */
size_t op_profile_lines(const struct op_profile *p, double window_s, double tokens, struct op_line lines[OP_KINDS + 1]);
/* The table for a terminal. */
void op_lines_print(FILE *f, const struct op_line *lines, size_t n);

#endif
