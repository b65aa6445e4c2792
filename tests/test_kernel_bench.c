/* The micro-benchmark of the kernels: a wrong kernel is found whatever it does wrong, weights rotate and rows are shared as in the
 * engine, and the comparison with the peaks is right. Speeds themselves are not judged here. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "baselines/baselines.h"
#include "engine/model.h"
#include "harness/kernel_data.h"
#include "harness/kernel_out.h"
#include "kernels/cpu.h"
#include "kernels/half.h"
#include "kernels/ternary.h"
#include "tests/kernel_request.h"

enum { ROWS = 101, COLS = 512 }; /* no whole number of row groups; whole blocks of every format */

static const unsigned one[] = {1, 0}, one_two[] = {1, 2, 0}, one_eight[] = {1, 8, 0};

/* ---- runs ------------------------------------------------------------------------------------------------------------------- */

struct run {
    struct kernel_plan plan;
    struct kernel_bench bench;
};

static void start(struct run *run, const struct kernel_request *r, bool in_cache)
{
    char err[KERNEL_ERR_LEN];
    assert_int_equal(kernel_plan_make(r, cpu_features(), &run->plan, err), 0);
    run->bench = (struct kernel_bench){.plan = &run->plan,
                                       .peak_tables = peak_tables,
                                       .rounds = 3,
                                       .rounds_slow = 2,
                                       .min_time_s = 1e-5,
                                       .in_cache = in_cache,
                                       .llc_bytes = 1 << 20,
                                       .available = SIZE_MAX / 2,
                                       .seed = 7};
    if (kernel_bench_run(&run->bench, err) != 0)
        fail_msg("%s", err);
}

static void end(struct run *run)
{
    kernel_bench_free(&run->bench);
    kernel_plan_free(&run->plan);
}

static void measures_every_kernel(void **state)
{
    (void)state;
    const struct format *formats[KERNEL_MAX_FORMATS] = {NULL};
    struct run run;
    size_t n = 0;
    char err[KERNEL_ERR_LEN];
    while ((formats[n] = format_at(n)))
        n++;
    struct kernel_request r = request(formats, one_eight, one_two);
    assert_int_equal(kernel_request_shape(&r, ROWS, COLS, err), 0);
    assert_int_equal(kernel_request_shape(&r, ROWS / 2, COLS, err), 0);
    start(&run, &r, false);
    assert_int_equal(run.bench.n_wrong, 0);
    assert_true(run.plan.n_cells >= 2 * 4 * n);
    for (size_t i = 0; i < run.plan.n_cells; i++) {
        const struct kernel_cell *c = &run.plan.cells[i];
        struct interval time, over_c;
        assert_int_equal(c->status, KERNEL_OK);
        assert_in_range(c->n_samples, 2, c->kern->need ? 3 : 2);
        assert_true(c->n_samples == 3 || c->kern->need == 0 || c->slow);
        assert_int_equal(kernel_cell_time(c, &time, &over_c), 0);
        assert_true(time.value > 0 && over_c.value > 0);
        assert_int_equal(c->weight_bytes, c->fmt->mem_bytes(c->shape ? ROWS / 2 : ROWS, COLS));
        assert_int_equal(c->peaks_from, 3 * c->shape);
        assert_true(c->copies > 1);
        assert_true(kernel_cell_limit(&run.bench, c, time.value, true).share > 0);
    }
    for (size_t i = 0; i < run.bench.peaks.n; i++)
        assert_int_equal(run.bench.peaks.list[i].n, 2 * 3); /* two shapes, three rounds */
    end(&run);
}

/* ---- wrong kernels ---------------------------------------------------------------------------------------------------------- */

static void plain(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    const struct kernel *k = format_i2_s.kernels;
    while (k->need)
        k++;
    k->gemm(w, x, row0, row1, y, ldy, scratch);
}

/* The last bit of one output of a batch */
static void one_bit(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    plain(w, x, row0, row1, y, ldy, scratch);
    if (x->n > 1 && row0 <= 37 && row1 > 37)
        y[5 * ldy + 37] = float_from_bits(float_to_bits(y[5 * ldy + 37]) ^ 1u);
}

/* A row is forgotten. */
static void lazy(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    plain(w, x, row0, row1 == w->rows ? row1 - 1 : row1, y, ldy, scratch);
}

/* Right only for a range that begins at row 0: with one thread it seems fine. */
static void first_rows(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    plain(w, x, row0, row1, y, ldy, scratch);
    if (row0 > 0)
        plain(w, x, row0 - 16, row1 - 16, y + 16, ldy, scratch);
}

