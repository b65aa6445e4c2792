/* Fills the tensors of a model with all threads: straight from the file where its layout is already that of the format, else
 * row by row through floats (or codes: row_team.c). A matrix that becomes ternary is checked: every weight must be -s, 0 or +s. */
#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/row_team.h"
#include "kernels/half.h"

struct fill {
    struct build *bld;
    struct row_team team;
    unsigned char **packed; /* [threads] one row group in file layout */
    atomic_size_t bad;      /* index + 1 of a tensor that is not ternary */
};

/* Rows [from, to) of a matrix whose file layout is already that of its format. False: a code that is none. */
static bool copy_rows(const struct tensor_plan *t, size_t from, size_t to)
{
    const struct weights *w = t->w;
    if (!rows_valid(&t->src, w->cols, from, to))
        return false;
    weights_load(w, t->src.file, from, to, (void *)(uintptr_t)w->data);
    return true;
}

/* One group of rows through floats. */
static bool convert_group(struct fill *f, const struct tensor_plan *t, unsigned thread, size_t from, size_t to, float scale)
{
    const struct weights *w = t->w;
    const struct format *fmt = w->fmt;
    const size_t row = fmt->row_bytes(w->cols);
    char *data = (char *)(uintptr_t)w->data + from / fmt->row_group * fmt->mem_bytes(fmt->row_group, w->cols);
    for (size_t r = from; r < to; r++)
        if (!row_team_pack(&f->team, t, thread, r, scale, f->packed[thread] + (r - from) * row))
            return false;
    const struct weights view = {.fmt = fmt, .rows = to - from, .cols = w->cols};
    weights_load(&view, f->packed[thread], 0, to - from, data);
    return true;
}

static bool convert_rows(struct fill *f, const struct tensor_plan *t, unsigned thread, size_t from, size_t to, float scale)
{
    const size_t group = t->w->fmt->row_group;
    for (size_t r = from; r < to; r += group)
        if (!convert_group(f, t, thread, r, r + group < to ? r + group : to, scale))
            return false;
    return true;
}

/* Whether the rows of the file can be loaded as they are. Blocks with scales of their own only into weights that keep them; a
 * `.scale` beside a ternary tensor multiplies the per-tensor scale. */
static bool is_direct(const struct tensor_plan *t)
{
    const struct format *fmt = t->w->fmt;
    if (!t->src.fmt || t->src.fmt->gguf_type != fmt->gguf_type)
        return false;
    return t->src.per_block ? t->w->per_block : t->src.factor == 1.0f || fmt->ternary;
}

static void fill_tensor(struct fill *f, size_t index, unsigned thread, unsigned threads)
{
    struct tensor_plan *t = &f->bld->tensors[index];
    struct weights *w = t->w;
    const bool direct = is_direct(t);
    float scale = direct ? t->src.scale * t->src.factor : row_team_scale(&f->team, t, thread, threads);
    size_t from, to;
    bool ok = true;
    pool_share(w->rows, w->fmt->row_group, thread, threads, &from, &to);
    for (size_t r = from, end; r < to && ok; r = end) {
        end = row_team_fetch(&f->team, t, thread, r, to);
        ok = direct ? copy_rows(t, r, end) : convert_rows(f, t, thread, r, end, scale);
        row_team_release(&f->team, t, r, end);
    }
    if (!direct && w->fmt->ternary && !w->fmt->tail_bytes) { /* what the blocks now hold */
        const float held = half_to_float(half_from_float(scale));
        ok &= fabsf(held - scale) <= scale * 0x1p-11f; /* else more than rounding: float16 has no such number */
        scale = held;
    }
    if (!ok)
        atomic_store(&f->bad, index + 1);
    if (thread == 0)
        w->scale = scale;
}

float vector_value(const void *src, uint32_t type, size_t i)
{
    float x = 1.0f;
    uint16_t half;
    if (src && type == GGUF_T_F16) {
        memcpy(&half, (const char *)src + i * sizeof half, sizeof half);
        x = half_to_float(half);
    } else if (src) {
        memcpy(&x, (const char *)src + i * sizeof x, sizeof x);
    }
    return x;
}

static void fill_all(void *arg, unsigned thread, unsigned threads)
{
    struct fill *f = arg;
    for (size_t i = 0; i < f->bld->n_tensors; i++)
        fill_tensor(f, i, thread, threads);
    for (size_t i = 0; i < f->bld->n_vectors && thread == 0; i++) {
        const struct vector_plan *v = &f->bld->vectors[i];
        for (size_t k = 0; k < v->n; k++)
            v->out[k] = vector_value(v->src, v->type, k);
    }
}

/* The largest group of rows in file layout. */
static size_t largest_group(const struct build *bld)
{
    size_t bytes = 1;
    for (size_t i = 0; i < bld->n_tensors; i++) {
        const struct weights *w = bld->tensors[i].w;
        const size_t need = w->fmt->row_group * w->fmt->row_bytes(w->cols);
        bytes = need > bytes ? need : bytes;
    }
    return bytes;
}

int build_fill(struct build *bld, unsigned threads)
{
    struct fill f = {.bld = bld};
    const size_t group_bytes = largest_group(bld);
    int rc = row_team_new(bld, threads, &f.team);
    if (rc != 0)
        return rc;
    f.packed = calloc(f.team.threads, sizeof *f.packed);
    rc = f.packed ? 0 : -ENOMEM;
    for (unsigned i = 0; rc == 0 && i < f.team.threads; i++) {
        f.packed[i] = malloc(group_bytes);
        rc = f.packed[i] ? 0 : -ENOMEM;
    }
    if (rc == 0) {
        pool_run(f.team.pool, fill_all, &f);
        const size_t bad = atomic_load(&f.bad);
        rc = bad ? row_team_not_ternary(bld, &bld->tensors[bad - 1]) : 0;
        bld->m->read_s += row_team_read_s(&f.team);
    }
    for (unsigned i = 0; f.packed && i < f.team.threads; i++)
        free(f.packed[i]);
    free(f.packed);
    row_team_free(&f.team);
    return rc;
}
