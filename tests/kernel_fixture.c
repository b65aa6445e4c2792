/* The data of test_kernels.c and test_formats.c: see kernel_fixture.h. It checks nothing itself.
 *
 * What a format looks like inside is known here only as far as extreme data needs it: where the scales of a block are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernels/half.h"
#include "tests/kernel_fixture.h"

/* ---- random numbers -------------------------------------------------------------------------------------------------------- */

uint64_t test_seed(void)
{
    const char *text = getenv("BITJOULE_TEST_SEED");
    struct timespec now;
    if (text)
        return strtoull(text, NULL, 0);
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014) */
uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

float rng_uniform(struct rng *r, float lo, float hi)
{
    return lo + (hi - lo) * (float)(rng_next(r) >> 40) * 0x1p-24f;
}

/* ---- memory ---------------------------------------------------------------------------------------------------------------- */

struct guarded guard_alloc(size_t len, size_t align)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (len + page - 1) / page * page;
    struct guarded g = {.len = len, .map_len = body + 2 * page};
    g.map = mmap(NULL, g.map_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED)
        fail_msg("no memory for %zu bytes", len);
    char *start = (char *)g.map + page;
    if (body && mprotect(start, body, PROT_READ | PROT_WRITE) != 0)
        fail_msg("no memory for %zu bytes", len);
    g.ptr = start + (body - len) / align * align;
    return g;
}

void guard_readonly(const struct guarded *g)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (g->map_len > 2 * page && mprotect((char *)g->map + page, g->map_len - 2 * page, PROT_READ) != 0)
        fail_msg("mprotect failed");
}

void guard_free(struct guarded *g)
{
    if (g->map)
        munmap(g->map, g->map_len);
    *g = (struct guarded){0};
}

/* ---- weights --------------------------------------------------------------------------------------------------------------- */

/* Where the scales of a block are: an f16 at d; int8 scales from scales on. */
struct block_shape {
    const char *name;
    size_t bytes, d, scales, n_scales;
};

static const struct block_shape block_shapes[] = {
    {"q8_0", 34, 0, 0, 0}, {"q4_0", 18, 0, 0, 0}, {"q6_k", 210, 208, 192, 16}, {"tq1_0", 54, 52, 0, 0}, {"tq2_0", 66, 64, 0, 0},
};

static const struct block_shape *shape_of(const struct format *fmt)
{
    for (size_t i = 0; i < sizeof block_shapes / sizeof block_shapes[0]; i++)
        if (strcmp(block_shapes[i].name, fmt->name) == 0)
            return &block_shapes[i];
    return NULL;
}

bool matrix_has(const struct format *fmt, enum weight_data data)
{
    if (data == WEIGHTS_RAW)
        return !fmt->ternary;
    if (data == WEIGHTS_PER_BLOCK)
        return fmt->ternary && shape_of(fmt);
    return true;
}

static void random_row(const struct format *fmt, float *row, size_t cols, enum weight_data data, float scale, struct rng *r)
{
    for (size_t k = 0; k < cols; k++) {
        const float sign = data == WEIGHTS_HIGH ? 1.0f : data == WEIGHTS_LOW ? -1.0f : (float)(rng_next(r) % 3) - 1.0f;
        row[k] = fmt->ternary || data == WEIGHTS_HIGH || data == WEIGHTS_LOW ? sign * scale : rng_uniform(r, -1, 1);
    }
}

/* A random finite f16 of either sign, between 2^-10 and 2 */
static void random_scale(uint8_t *d, struct rng *r)
{
    const uint16_t h = half_from_float(rng_uniform(r, 0x1p-10f, 2) * (rng_next(r) % 2 ? 1.0f : -1.0f));
    memcpy(d, &h, sizeof h);
}