/* Tokens 1 and 2 are exchanged, as are 3 and 4, and so on. */
static void swaps_tokens(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy,
                         void *scratch)
{
    plain(w, x, row0, row1, y, ldy, scratch);
    for (size_t t = 1; t + 1 < x->n; t += 2)
        for (size_t r = row0; r < row1; r++) {
            const float keep = y[t * ldy + r];
            y[t * ldy + r] = y[(t + 1) * ldy + r];
            y[(t + 1) * ldy + r] = keep;
        }
}

/* Some bit that this CPU has, so that a made-up kernel counts as runnable; 0 and a reason where it has none. */
static uint32_t some_feature(void)
{
    const uint32_t have = cpu_features();
    if (have == 0)
        print_message("this CPU has no feature that a made-up kernel could need\n");
    return have & ~(have - 1);
}

static const struct kernel_cell *find_cell(const struct kernel_plan *p, const char *isa, unsigned threads, unsigned n)
{
    for (size_t i = 0; i < p->n_cells; i++)
        if (strcmp(p->cells[i].kern->isa, isa) == 0 && p->cells[i].threads == threads && p->cells[i].n == n)
            return &p->cells[i];
    fail_msg("no cell %s, %u threads, n = %u", isa, threads, n);
    return NULL;
}

static void check_outputs(const struct run *run, size_t n_wrong)
{
    char *text = NULL;
    size_t len = 0, i, failed = 0;
    const json_t *o;
    FILE *f = open_memstream(&text, &len);
    assert_non_null(f);
    assert_int_equal(kernel_print_table(f, &run->bench), 0);
    fclose(f);
    assert_non_null(strstr(text, "WRONG: token 5, row 37 is "));
    assert_non_null(strstr(text, "was not written"));
    assert_non_null(strstr(text, "results are WRONG"));
    free(text);
    json_t *cells = kernel_cells_json(&run->bench);
    assert_int_equal(json_array_size(cells), run->plan.n_cells);
    json_array_foreach(cells, i, o)
    {
        const bool bad = strcmp(json_string_value(json_object_get(o, "status")), "failed") == 0;
        assert_int_equal(bad, json_is_string(json_object_get(o, "reason")));
        assert_int_equal(json_array_size(json_object_get(o, "samples_ns")), run->plan.cells[i].n_samples);
        assert_int_equal(bad, run->plan.cells[i].n_samples == 0);
        failed += bad;
    }
    assert_int_equal(failed, n_wrong);
    json_decref(cells);
}

static void finds_wrong_kernels(void **state)
{
    (void)state;
    const uint32_t bit = some_feature();
    if (!bit)
        skip();
    const struct kernel kernels[] = {{"right", bit, plain, plain},
                                     {"bit", bit, one_bit, one_bit},
                                     {"lazy", bit, lazy, lazy},
                                     {"first", bit, first_rows, first_rows},
                                     {"swap", bit, swaps_tokens, swaps_tokens},
                                     {"c", 0, plain, plain}};
    struct format f = format_i2_s;
    const struct format *const formats[] = {&f, NULL};
    struct kernel_request r = request(formats, one_eight, one_two);
    struct run run;
    char err[KERNEL_ERR_LEN];
    f.kernels = kernels;
    assert_int_equal(kernel_request_shape(&r, ROWS, COLS, err), 0);
    start(&run, &r, false);
    for (unsigned t = 1; t <= 2; t++) {
        for (unsigned n = 1; n <= 8; n += 7) {
            assert_int_equal(find_cell(&run.plan, "right", t, n)->status, KERNEL_OK);
            assert_int_equal(find_cell(&run.plan, "c", t, n)->status, KERNEL_OK);
            assert_int_equal(find_cell(&run.plan, "bit", t, n)->status, n == 1 ? KERNEL_OK : KERNEL_WRONG);
            assert_int_equal(find_cell(&run.plan, "lazy", t, n)->status, KERNEL_WRONG);
            assert_int_equal(find_cell(&run.plan, "first", t, n)->status, t == 1 ? KERNEL_OK : KERNEL_WRONG);
            assert_int_equal(find_cell(&run.plan, "swap", t, n)->status, n == 1 ? KERNEL_OK : KERNEL_WRONG);
        }
    }
    assert_int_equal(find_cell(&run.plan, "lazy", 1, 1)->n_samples, 0);
    assert_int_equal(run.bench.n_wrong, 2 + 4 + 2 + 2);
    check_outputs(&run, 2 + 4 + 2 + 2);
    end(&run);
}

