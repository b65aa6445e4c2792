/* Inside the engine: all threads converting the rows of matrices through floats - for loading and for writing files. */
#ifndef BITJOULE_ROW_TEAM_H
#define BITJOULE_ROW_TEAM_H

#include "engine/model_build.h"
#include "engine/pool.h"

struct row_team {
    struct pool *pool;
    unsigned threads;
    float *max;  /* [threads] largest |w| of a thread's rows */
    float **row; /* [threads][max_cols] */
};

/* threads: 0 for one per physical core. 0 or negative errno. */
int row_team_new(unsigned threads, size_t max_cols, struct row_team *team);
void row_team_free(struct row_team *team);

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
