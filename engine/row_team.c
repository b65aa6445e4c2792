/* Rows through floats: unpack or make, check, pack. Rows of random ternary weights go through their codes instead. */
#include "engine/row_team.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/now.h"
#include "kernels/half.h"

enum { STEP_BYTES = 512 << 10 }; /* of the file: with what is made of it, within the second-level cache */

static size_t widest_row(const struct build *bld)
{
    size_t cols = 1;
    for (size_t i = 0; i < bld->n_tensors; i++)
        cols = bld->tensors[i].w->cols > cols ? bld->tensors[i].w->cols : cols;
    return cols;
}

int row_team_new(const struct build *bld, unsigned threads, struct row_team *team)
{
    const size_t cols = widest_row(bld);
    *team = (struct row_team){.file = bld->m->gguf};
    int rc = pool_new(threads, true, 0, &team->pool);
    if (rc != 0)
        return rc;
    team->threads = pool_threads(team->pool);
    team->max = calloc(team->threads, sizeof *team->max);
    team->read_s = calloc(team->threads, sizeof *team->read_s);
    team->row = calloc(team->threads, sizeof *team->row);
    rc = team->max && team->read_s && team->row ? 0 : -ENOMEM;
    for (unsigned i = 0; i < team->threads && rc == 0; i++) {
        team->row[i] = malloc(cols * sizeof **team->row);
        rc = team->row[i] ? 0 : -ENOMEM;
    }
    if (rc != 0)
        row_team_free(team);
    return rc;
}

void row_team_free(struct row_team *team)
{
    pool_free(team->pool);
    for (unsigned i = 0; i < team->threads && team->row; i++)
        free(team->row[i]);
    free(team->row);
    free(team->read_s);
    free(team->max);
}

size_t row_team_fetch(struct row_team *team, const struct tensor_plan *t, unsigned thread, size_t from, size_t to)
{
    if (!t->src.fmt)
        return to;
    const size_t row = t->src.fmt->row_bytes(t->w->cols), group = t->w->fmt->row_group;
    const size_t rows = STEP_BYTES / row < group ? group : STEP_BYTES / row / group * group;
    const size_t end = rows < to - from ? from + rows : to;
    const double start = now_s();
    gguf_fetch(team->file, (const char *)t->src.file + from * row, (end - from) * row);
    team->read_s[thread] += now_s() - start;
    return end;
}

void row_team_release(const struct row_team *team, const struct tensor_plan *t, size_t from, size_t to)
{
    if (!t->src.fmt)
        return;
    const size_t row = t->src.fmt->row_bytes(t->w->cols);
    gguf_release(team->file, (const char *)t->src.file + from * row, (to - from) * row);
}

double row_team_read_s(const struct row_team *team)
{
    double sum = 0;
    for (unsigned i = 0; i < team->threads; i++)
        sum += team->read_s[i];
    return sum / team->threads;
}

static float largest(const float *x, size_t n)
{
    float m = 0.0f;
    for (size_t i = 0; i < n; i++)
        if (fabsf(x[i]) > m)
            m = fabsf(x[i]);
    return m;
}

/* Without branches: random signs would mispredict half of them. */
static bool is_ternary(const float *x, size_t n, float s)
{
    int bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= (x[i] != 0.0f) & (x[i] != s) & (x[i] != -s);
    return bad == 0;
}

/* A ternary source whose one scale is known, or the seed: no need to look at the weights. */
static bool scale_known(const struct row_source *src)
{
    return src->fmt ? src->fmt->ternary && !src->per_block : src->ternary;
}

float row_team_scale(struct row_team *team, const struct tensor_plan *t, unsigned thread, unsigned threads)
{
    const struct weights *w = t->w;
    if (!w->fmt->ternary)
        return 0.0f;
    if (scale_known(&t->src))
        return fabsf(t->src.scale * t->src.factor); /* a negative scale is in the signs of the rows */
    size_t from, to;
    float s = 0.0f;
    pool_share(w->rows, 1, thread, threads, &from, &to);
    team->max[thread] = 0.0f;
    for (size_t r = from, end; r < to; r = end) {
        end = row_team_fetch(team, t, thread, r, to);
        for (size_t i = r; i < end; i++) {
            source_row(&t->src, i, w->cols, team->row[thread]);
            team->max[thread] = fmaxf(team->max[thread], largest(team->row[thread], w->cols));
        }
        row_team_release(team, t, r, end);
    }
    pool_barrier(team->pool);
    for (unsigned i = 0; i < threads; i++)
        s = fmaxf(s, team->max[i]);
    pool_barrier(team->pool);
    return s;
}

bool row_team_pack(struct row_team *team, const struct tensor_plan *t, unsigned thread, size_t r, float scale, void *dst)
{
    const struct weights *w = t->w;
    if (!t->src.fmt && t->src.ternary && w->fmt->pack_codes) { /* nothing to check, no floats */
        uint8_t *codes = (uint8_t *)team->row[thread];
        source_codes(&t->src, r, w->cols, codes);
        w->fmt->pack_codes(codes, w->cols, scale, dst);
        return true;
    }
    if (!rows_valid(&t->src, w->cols, r, r + 1))
        return false;
    source_row(&t->src, r, w->cols, team->row[thread]);
    if (w->fmt->ternary && !is_ternary(team->row[thread], w->cols, scale))
        return false;
    w->fmt->pack_row(team->row[thread], w->cols, scale, dst);
    return true;
}

bool rows_valid(const struct row_source *src, size_t cols, size_t from, size_t to)
{
    if (!src->fmt || !src->fmt->row_valid)
        return true;
    const size_t row = src->fmt->row_bytes(cols);
    for (size_t r = from; r < to; r++)
        if (!src->fmt->row_valid((const char *)src->file + r * row, cols))
            return false;
    return true;
}

int row_team_not_ternary(const struct build *bld, const struct tensor_plan *t)
{
    snprintf(bld->err, MODEL_ERR_LEN, "%s: tensor %s is not ternary (its weights are not all -s, 0 or +s for one s): %s cannot hold it",
             bld->m->name, t->name, t->w->fmt->name);
    return -EINVAL;
}