/* Codes of a block format: every byte random, or the one that holds the extreme codes. */
static void raw_block(const struct block_shape *s, uint8_t *block, enum weight_data data, struct rng *r)
{
    const bool int8 = s->bytes == 34;
    for (size_t i = 0; i < s->bytes; i++)
        block[i] = data == WEIGHTS_RAW ? (uint8_t)rng_next(r) : data == WEIGHTS_HIGH ? (int8 ? 0x7f : 0xff) : (int8 ? 0x80 : 0);
    if (data != WEIGHTS_RAW)
        memset(block + s->scales, data == WEIGHTS_HIGH ? 0x7f : 0x80, s->n_scales);
    random_scale(block + s->d, r);
}

/* Finite floats or halves of all magnitudes, within a sum that stays finite */
static void raw_floats(const struct format *fmt, uint8_t *row, size_t cols, struct rng *r)
{
    for (size_t k = 0; k < cols; k++) {
        const uint64_t bits = rng_next(r);
        if (fmt->row_bytes(1) == sizeof(uint16_t)) {
            const uint16_t h = (uint16_t)((bits & 0x83ffu) | (bits >> 32) % 31 << 10);
            memcpy(row + 2 * k, &h, sizeof h);
        } else {
            const uint32_t f = (uint32_t)((bits & 0x807fffffu) | (64 + (bits >> 32) % 128) << 23);
            memcpy(row + 4 * k, &f, sizeof f);
        }
    }
}

static void fill_row(const struct format *fmt, uint8_t *dst, size_t cols, enum weight_data data, float scale, struct rng *r)
{
    const struct block_shape *s = shape_of(fmt);
    const size_t len = fmt->row_bytes(cols);
    if (data == WEIGHTS_RAW && !s) {
        raw_floats(fmt, dst, cols, r);
        return;
    }
    if (!fmt->ternary && s && data != WEIGHTS_PACKED) {
        for (size_t i = 0; i < len; i += s->bytes)
            raw_block(s, dst + i, data, r);
        return;
    }
    float *row = calloc(cols, sizeof *row);
    assert_non_null(row);
    random_row(fmt, row, cols, data, scale, r);
    fmt->pack_row(row, cols, scale, dst);
    free(row);
    for (size_t i = 0; s && data == WEIGHTS_PER_BLOCK && i < len; i += s->bytes)
        random_scale(dst + i + s->d, r);
}

void matrix_make(struct matrix *m, const struct format *fmt, size_t rows, size_t cols, enum weight_data data, struct rng *r)
{
    const size_t len = fmt->row_bytes(cols), split = rows / 2 / fmt->row_group * fmt->row_group;
    const float scale = half_to_float(half_from_float(rng_uniform(r, 0.01f, 2)));
    *m = (struct matrix){.w = {.fmt = fmt, .rows = rows, .cols = cols}};
    m->file = malloc(rows * len + fmt->tail_bytes);
    assert_non_null(m->file);
    for (size_t i = 0; i < rows; i++)
        fill_row(fmt, (uint8_t *)m->file + i * len, cols, data, scale, r);
    if (fmt->write_tail)
        fmt->write_tail((char *)m->file + rows * len, scale);
    if (fmt->file_scale)
        m->w.per_block = fmt->file_scale(m->file, rows, cols, &m->w.scale) != 0;
    m->mem = guard_alloc(weights_bytes(&m->w), ACT_ALIGN);
    m->w.data = m->mem.ptr;
    weights_load(&m->w, m->file, split, rows, m->mem.ptr);
    if (split)
        weights_load(&m->w, m->file, 0, split, m->mem.ptr);
    guard_readonly(&m->mem);
}

void matrix_free(struct matrix *m)
{
    free(m->file);
    guard_free(&m->mem);
    *m = (struct matrix){0};
}

void matrix_row(const struct matrix *m, size_t row, float *dst)
{
    const struct format *fmt = m->w.fmt;
    fmt->unpack_row((const char *)m->file + row * fmt->row_bytes(m->w.cols), m->w.cols, m->w.scale, dst);
}

/* ---- activations ------------------------------------------------------------------------------------------------------------ */

