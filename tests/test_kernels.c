/* Every kernel of every weight format: each row of struct format.kernels is a test of its own.
 *
 * The C row, the definition, is held against a sum in double of the unpacked weights, within the rounding that its number of
 * float additions allows; a single activation of the other sign must leave that bound, so the bound can fail. Every other row
 * must give the bits of the C row. For all rows: gemm gives the bits of gemv token by token, ranges of rows give the bits of the
 * whole, nothing outside the range is written, nothing beyond the data is touched (guard pages), and neither the scratch nor
 * the padding of the activations counts. A row that this CPU cannot run is tested by a twin of this program, see emulation.h, or
 * is a skip where there is none.
 *
 * The data differ from run to run; a failure prints the seed, and BITJOULE_TEST_SEED=N repeats it. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "baselines/baselines.h"
#include "engine/model.h"
#include "kernels/cpu.h"
#include "kernels/half.h"
#include "tests/emulation.h"
#include "tests/kernel_fixture.h"

enum { MAX_TESTS = 128, MAX_COLS = 5632, POISON = 0x7fa5a5a5 }; /* the poison is a NaN that no kernel makes */

static uint64_t seed;

/* One test: a row of a format's table. */
struct row {
    const struct format *fmt;
    const struct kernel *kern;
    char name[64];
};

/* One case of a test. */
struct subject {
    const struct row *row;
    struct matrix m;
    struct tokens x;
    struct guarded scratch;
    float *want; /* [n, rows] of the C kernel */
};

/* The definition of what a row of the table must give. */
static const struct kernel *c_kernel(const struct row *row)
{
    const struct kernel *k = row->fmt->kernels;
    if (row->kern == row->fmt->block_kernel)
        return row->kern;
    while (k->need)
        k++;
    return k;
}

#define FAIL(s, ...) \
    do { \
        print_message("BITJOULE_TEST_SEED=%llu %s rows=%zu cols=%zu n=%zu per_block=%d\n", (unsigned long long)seed, (s)->row->name, \
                      (s)->m.w.rows, (s)->m.w.cols, (s)->x.a.n, (s)->m.w.per_block); \
        fail_msg(__VA_ARGS__); \
    } while (0)

/* ---- one call, checked ------------------------------------------------------------------------------------------------------ */

struct range {
    size_t row0, row1;
};

static void check_output(const struct subject *s, const float *y, size_t t, size_t n, struct range r, const char *what)
{
    const size_t rows = s->m.w.rows;
    for (size_t i = 0; i < n * rows; i++) {
        const bool inside = i % rows >= r.row0 && i % rows < r.row1;
        const uint32_t got = float_to_bits(y[i]), want = inside ? float_to_bits(s->want[t * rows + i]) : POISON;
        if (got != want)
            FAIL(s, "%s, rows %zu..%zu: token %zu, row %zu is %a (0x%08x), not %a (0x%08x)", what, r.row0, r.row1, t + i / rows, i % rows,
                 (double)y[i], got, (double)float_from_bits(want), want);
    }
}

/* Runs fn for tokens [t, t + x->n) into poisoned, guarded memory; the result must be that part of s->want. */
static void run_checked(const struct subject *s, matmul_fn fn, const struct acts *x, size_t t, struct range r, const char *what)
{
    const size_t rows = s->m.w.rows;
    struct guarded out = guard_alloc(x->n * rows * sizeof(float), sizeof(float));
    uint32_t *poison = out.ptr;
    for (size_t i = 0; i < x->n * rows; i++)
        poison[i] = POISON;
    fn(&s->m.w, x, r.row0, r.row1, out.ptr, rows, s->scratch.ptr);
    check_output(s, out.ptr, t, x->n, r, what);
    guard_free(&out);
}

