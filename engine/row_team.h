/* Inside the engine: all threads converting the rows of matrices - for loading and for writing files. Rows of a mapped file are
 * taken in steps: fetched, converted, released, so that the file never stands in memory beside what is made of it. */
#ifndef BITJOULE_ROW_TEAM_H
#define BITJOULE_ROW_TEAM_H

#include "engine/model_build.h"
#include "engine/pool.h"

struct row_team {
    struct pool *pool;
    unsigned threads;
    const struct gguf *file; /* NULL: made from a seed */
    float *max;              /* [threads] largest |w| of a thread's rows */
    double *read_s;          /* [threads] time spent in waiting for the file's pages */
    float **row;             /* [threads][widest row] */
};

/* threads: 0 for one per physical core. They are bound as those of a session are: memory that a thread touches first is near the
 * one that will read it. 0 or negative errno. */
int row_team_new(const struct build *bld, unsigned threads, struct row_team *team);
void row_team_free(struct row_team *team);

/* The end of the step that begins at row `from` of the share that ends at row `to`: whole groups of t's new format. Brings its
 * rows in from the file; row_team_release() lets them go again. */
size_t row_team_fetch(struct row_team *team, const struct tensor_plan *t, unsigned thread, size_t from, size_t to);
void row_team_release(const struct row_team *team, const struct tensor_plan *t, size_t from, size_t to);
/* Mean over the threads of their time in row_team_fetch(). */
double row_team_read_s(const struct row_team *team);

/* The per-tensor scale that t has in its new format; 0 for a format that is not ternary. Called by every thread of the pool, which all
 * get the same answer. */
float row_team_scale(struct row_team *team, const struct tensor_plan *t, unsigned thread, unsigned threads);

/* Row r of t in the file layout of its new format. False: the format is ternary and the row is not (for this scale). */
bool row_team_pack(struct row_team *team, const struct tensor_plan *t, unsigned thread, size_t r, float scale, void *dst);

/* False: rows [from, to) of a ternary source hold a code other than 0, 1, 2 (a broken or hostile file). */
bool rows_valid(const struct row_source *src, size_t cols, size_t from, size_t to);

/* The message for either. Returns -EINVAL. */
int row_team_not_ternary(const struct build *bld, const struct tensor_plan *t);

#endif