/* ---- what a call is --------------------------------------------------------------------------------------------------------- */

enum { MAX_LOG = 4096 };
static struct {
    const void *data;
    size_t row0, row1;
} call_log[MAX_LOG];
static atomic_size_t logged;

static void recorder(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    const size_t i = atomic_fetch_add(&logged, 1);
    if (i < MAX_LOG) {
        call_log[i].data = w->data;
        call_log[i].row0 = row0;
        call_log[i].row1 = row1;
    }
    plain(w, x, row0, row1, y, ldy, scratch);
}

/* Runs the recorder alone; how many calls were logged. */
static size_t record_calls(unsigned threads, bool in_cache)
{
    const struct kernel kernels[] = {{"recorder", some_feature(), recorder, recorder}, {"c", 0, plain, plain}};
    const unsigned thread_list[] = {threads, 0};
    struct format f = format_i2_s;
    const struct format *const formats[] = {&f, NULL};
    struct kernel_request r = request(formats, one, thread_list);
    struct run run;
    char err[KERNEL_ERR_LEN];
    f.kernels = kernels;
    assert_int_equal(kernel_request_shape(&r, ROWS, COLS, err), 0);
    atomic_store(&logged, 0);
    start(&run, &r, in_cache);
    assert_int_equal(run.plan.cells[0].copies == 1, in_cache);
    end(&run);
    const size_t n = atomic_load(&logged);
    return n < MAX_LOG ? n : MAX_LOG;
}

static void goes_through_copies(void **state)
{
    (void)state;
    if (!some_feature())
        skip();
    const size_t n = record_calls(1, false);
    assert_true(n >= 4);
    for (size_t i = 1; i < n; i++)
        assert_ptr_not_equal(call_log[i].data, call_log[i - 1].data);
    for (size_t i = record_calls(1, true); i > 1; i--)
        assert_ptr_equal(call_log[i - 1].data, call_log[0].data);
}

static void shares_rows_like_the_engine(void **state)
{
    (void)state;
    if (!some_feature())
        skip();
    const size_t n = record_calls(2, false);
    size_t seen[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        const unsigned thread = call_log[i].row0 > 0;
        size_t from, to;
        pool_share(ROWS, format_i2_s.row_group, thread, 2, &from, &to);
        assert_int_equal(call_log[i].row0, from);
        assert_int_equal(call_log[i].row1, to);
        seen[thread]++;
    }
    assert_true(n == MAX_LOG || (seen[0] > 0 && seen[0] == seen[1]));
}

/* Every copy holds the matrix, none runs into the next format's, and all the arena is used. */
static void fills_the_arena(void **state)
{
    (void)state;
    static const struct format *const formats[] = {&format_i2_s, &format_f16, &format_q6_k};
    enum { ARENA = 4 << 20 };
    struct kernel_data_spec s = {
        .rows = ROWS, .cols = COLS, .n_max = 3, .formats = formats, .n_formats = 3, .arena_bytes = ARENA, .seed = 4};
    struct kernel_data d;
    s.arena = aligned_alloc(4096, ARENA);
    assert_non_null(s.arena);
    memset(s.arena, 0xff, ARENA);
    assert_int_equal(pool_new(2, false, 0, &s.pool), 0);
    assert_int_equal(kernel_data_new(&s, &d), 0);
    size_t used = 0;
    for (size_t i = 0; i < 3; i++) {
        const struct kernel_matrix *m = kernel_data_matrix(&d, formats[i]);
        assert_ptr_equal(m->first, s.arena + used);
        for (size_t c = 1; c < m->copies; c++)
            assert_memory_equal(m->first, m->first + c * m->stride, formats[i]->mem_bytes(ROWS, COLS));
        used += m->copies * m->stride;
        float row[2][COLS];
        for (size_t r = 1; r < ROWS; r++) { /* rows are equal exactly where the list of rows says so */
            formats[i]->get_row(&m->w, 0, row[0]);
            formats[i]->get_row(&m->w, r, row[1]);
            size_t k = 0;
            while (k < COLS && float_to_bits(row[0][k]) == float_to_bits(row[1][k]))
                k++;
            assert_int_equal(k == COLS, d.row[r] == d.row[0]);
        }
    }
    assert_in_range(used, ARENA - 3 * d.matrices[1].stride, ARENA);
    kernel_data_free(&d);
    pool_free(s.pool);
    free(s.arena);
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    static const struct format *const formats[] = {&format_f16, NULL};
    struct kernel_request r = request(formats, one, one);
    struct kernel_plan p;
    char err[KERNEL_ERR_LEN];
    assert_int_equal(kernel_request_shape(&r, 1 << 24, 1 << 16, err), 0);
    assert_int_equal(kernel_plan_make(&r, 0, &p, err), 0);
    struct kernel_bench b = {.plan = &p, .peak_tables = peak_tables, .rounds = 1, .min_time_s = 1e-5, .available = (size_t)1 << 30};
    assert_int_equal(kernel_bench_run(&b, err), -ENOMEM);
    assert_non_null(strstr(err, "available; choose fewer formats"));
    kernel_bench_free(&b);
    kernel_plan_free(&p);
}