static void check_kernel(const struct subject *s, bool thorough)
{
    const struct kernel *k = s->row->kern;
    const size_t n = s->x.a.n, rows = s->m.w.rows, g = s->m.w.fmt->row_group;
    run_checked(s, k->gemm, &s->x.a, 0, (struct range){0, rows}, "gemm");
    for (size_t t = thorough ? 0 : n - 1; t < n; t++) {
        const struct acts one = tokens_one(&s->x, t);
        run_checked(s, k->gemv, &one, t, (struct range){0, rows}, "gemv");
    }
    if (!thorough)
        return;
    const struct acts last = tokens_one(&s->x, n - 1);
    const struct range ranges[] = {{0, g}, {g, 2 * g}, {g, rows}, {rows / g * g, rows}, {0, 0}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (ranges[i].row0 > rows || ranges[i].row1 > rows)
            continue;
        run_checked(s, k->gemm, &s->x.a, 0, ranges[i], "gemm");
        run_checked(s, k->gemv, &last, n - 1, ranges[i], "gemv");
    }
    const enum cpu_core here = cpu_core;
    for (enum cpu_core core = CPU_CORE_OTHER; core <= CPU_CORE_LAST; core++) { /* some have a loop of their own */
        cpu_core = core;
        run_checked(s, k->gemv, &last, n - 1, (struct range){0, rows}, "gemv of another core");
        run_checked(s, k->gemm, &s->x.a, 0, (struct range){0, rows}, "gemm of another core");
    }
    cpu_core = here;
}

/* ---- the C row against a sum in double -------------------------------------------------------------------------------------- */

/* Float roundings on the way to one output: the additions, and three for the products of scales. */
static double roundings(const struct subject *s)
{
    const size_t cols = s->m.w.cols;
    switch (s->m.w.fmt->act) {
    case ACT_F32: return (double)cols;
    case ACT_Q8: return (double)(cols / ACT_Q8_BLOCK) + 3;
    default: return s->m.w.per_block ? (double)(cols / 256) + 3 : 3;
    }
}

