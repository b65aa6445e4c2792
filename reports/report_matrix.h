/* The cells of a set in reading order, cut into groups, with the speed-up of every cell over f16.
 *
 * Order: run, model (by parameters), test (pp, tg, others), depth, batch, KV type, format, embedding, threads. A group is what
 * one comparison table shows: equal in everything but format, embedding and threads. Cells of one group are neighbours. */
#ifndef BITJOULE_REPORT_MATRIX_H
#define BITJOULE_REPORT_MATRIX_H

#include "reports/report_record.h"

struct report_group {
    const struct report_run *run;
    struct report_cell **cells; /* n of them, sorted by format, embedding, threads */
    size_t n;
    const char *title; /* "tg32 @ d4096, batch 2, KV f32" */
    const char *model; /* as recorded; with the run in front when there are several runs */
};

struct claim_registry;

struct report_matrix {
    struct report_set *set;
    struct report_cell **cells; /* all, in reading order; of cells with the same key only the last recorded one */
    size_t n_cells;
    struct report_group *groups;
    size_t n_groups;
    const struct claim_registry *claims; /* published figures beside which the plots draw; NULL: none */
};

/* Sorts, groups, resolves speed-ups. Memory from the set's arena. 0, -ENOMEM, or -EINVAL with a line in err. */
int report_matrix_build(struct report_set *set, struct report_matrix *m, char err[REPORT_ERR_LEN]);

/* A row of a comparison table: cells with the same format and embedding. Returns the end of the row that starts at i. */
size_t report_row_end(const struct report_group *g, size_t i);
/* Ascending thread counts of a group; n_threads receives how many. Memory from the arena. */
const long long *report_group_threads(struct arena *a, const struct report_group *g, size_t *n_threads);
/* Among the cells [from, to) of a group, the one with this thread count, or NULL. */
struct report_cell *report_row_cell(const struct report_group *g, size_t from, size_t to, long long threads);

/* The fastest ok cell of a format in a group, or NULL. */
struct report_cell *report_best(const struct report_group *g, const char *format);
/* True if the row of c has a speed at every thread count of the group. */
bool report_sweep_complete(const struct report_group *g, const struct report_cell *c);
/* Speed of c over that of base: as recorded if the record compares the two, else of medians with the ends of the intervals. */
struct report_ratio report_ratio_of(const struct report_cell *c, const struct report_cell *base);

/* Memory differs a little from test to test. One condition stands for a model: the group and thread count that the most formats
 * have memory figures for; of equals decode before prefill, then the most threads. `first`: first group of the model. */
struct memory_pick {
    const struct report_group *g; /* NULL: no figures at all */
    long long threads;
};
struct memory_pick report_memory_pick(const struct report_matrix *m, size_t first);
size_t report_model_end(const struct report_matrix *m, size_t first); /* first group of the next model */

bool report_is_speed(const char *test);                   /* pp... and tg...; not ppl */
bool report_is_decode(const char *test);                  /* tg... */
bool report_equal(const char *a, const char *b);          /* of strings that may be NULL */
double report_group_params(const struct report_group *g); /* of the model; NAN if not recorded */

/* Fills vs_f16 of all cells of one run from its comparisons and, where there is none, from the medians. */
int report_speedup_resolve(struct arena *a, struct report_run *run, struct report_matrix *m, char err[REPORT_ERR_LEN]);

/* Fixed position of a format in tables, and its colour (Okabe-Ito, tells apart with any colour vision). */
size_t report_format_rank(const char *format);
const char *report_format_colour(const char *format); /* "#0072B2" */
int report_format_point(const char *format);          /* gnuplot point type */

#endif