static int8_t int8_value(enum act_kind kind, enum act_data data, struct rng *r)
{
    if (data == ACTS_HIGH)
        return 127;
    if (data == ACTS_LOW)
        return kind == ACT_I8 ? -128 : -127;
    return (int8_t)((int)(rng_next(r) % 255) - 127);
}

static void fill_int8(struct tokens *t, enum act_data data, struct rng *r)
{
    const size_t per_scale = t->a.kind == ACT_I8 ? t->a.cols : ACT_Q8_BLOCK, per_sum = t->a.kind == ACT_I8 ? t->a.cols : ACT_Q8_SUM;
    const size_t n_scales = t->a.cols / per_scale, n_sums = t->a.cols / per_sum;
    t->scale = guard_alloc(t->a.n * n_scales * sizeof(float), sizeof(float));
    t->sum = guard_alloc(t->a.n * n_sums * sizeof(int32_t), sizeof(int32_t));
    t->a.q = t->values.ptr;
    t->a.scale = t->scale.ptr;
    t->a.sum = t->sum.ptr;
    for (size_t i = 0; i < t->a.n; i++) {
        for (size_t k = 0; k < t->a.ld; k++) /* beyond cols: values that must not count */
            t->a.q[i * t->a.ld + k] = k < t->a.cols ? int8_value(t->a.kind, data, r) : 99;
        for (size_t k = 0; k < t->a.cols; k++)
            t->a.sum[i * n_sums + k / per_sum] += t->a.q[i * t->a.ld + k];
    }
    for (size_t i = 0; i < t->a.n * n_scales; i++)
        t->a.scale[i] = rng_uniform(r, 0.001f, 0.1f);
    guard_readonly(&t->scale);
    guard_readonly(&t->sum);
}

static void fill_floats(struct tokens *t, enum act_data data, struct rng *r)
{
    t->a.f32 = t->values.ptr;
    for (size_t i = 0; i < t->a.n; i++)
        for (size_t k = 0; k < t->a.ld; k++)
            t->a.f32[i * t->a.ld + k] = k >= t->a.cols      ? float_from_bits(0x7fc00000u) /* NaN: must not count */
                                        : data == ACTS_HIGH ? 127.0f
                                        : data == ACTS_LOW  ? -127.0f
                                                            : rng_uniform(r, -3, 3);
}

void tokens_make(struct tokens *t, enum act_kind kind, size_t n, size_t cols, enum act_data data, struct rng *r)
{
    const size_t ld = (cols + ACT_ALIGN - 1) / ACT_ALIGN * ACT_ALIGN;
    *t = (struct tokens){.a = {.kind = kind, .n = n, .cols = cols, .ld = ld}};
    t->values = guard_alloc(n * ld * (kind == ACT_F32 ? sizeof(float) : 1), ACT_ALIGN);
    if (kind == ACT_F32)
        fill_floats(t, data, r);
    else
        fill_int8(t, data, r);
    guard_readonly(&t->values);
}

void tokens_free(struct tokens *t)
{
    guard_free(&t->values);
    guard_free(&t->scale);
    guard_free(&t->sum);
}

struct acts tokens_one(const struct tokens *t, size_t i)
{
    struct acts a = t->a;
    a.n = 1;
    if (a.kind == ACT_F32) {
        a.f32 += i * a.ld;
        return a;
    }
    a.q += i * a.ld;
    a.scale += a.kind == ACT_I8 ? i : i * (a.cols / ACT_Q8_BLOCK);
    a.sum += a.kind == ACT_I8 ? i : i * (a.cols / ACT_Q8_SUM);
    return a;
}

double tokens_value(const struct tokens *t, size_t i, size_t k)
{
    const struct acts *a = &t->a;
    if (a->kind == ACT_F32)
        return (double)a->f32[i * a->ld + k];
    return (double)a->q[i * a->ld + k] * (double)a->scale[a->kind == ACT_I8 ? i : i * (a->cols / ACT_Q8_BLOCK) + k / ACT_Q8_BLOCK];
}