/* ---- limits ----------------------------------------------------------------------------------------------------------------- */

static void finds_the_bound(void **state)
{
    (void)state;
    const struct kernel_ruler from_memory = {10, 100, PEAK_FMA, "c"}, in_cache = {0, 100, PEAK_FMA, "c"};
    /* 1e9 bytes at 10 GB/s: 0.1 s. 2e9 MACs at 100 GMAC/s: 0.02 s. */
    struct kernel_limit l = kernel_limit(1e9, 2e9, &from_memory, 0.25);
    assert_int_equal(l.bound, PEAK_READ);
    assert_null(l.isa);
    assert_true(fabs(l.share - 0.4) < 1e-9);
    l = kernel_limit(1e9, 2e9, &in_cache, 0.25);
    assert_int_equal(l.bound, PEAK_FMA);
    assert_string_equal(l.isa, "c");
    assert_true(fabs(l.share - 0.08) < 1e-9);
    l = kernel_limit(1e9, 2e10, &from_memory, 0.25);
    assert_int_equal(l.bound, PEAK_FMA);
    assert_true(fabs(l.share - 0.8) < 1e-9);
}

/* The ruler of a cell: the best samples of its own rounds, not of others, by its own instructions or the best. */
static void compares_with_its_own_rounds(void **state)
{
    (void)state;
    static const struct peak_loops wide = {.isa = "wide", .need = CPU_AVX2 | CPU_AVX512},
                                   narrow = {.isa = "narrow", .need = CPU_AVX2};
    static const struct kernel kernel = {"avx2", CPU_AVX2, NULL, NULL};
    double read[] = {90, 10, 12, 95}, fast[] = {900, 400, 300, 900}, slow[] = {500, 100, 200, 500};
    struct kernel_peak list[] = {{.kind = PEAK_READ, .loops = &wide, .threads = 2, .rates = read, .n = 4},
                                 {.kind = PEAK_INT8, .loops = &wide, .threads = 2, .rates = fast, .n = 4},
                                 {.kind = PEAK_INT8, .loops = &narrow, .threads = 2, .rates = slow, .n = 4}};
    const struct kernel_bench b = {.rounds = 2, .peaks = {.list = list, .n = 3}};
    const struct kernel_cell c = {.fmt = &format_i2_s, .kern = &kernel, .threads = 2, .peaks_from = 1};
    const struct kernel_ruler own = kernel_cell_ruler(&b, &c, false), best = kernel_cell_ruler(&b, &c, true);
    assert_true(own.read_gb_s == 12 && own.gmac_s == 200 && own.kind == PEAK_INT8);
    assert_string_equal(own.isa, "narrow");
    assert_true(best.read_gb_s == 12 && best.gmac_s == 400);
    assert_string_equal(best.isa, "wide");
    /* one token through a gemv of another row: by that row's instructions, under its name */
    const struct kernel table[] = {
        {"new", CPU_AVX2 | CPU_AVX512, lazy, plain}, {"old", CPU_AVX2, lazy, lazy}, {"c", 0, plain, plain}};
    struct kernel_cell borrows = {.fmt = &format_i2_s, .kern = table, .threads = 2, .n = 1, .peaks_from = 1};
    assert_string_equal(kernel_cell_isa(&borrows), "old");
    assert_string_equal(kernel_cell_ruler(&b, &borrows, false).isa, "narrow");
    borrows.n = 2;
    assert_string_equal(kernel_cell_isa(&borrows), "new");
    assert_string_equal(kernel_cell_ruler(&b, &borrows, false).isa, "wide");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_every_kernel), cmocka_unit_test(finds_wrong_kernels),
        cmocka_unit_test(goes_through_copies),   cmocka_unit_test(shares_rows_like_the_engine),
        cmocka_unit_test(fills_the_arena),       cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(finds_the_bound),       cmocka_unit_test(compares_with_its_own_rounds),
    };
    return cmocka_run_group_tests_name("kernel bench", tests, NULL, NULL);
}
