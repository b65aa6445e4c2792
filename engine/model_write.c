/* Streams a listed model into a GGUF file: rows are converted in blocks by all threads and written in order, so that memory stays
 * small whatever the size of the model. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/row_team.h"

enum { BLOCK_BYTES = 8 << 20 };

struct block {
    struct row_team *team;
    const struct tensor_plan *t;
    size_t row0, rows;
    float scale;
    unsigned char *out;
    atomic_bool bad;
};

int build_declare(struct build *bld, struct gguf_writer *w)
{
    int rc = 0;
    for (size_t i = 0; i < bld->n_tensors && rc == 0; i++) {
        const struct tensor_plan *t = &bld->tensors[i];
        const uint64_t dims[GGUF_MAX_DIMS] = {t->w->cols, t->w->rows, 1, 1};
        rc = gguf_declare_tensor(w, t->name, t->w->fmt->gguf_type, 2, dims);
    }
    for (size_t i = 0; i < bld->n_vectors && rc == 0; i++) {
        const uint64_t dims[GGUF_MAX_DIMS] = {bld->vectors[i].n, 1, 1, 1};
        rc = gguf_declare_tensor(w, bld->vectors[i].name, GGUF_T_F32, 1, dims);
    }
    return rc;
}

static void find_scale(void *arg, unsigned thread, unsigned threads)
{
    struct block *b = arg;
    const float s = row_team_scale(b->team, b->t, thread, threads);
    if (thread == 0)
        b->scale = s;
}

static void pack_block(void *arg, unsigned thread, unsigned threads)
{
    struct block *b = arg;
    const size_t bytes = b->t->w->fmt->row_bytes(b->t->w->cols);
    size_t from, to;
    pool_share(b->rows, 1, thread, threads, &from, &to);
    for (size_t r = from; r < to; r++)
        if (!row_team_pack(b->team, b->t, thread, b->row0 + r, b->scale, b->out + r * bytes))
            atomic_store(&b->bad, true);
}

/* A tensor that stays as it is is copied; else it goes through floats. */
static int write_tensor(struct build *bld, struct gguf_writer *w, struct block *b)
{
    const struct weights *m = b->t->w;
    const size_t row = m->fmt->row_bytes(m->cols), per_block = row < BLOCK_BYTES ? BLOCK_BYTES / row : 1;
    int rc = 0;
    if (b->t->src.fmt == m->fmt && b->t->src.factor == 1.0f) {
        if (!rows_valid(&b->t->src, m->cols, 0, m->rows)) /* on the other path row_team_pack looks at each row */
            return row_team_not_ternary(bld, b->t);
        rc = gguf_write_data(w, b->t->src.file, m->rows * row + m->fmt->tail_bytes);
        row_team_release(b->team, b->t, 0, m->rows);
        return rc;
    }
    pool_run(b->team->pool, find_scale, b);
    for (b->row0 = 0; b->row0 < m->rows && rc == 0; b->row0 += b->rows) {
        b->rows = m->rows - b->row0 < per_block ? m->rows - b->row0 : per_block;
        pool_run(b->team->pool, pack_block, b);
        row_team_release(b->team, b->t, b->row0, b->row0 + b->rows);
        rc = atomic_load(&b->bad) ? row_team_not_ternary(bld, b->t) : gguf_write_data(w, b->out, b->rows * row);
    }
    if (rc == 0 && m->fmt->tail_bytes) {
        m->fmt->write_tail(b->out, b->scale);
        rc = gguf_write_data(w, b->out, m->fmt->tail_bytes);
    }
    return rc;
}

static int write_vector(const struct vector_plan *v, struct gguf_writer *w)
{
    int rc = 0;
    for (size_t i = 0; i < v->n && rc == 0; i++) {
        const float x = vector_value(v->src, v->type, i);
        rc = gguf_write_data(w, &x, sizeof x);
    }
    return rc;
}

int build_write_data(struct build *bld, struct gguf_writer *w, unsigned threads)
{
    struct row_team team;
    size_t out_bytes = BLOCK_BYTES;
    for (size_t i = 0; i < bld->n_tensors; i++) {
        const struct weights *m = bld->tensors[i].w;
        const size_t row = m->fmt->row_bytes(m->cols);
        out_bytes = row > out_bytes ? row : out_bytes;
    }
    int rc = row_team_new(bld, threads, &team);
    if (rc != 0) {
        snprintf(bld->err, MODEL_ERR_LEN, "%s: cannot start threads to convert with: %s", bld->m->name, strerror(-rc));
        return rc;
    }
    unsigned char *out = malloc(out_bytes);
    rc = out ? 0 : -ENOMEM;
    for (size_t i = 0; i < bld->n_tensors && rc == 0; i++) {
        struct block b = {.team = &team, .t = &bld->tensors[i], .out = out};
        rc = write_tensor(bld, w, &b);
    }
    for (size_t i = 0; i < bld->n_vectors && rc == 0; i++)
        rc = write_vector(&bld->vectors[i], w);
    free(out);
    row_team_free(&team);
    return rc;
}