static void check_against_double(const struct subject *s)
{
    const size_t rows = s->m.w.rows, cols = s->m.w.cols;
    static float row[MAX_COLS];
    for (size_t r = 0; r < rows; r++) {
        matrix_row(&s->m, r, row);
        for (size_t t = 0; t < s->x.a.n; t++) {
            double sum = 0, magnitude = 0, largest = 0;
            for (size_t k = 0; k < cols; k++) {
                const double term = (double)row[k] * tokens_value(&s->x, t, k);
                sum += term;
                magnitude += fabs(term);
                largest = fabs(term) > fabs(largest) ? term : largest;
            }
            const double bound = roundings(s) * (0x1p-24 * magnitude + (double)FLT_TRUE_MIN), got = (double)s->want[t * rows + r];
            if (!(fabs(got - sum) <= bound))
                FAIL(s, "C kernel: token %zu, row %zu is %a, not %a +- %a", t, r, got, sum, bound);
            if (magnitude > FLT_MIN && fabs(got - (sum - 2 * largest)) <= bound)
                FAIL(s, "the bound %a is too wide to notice a wrong sign (token %zu, row %zu)", bound, t, r);
        }
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------------------ */

struct shape {
    size_t rows, cols, n;
    enum weight_data weights;
    enum act_data acts;
    bool thorough;
};

static void run_case(const struct row *row, const struct shape *sh, struct rng *r)
{
    struct subject s = {.row = row};
    matrix_make(&s.m, row->fmt, sh->rows, sh->cols, sh->weights, r);
    tokens_make(&s.x, row->fmt->act, sh->n, sh->cols, sh->acts, r);
    if (s.m.w.per_block != (sh->weights == WEIGHTS_PER_BLOCK))
        FAIL(&s, "file_scale sees %s scales", s.m.w.per_block ? "different" : "equal");
    s.m.w.kern = row->kern;
    s.scratch = guard_alloc(KERNEL_SCRATCH_BYTES, ACT_ALIGN);
    memset(s.scratch.ptr, 0xff, s.scratch.len);
    s.want = calloc(sh->n * sh->rows, sizeof *s.want);
    assert_non_null(s.want);
    c_kernel(row)->gemm(&s.m.w, &s.x.a, 0, sh->rows, s.want, sh->rows, s.scratch.ptr);
    if (row->kern->need == 0)
        check_against_double(&s);
    check_kernel(&s, sh->thorough);
    free(s.want);
    guard_free(&s.scratch);
    tokens_free(&s.x);
    matrix_free(&s.m);
}

static void run_shapes(const struct row *row, struct rng *r)
{
    static const size_t ns[] = {1, 2, 3, 5, 6, 7, 8, 13, 33}, multiples[] = {1, 3, 9, 33, 130};
    const size_t g = row->fmt->row_group > 1 ? row->fmt->row_group : 16, m = row->fmt->cols_multiple;
    const size_t rows[] = {1, g - 1, g, g + 1, 3 * g + 5}, n_rows = sizeof rows / sizeof rows[0];
    for (size_t i = 0; i < n_rows; i++)
        for (size_t j = 0; j < sizeof multiples / sizeof multiples[0]; j++)
            for (size_t k = 0; k < sizeof ns / sizeof ns[0]; k++) {
                const bool last = i + 1 == n_rows; /* the expensive tokens and ranges on one number of rows */
                struct shape s = {rows[i], multiples[j] * m, ns[k], WEIGHTS_PACKED, ACTS_RANDOM, last && ns[k] <= 8};
                if (s.cols > 1200 || (!last && s.n > 8))
                    continue;
                s.weights = (j + k) % 2 && matrix_has(row->fmt, WEIGHTS_RAW) ? WEIGHTS_RAW : WEIGHTS_PACKED;
                run_case(row, &s, r);
            }
}

/* A real width, both kinds of data, and more tokens than a kernel takes at once, for its sums (up to 4032: ternary, 256 bits) or for the
 * second-level cache: 97 x 5632 are two blocks of columns or more in all baselines, and two of tokens in all ternary kernels. */
static void run_large(const struct row *row, struct rng *r)
{
    const size_t g = row->fmt->row_group > 1 ? row->fmt->row_group : 16;
    const struct shape shapes[] = {
        {2 * g + 3, 2560, 1, WEIGHTS_PACKED, ACTS_RANDOM, true}, {2 * g + 3, 2560, 7, WEIGHTS_RAW, ACTS_RANDOM, false},
        {g + 1, 256, 515, WEIGHTS_PACKED, ACTS_RANDOM, false},   {3, 256, 4100, WEIGHTS_PACKED, ACTS_RANDOM, false},
        {g + 1, 5632, 97, WEIGHTS_PACKED, ACTS_RANDOM, false},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        if (matrix_has(row->fmt, shapes[i].weights))
            run_case(row, &shapes[i], r);
}

/* Scales that differ by block: enough blocks that two equal ones do not make all of them equal. */
static void run_blocks(const struct row *row, struct rng *r)
{
    const size_t g = row->fmt->row_group > 1 ? row->fmt->row_group : 16;
    const struct shape shapes[] = {
        {g, 2560, 5, WEIGHTS_PER_BLOCK, ACTS_RANDOM, true},
        {1, 2560, 1, WEIGHTS_PER_BLOCK, ACTS_HIGH, true},
        {2 * g + 3, 256, 7, WEIGHTS_PER_BLOCK, ACTS_LOW, true},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        run_case(row, &shapes[i], r);
}

/* Where an int16 sum would overflow, it does so here: in gemv and in gemm, in that of tl2 by look-up (up to 8) and by panels. */
static void run_extremes(const struct row *row, struct rng *r)
{
    const size_t g = row->fmt->row_group > 1 ? row->fmt->row_group : 16;
    for (int w = WEIGHTS_HIGH; w <= WEIGHTS_LOW; w++)
        for (int a = ACTS_HIGH; a <= ACTS_LOW; a++)
            for (size_t n = 1; n <= 9; n += 4) {
                const struct shape s = {g + 1, 2560, n, (enum weight_data)w, (enum act_data)a, false};
                run_case(row, &s, r);
            }
}

/* Where an int32 sum would overflow at the widest matrix that the loader takes. */
static void run_widest(const struct row *row, struct rng *r)
{
    const struct shape s = {2, MODEL_MAX_COLS, 1, WEIGHTS_HIGH, ACTS_LOW, false};
    if (row->fmt->ternary && row->kern->need)
        run_case(row, &s, r);
}

static void test_row(void **state)
{
    const struct row *row = *state;
    struct rng r = {seed};
    char missing[128];
    const uint32_t lacking = row->kern->need & ~cpu_features();
    if (lacking) {
        print_message("this CPU lacks %s\n", cpu_feature_names(lacking, missing, sizeof missing));
        skip();
    }
    if (row->kern == row->fmt->block_kernel) {
        run_blocks(row, &r);
        return;
    }
    run_shapes(row, &r);
    run_large(row, &r);
    run_extremes(row, &r);
    run_widest(row, &r);
}

/* ---- tables ----------------------------------------------------------------------------------------------------------------- */

static void check_table(const struct format *fmt)
{
    const struct kernel *k = fmt->kernels;
    for (; k->need; k++) {
        assert_non_null(k->gemv);
        assert_non_null(k->gemm);
        cpu_limit(k->need);
        assert_true((format_kernel(fmt)->need & ~k->need) == 0);
    }
    assert_string_equal(k->isa, "c");
    cpu_limit(0);
    assert_ptr_equal(format_kernel(fmt), k);
    cpu_limit(UINT32_MAX);
    assert_true((format_kernel(fmt)->need & ~cpu_features()) == 0);
}

/* The rows whose gemv is another row's: what is reported of one token */
static const char *gemv_isa(const struct format *fmt, const struct kernel *k)
{
    static const struct {
        const char *format, *isa, *gemv;
    } borrowed[] = {
        {"tl2", "avx512vnni", "avx512"}, {"tl2", "avxvnni", "avx2"},   {"q8_0", "avx512", "avx2"},  {"q6_k", "avx512", "avx2"},
        {"tl1", "i8mm", "neon"},         {"tl1", "dotprod", "neon"},   {"i2_s", "i8mm", "dotprod"}, {"tq2_0", "i8mm", "dotprod"},
        {"tq1_0", "i8mm", "dotprod"},    {"q8_0", "i8mm", "dotprod"},  {"q4_0", "i8mm", "dotprod"}, {"q6_k", "i8mm", "dotprod"},
    };
    for (size_t i = 0; i < sizeof borrowed / sizeof borrowed[0]; i++)
        if (strcmp(fmt->name, borrowed[i].format) == 0 && strcmp(k->isa, borrowed[i].isa) == 0)
            return borrowed[i].gemv;
    return k->isa;
}

static void check_used(const struct format *fmt)
{
    for (const struct kernel *k = fmt->kernels;; k++) {
        assert_string_equal(kernel_used(k, 1)->isa, gemv_isa(fmt, k));
        assert_ptr_equal(kernel_used(k, 1)->gemv, k->gemv);
        assert_true((kernel_used(k, 1)->need & ~k->need) == 0);
        assert_ptr_equal(kernel_used(k, 2), k);
        if (k->need == 0)
            break;
    }
    if (fmt->block_kernel)
        assert_ptr_equal(kernel_used(fmt->block_kernel, 1), fmt->block_kernel);
}

static void test_used(void **state)
{
    (void)state;
    for (size_t i = 0; ternary_formats[i]; i++)
        check_used(ternary_formats[i]);
    for (size_t i = 0; baseline_formats[i]; i++)
        check_used(baseline_formats[i]);
}

/* Dispatch never picks what the CPU, or the limit set by a user, does not have, and always finds the C row. */
static void test_tables(void **state)
{
    (void)state;
    for (size_t i = 0; ternary_formats[i]; i++)
        check_table(ternary_formats[i]);
    for (size_t i = 0; baseline_formats[i]; i++)
        check_table(baseline_formats[i]);
}

static void add_row(const struct format *fmt, const struct kernel *kern, const char *suffix, struct row *rows, size_t *n)
{
    assert_true(*n + 1 < MAX_TESTS);
    struct row *row = &rows[(*n)++];
    *row = (struct row){fmt, kern, ""};
    snprintf(row->name, sizeof row->name, "kernel %s %s%s", fmt->name, kern->isa, suffix);
}

/* The rows that are tested here; in a twin those in C are not. */
static size_t add_rows(const struct format *const *formats, struct row *rows, size_t n)
{
    for (; *formats; formats++) {
        const struct kernel *k = (*formats)->kernels;
        for (; k->need; k++)
            if (!left_to_twin(k->isa, k->need))
                add_row(*formats, k, "", rows, &n);
        if (EMULATED)
            continue;
        add_row(*formats, k, "", rows, &n);
        if ((*formats)->block_kernel)
            add_row(*formats, (*formats)->block_kernel, ", scales by block", rows, &n);
    }
    return n;
}

int main(void)
{
    static struct row rows[MAX_TESTS];
    static struct CMUnitTest tests[MAX_TESTS + 1] = {{"tables", test_tables, NULL, NULL, NULL},
                                                     {"whose gemv it is", test_used, NULL, NULL, NULL}};
    seed = test_seed();
    const size_t n = add_rows(baseline_formats, rows, add_rows(ternary_formats, rows, 0));
    for (size_t i = 0; i < n; i++)
        tests[i + 2] = (struct CMUnitTest){rows[i].name, test_row, NULL, NULL, &rows[i]};
    return _cmocka_run_group_tests("kernels", tests, n + 2, NULL, NULL);
}
