/* See kernel_data.h. A matrix is filled like the engine fills a model: group by group of rows in file layout, then the format's
 * load(), by all threads. */
#include "harness/kernel_data.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/mix64.h"
#include "kernels/half.h"
#include "kernels/ops.h"

enum { COPY_ALIGN = 4096, POISON = 0x7fa5a5a5 };

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* ---- random numbers ------------------------------------------------------------------------------------------------- */

/* Uniform in [-1, 1) */
static float uniform_at(uint64_t seed, uint64_t i)
{
    return (float)(random_at(seed, i) >> 40) * 0x1p-23f - 1.0f;
}

enum { SEED_TOKEN = 1, SEED_ROW, SEED_X, SEED_W }; /* of the independent streams */

static uint64_t stream(uint64_t seed, uint64_t which)
{
    return random_at(seed ^ (which << 56), 0);
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

/* -s, 0, +s for a ternary format, with an s that float16 holds; else uniform. The size is a model's: outputs near 1. */
static void make_row(const struct format *fmt, size_t cols, float scale, uint64_t seed, float *row)
{
    for (size_t k = 0; k < cols; k++) {
        const float u = uniform_at(seed, k);
        row[k] = !fmt->ternary ? u * scale : u < -1.0f / 3 ? -scale : u < 1.0f / 3 ? 0.0f : scale;
    }
}

/* The different rows in file layout, tail included; NULL without memory. *w gets the scale. */
static char *make_bank(const struct format *fmt, size_t cols, uint64_t seed, struct weights *w)
{
    const size_t len = fmt->row_bytes(cols);
    const float scale = half_to_float(half_from_float(sqrtf(1.5f / (float)cols)));
    char *bank = calloc(1, KERNEL_ROWS * len + fmt->tail_bytes);
    float *row = malloc(cols * sizeof *row);
    for (size_t r = 0; bank && row && r < KERNEL_ROWS; r++) {
        make_row(fmt, cols, scale, stream(seed, SEED_W + r), row);
        fmt->pack_row(row, cols, scale, bank + r * len);
    }
    if (!row) {
        free(bank);
        bank = NULL;
    }
    free(row);
    if (bank && fmt->write_tail)
        fmt->write_tail(bank + KERNEL_ROWS * len, scale);
    if (bank && fmt->file_scale)
        fmt->file_scale(bank, KERNEL_ROWS, cols, &w->scale); /* one for all blocks: it was packed so */
    return bank;
}

/* ---- filling -------------------------------------------------------------------------------------------------------- */

struct filling {
    const struct kernel_data *d;
    struct kernel_matrix *m;
    const char *bank; /* the different rows */
    char *groups;     /* [threads]: one row group in file layout */
    struct pool *pool;
};

/* One group of rows from the bank into the memory layout. */
static void fill_group(const struct filling *f, size_t row0, size_t row1, char *passing)
{
    const struct weights *w = &f->m->w;
    const size_t len = w->fmt->row_bytes(w->cols), group = w->fmt->row_group;
    char *dst = f->m->first + row0 / group * w->fmt->mem_bytes(group, w->cols);
    struct weights view = *w;
    for (size_t r = row0; r < row1; r++)
        memcpy(passing + (r - row0) * len, f->bank + f->d->row[r] * len, len);
    view.rows = row1 - row0;
    view.data = dst;
    weights_load(&view, passing, 0, view.rows, dst);
}

static void fill(void *arg, unsigned thread, unsigned threads)
{
    const struct filling *f = arg;
    const struct weights *w = &f->m->w;
    const size_t group = w->fmt->row_group;
    size_t from, to, row0, row1;
    pool_share(f->m->stride, COPY_ALIGN, thread, threads, &from, &to);
    memset(f->m->first + from, 0, to - from); /* as load() wants it */
    pool_share(w->rows, group, thread, threads, &row0, &row1);
    pool_barrier(f->pool);
    for (size_t r = row0; r < row1; r += group)
        fill_group(f, r, r + group < row1 ? r + group : row1, f->groups + thread * group * w->fmt->row_bytes(w->cols));
    pool_barrier(f->pool);
    for (size_t c = 1; c < f->m->copies; c++)
        memcpy(f->m->first + c * f->m->stride + from, f->m->first + from, to - from);
}

/* Outputs of the different rows and tokens by the C kernel, spread over all rows. 0 or -ENOMEM. */
static int expect(const struct kernel_data *d, struct kernel_matrix *m, const char *bank)
{
    const struct format *fmt = m->w.fmt;
    const struct acts x = kernel_data_acts(d, fmt->act, KERNEL_TOKENS);
    struct weights w = m->w;
    w.rows = KERNEL_ROWS;
    while (w.kern->need != 0)
        w.kern++;
    const size_t bytes = round_up(fmt->mem_bytes(w.rows, w.cols), ACT_ALIGN);
    void *data = aligned_alloc(ACT_ALIGN, bytes), *scratch = aligned_alloc(ACT_ALIGN, KERNEL_SCRATCH_BYTES);
    float y[KERNEL_TOKENS * KERNEL_ROWS];
    m->expected = malloc(KERNEL_TOKENS * d->rows * sizeof *m->expected);
    const bool ok = data && scratch && m->expected;
    if (ok) {
        memset(data, 0, bytes);
        w.data = data;
        weights_load(&w, bank, 0, w.rows, data);
        w.kern->gemm(&w, &x, 0, w.rows, y, w.rows, scratch);
    }
    for (size_t t = 0; ok && t < KERNEL_TOKENS; t++)
        for (size_t r = 0; r < d->rows; r++)
            m->expected[t * d->rows + r] = y[t * KERNEL_ROWS + d->row[r]];
    free(data);
    free(scratch);
    return ok ? 0 : -ENOMEM;
}

/* ---- sizes ---------------------------------------------------------------------------------------------------------- */

static size_t stride_of(const struct kernel_data_spec *s, const struct format *fmt)
{
    return round_up(fmt->mem_bytes(s->rows, s->cols), COPY_ALIGN);
}

static size_t acts_tokens(const struct kernel_data_spec *s)
{
    return s->n_max > KERNEL_TOKENS ? s->n_max : KERNEL_TOKENS;
}

static bool takes(const struct kernel_data_spec *s, enum act_kind kind)
{
    for (size_t f = 0; f < s->n_formats; f++)
        if (s->formats[f]->act == kind)
            return true;
    return false;
}

size_t kernel_data_arena_min(const struct kernel_data_spec *s)
{
    size_t sum = 0;
    for (size_t f = 0; f < s->n_formats; f++)
        sum += stride_of(s, s->formats[f]);
    return sum;
}

size_t kernel_data_bytes(const struct kernel_data_spec *s)
{
    size_t sum = (s->n_max + s->n_formats * KERNEL_TOKENS) * s->rows * sizeof(float);
    for (int k = 0; k < ACT_KINDS; k++)
        if (takes(s, (enum act_kind)k))
            sum += acts_bytes((enum act_kind)k, acts_tokens(s), s->cols);
    return sum;
}

/* ---- making --------------------------------------------------------------------------------------------------------- */

/* One copy, and as many more as fit in an equal share of what the single copies of all formats leave. */
static size_t copies_of(const struct kernel_data_spec *s, const struct format *fmt)
{
    const size_t spare = (s->arena_bytes - kernel_data_arena_min(s)) / s->n_formats;
    return s->one_copy ? 1 : 1 + spare / stride_of(s, fmt);
}

static int make_matrix(const struct kernel_data_spec *s, struct kernel_data *d, const struct format *fmt, char *at)
{
    struct kernel_matrix *m = &d->matrices[d->n_matrices++];
    *m = (struct kernel_matrix){.w = {.fmt = fmt, .kern = format_kernel(fmt), .rows = s->rows, .cols = s->cols},
                                .first = at,
                                .stride = stride_of(s, fmt),
                                .copies = copies_of(s, fmt)};
    struct filling f = {.d = d, .m = m, .pool = s->pool};
    char *bank = make_bank(fmt, s->cols, s->seed, &m->w);
    m->w.data = at;
    f.bank = bank;
    f.groups = malloc(pool_threads(s->pool) * fmt->row_group * fmt->row_bytes(s->cols));
    int rc = bank && f.groups ? 0 : -ENOMEM;
    if (rc == 0) {
        pool_run(s->pool, fill, &f);
        rc = expect(d, m, bank);
    }
    free(f.groups);
    free(bank);
    return rc;
}

static int make_tokens(const struct kernel_data_spec *s, struct kernel_data *d)
{
    const size_t n = acts_tokens(s);
    const struct ops *ops = ops_select();
    float *x = malloc(KERNEL_TOKENS * s->cols * sizeof *x);
    bool ok = x != NULL;
    for (size_t i = 0; ok && i < KERNEL_TOKENS * s->cols; i++)
        x[i] = uniform_at(stream(s->seed, SEED_X), i);
    for (int k = 0; ok && k < ACT_KINDS; k++) {
        if (!takes(s, (enum act_kind)k))
            continue;
        d->acts_buf[k] = aligned_alloc(ACT_ALIGN, round_up(acts_bytes((enum act_kind)k, n, s->cols), ACT_ALIGN));
        ok = d->acts_buf[k] != NULL;
        if (ok)
            d->acts[k] = acts_layout((enum act_kind)k, n, s->cols, d->acts_buf[k]);
        for (size_t t = 0; ok && t < n; t++)
            acts_fill(ops, &d->acts[k], t, x + d->token[t] * s->cols);
    }
    free(x);
    return ok ? 0 : -ENOMEM;
}

int kernel_data_new(const struct kernel_data_spec *s, struct kernel_data *d)
{
    const size_t n = acts_tokens(s);
    *d = (struct kernel_data){.rows = s->rows, .cols = s->cols, .n_max = s->n_max};
    d->token = malloc(n);
    d->row = malloc(s->rows);
    d->y = aligned_alloc(ACT_ALIGN, round_up(s->n_max * s->rows * sizeof *d->y, ACT_ALIGN));
    if (!d->token || !d->row || !d->y)
        return -ENOMEM;
    for (size_t t = 0; t < n; t++)
        d->token[t] = (unsigned char)(t < KERNEL_TOKENS ? t : random_at(stream(s->seed, SEED_TOKEN), t) % KERNEL_TOKENS);
    for (size_t r = 0; r < s->rows; r++)
        d->row[r] = (unsigned char)(random_at(stream(s->seed, SEED_ROW), r) % KERNEL_ROWS);
    int rc = make_tokens(s, d);
    char *at = s->arena;
    for (size_t f = 0; f < s->n_formats && rc == 0; f++) {
        rc = make_matrix(s, d, s->formats[f], at);
        at += d->matrices[f].copies * d->matrices[f].stride;
    }
    return rc;
}

void kernel_data_free(struct kernel_data *d)
{
    for (size_t i = 0; i < d->n_matrices; i++)
        free(d->matrices[i].expected);
    for (int k = 0; k < ACT_KINDS; k++)
        free(d->acts_buf[k]);
    free(d->token);
    free(d->row);
    free(d->y);
    *d = (struct kernel_data){0};
}

/* ---- use ------------------------------------------------------------------------------------------------------------ */

struct kernel_matrix *kernel_data_matrix(struct kernel_data *d, const struct format *fmt)
{
    size_t i = 0;
    while (d->matrices[i].w.fmt != fmt)
        i++;
    return &d->matrices[i];
}

struct acts kernel_data_acts(const struct kernel_data *d, enum act_kind kind, size_t n)
{
    struct acts a = d->acts[kind];
    a.n = n; /* values, scales and sums of the tokens lie one after the other */
    return a;
}

void kernel_data_poison(struct kernel_data *d, size_t n)
{
    const float poison = float_from_bits(POISON);
    for (size_t i = 0; i < n * d->rows; i++)
        d->y[i] = poison;
}

static void first_difference(const struct kernel_data *d, const float *want, size_t t, size_t rows, char text[KERNEL_TEXT_LEN])
{
    const float *got = d->y + t * d->rows;
    size_t r = 0;
    while (r + 1 < rows && float_to_bits(got[r]) == float_to_bits(want[r]))
        r++;
    if (float_to_bits(got[r]) == POISON)
        snprintf(text, KERNEL_TEXT_LEN, "token %zu, row %zu was not written", t, r);
    else
        snprintf(text, KERNEL_TEXT_LEN, "token %zu, row %zu is %.9g (0x%08x), plain C gives %.9g (0x%08x)", t, r, (double)got[r],
                 float_to_bits(got[r]), (double)want[r], float_to_bits(want[r]));
}

bool kernel_data_check(const struct kernel_data *d, const struct kernel_matrix *m, size_t rows, size_t n,
                       char text[KERNEL_TEXT_LEN])
{
    for (size_t t = 0; t < n; t++) {
        const float *want = m->expected + d->token[t] * d->rows;
        if (memcmp(d->y + t * d->rows, want, rows * sizeof *want) == 0)
            continue;
        first_difference(d, want, t, rows, text);
        return false;
    }
    return true;
}
