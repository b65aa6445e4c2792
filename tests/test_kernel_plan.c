/* The plan of the micro-benchmark of the kernels: shapes of models, what runs on them, and what cannot. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "baselines/baselines.h"
#include "kernels/cpu.h"
#include "kernels/ternary.h"
#include "tests/kernel_request.h"

static const unsigned one[] = {1, 0}, one_two[] = {1, 2, 0}, one_eight[] = {1, 8, 0};

static void plans_the_shapes_of_a_model(void **state)
{
    (void)state;
    static const struct format *const formats[] = {&format_i2_s, &format_f16, &format_q8_0, &format_q4_0, &format_q6_k, NULL};
    static const struct kernel_shape want[] = {
        {2560, 2560, false, "2b4t attn_q attn_output"}, {640, 2560, false, "2b4t attn_k attn_v"},
        {6912, 2560, false, "2b4t ffn_gate ffn_up"},    {2560, 6912, false, "2b4t ffn_down"},
        {128256, 2560, true, "2b4t lm_head"},
    };
    struct kernel_request r = request(formats, one_eight, one_two);
    struct kernel_plan p;
    char err[KERNEL_ERR_LEN];
    assert_int_equal(kernel_request_model(&r, "2b4t", err), 0);
    assert_int_equal(kernel_plan_make(&r, 0, &p, err), 0);
    assert_int_equal(p.req.n_shapes, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < p.req.n_shapes; i++) {
        assert_int_equal(p.req.shapes[i].rows, want[i].rows);
        assert_int_equal(p.req.shapes[i].cols, want[i].cols);
        assert_int_equal(p.req.shapes[i].head, want[i].head);
        assert_string_equal(p.req.shapes[i].tensors, want[i].tensors);
    }
    /* plain C alone: 4 shapes x 2 threads x 2 tokens x 5 formats, and lm_head as gemv in the three formats that serve as one */
    assert_int_equal(p.n_cells, 4 * 2 * 2 * 5 + 2 * 3);
    for (size_t i = 4 * 2 * 2 * 5; i < p.n_cells; i++) {
        assert_int_equal(p.cells[i].n, 1);
        assert_true(p.cells[i].fmt == &format_f16 || p.cells[i].fmt == &format_q8_0 || p.cells[i].fmt == &format_q6_k);
    }
    kernel_plan_free(&p);
}

static void merges_equal_shapes(void **state)
{
    (void)state;
    struct kernel_request r = {0};
    char err[KERNEL_ERR_LEN];
    assert_int_equal(kernel_request_model(&r, "7b", err), 0);
    const size_t n = r.n_shapes;
    assert_string_equal(r.shapes[0].tensors, "7b attn_q attn_k attn_v attn_output");
    assert_int_equal(kernel_request_model(&r, "llama3-8b-1.58", err), 0);
    assert_string_equal(r.shapes[0].tensors, "7b attn_q attn_k attn_v attn_output llama3-8b-1.58 attn_q attn_output");
    assert_int_equal(r.n_shapes, n + 4); /* k and v, gate and up, down, lm_head */
    assert_int_equal(kernel_request_shape(&r, 4096, 4096, err), 0);
    assert_int_equal(r.n_shapes, n + 4);
    assert_int_equal(kernel_request_model(&r, "no-such-model", err), -ENOENT);
    assert_non_null(strstr(err, "no-such-model"));
}

/* What cannot run is listed with its reason; a name that no kernel has is refused. */
static void lists_what_cannot_run(void **state)
{
    (void)state;
    static const struct kernel kernels[] = {
        {"dotprod", CPU_DOTPROD, NULL, NULL}, {"sve", CPU_SVE, NULL, NULL}, {"c", 0, NULL, NULL}};
    struct format f = format_i2_s;
    const struct format *const formats[] = {&f, NULL};
    struct kernel_request r = request(formats, one, one);
    struct kernel_plan p;
    char err[KERNEL_ERR_LEN], *sve = (char[]){"sve"}, *avx2 = (char[]){"avx2"};
    f.kernels = kernels;
    assert_int_equal(kernel_request_shape(&r, 64, 256, err), 0);
    assert_int_equal(kernel_request_shape(&r, 64, 8640, err), 0);
    assert_int_equal(kernel_plan_make(&r, CPU_SVE, &p, err), 0);
    assert_int_equal(p.n_cells, 2);
    assert_string_equal(p.cells[0].kern->isa, "sve");
    assert_string_equal(p.cells[1].kern->isa, "c");
    assert_ptr_equal(kernel_cell_c(&p.cells[0]), &p.cells[1]);
    assert_int_equal(p.n_skips, 2);
    assert_string_equal(p.skips[0].isa, "dotprod");
    assert_string_equal(p.skips[0].reason, "this CPU lacks dotprod");
    assert_int_equal(p.skips[1].shape, 1);
    assert_string_equal(p.skips[1].reason, "8640 columns are no multiple of 128");
    kernel_plan_free(&p);

    r.isas = (struct str_list){&sve, 1};
    assert_int_equal(kernel_plan_make(&r, CPU_SVE | CPU_DOTPROD, &p, err), 0);
    assert_int_equal(p.n_cells, 2); /* sve and plain C */
    assert_int_equal(p.n_skips, 1);
    kernel_plan_free(&p);
    r.isas = (struct str_list){&avx2, 1};
    assert_int_equal(kernel_plan_make(&r, UINT32_MAX, &p, err), -EINVAL);
    assert_non_null(strstr(err, "avx2"));
    kernel_plan_free(&p);

    r.isas.n = 0;
    r.shapes[0].cols = 100;
    assert_int_equal(kernel_plan_make(&r, 0, &p, err), -EINVAL);
    assert_non_null(strstr(err, "nothing to measure"));
    kernel_plan_free(&p);
}

static void multiply(const struct weights *w, const struct acts *x, size_t row0, size_t row1, float *y, size_t ldy, void *scratch)
{
    (void)w, (void)x, (void)row0, (void)row1, (void)y, (void)ldy, (void)scratch;
}

/* A gemv that two rows of the table have is measured once, under the name of the ISA that it needs. */
static void measures_a_gemv_once(void **state)
{
    (void)state;
    static const struct kernel kernels[] = {
        {"dotprod", CPU_SVE | CPU_DOTPROD, multiply, NULL}, {"sve", CPU_SVE, multiply, NULL}, {"c", 0, NULL, NULL}};
    struct format f = format_i2_s;
    const struct format *const formats[] = {&f, NULL};
    struct kernel_request r = request(formats, one_eight, one);
    struct kernel_plan p;
    char err[KERNEL_ERR_LEN], *dotprod = (char[]){"dotprod"};
    f.kernels = kernels;
    assert_int_equal(kernel_request_shape(&r, 64, 256, err), 0);
    assert_int_equal(kernel_plan_make(&r, UINT32_MAX, &p, err), 0);
    assert_int_equal(p.n_cells, 2 + 3);
    assert_string_equal(kernel_cell_isa(&p.cells[0]), "sve");
    assert_string_equal(kernel_cell_isa(&p.cells[1]), "c");
    assert_string_equal(kernel_cell_isa(&p.cells[2]), "dotprod");
    assert_string_equal(kernel_cell_isa(&p.cells[3]), "sve");
    kernel_plan_free(&p);
    r.isas = (struct str_list){&dotprod, 1};
    assert_int_equal(kernel_plan_make(&r, UINT32_MAX, &p, err), 0);
    assert_int_equal(p.n_cells, 2 + 2); /* nobody asked for sve */
    assert_string_equal(kernel_cell_isa(&p.cells[0]), "sve");
    assert_string_equal(kernel_cell_isa(&p.cells[2]), "dotprod");
    kernel_plan_free(&p);
}

/* Plain C is slow: a call of it is cut to whole row groups for every thread, unless the matrix is small. */
static void cuts_plain_c(void **state)
{
    (void)state;
    static const struct format *const formats[] = {&format_i2_s, &format_f16, NULL};
    static const unsigned tokens[] = {1, 512, 0};
    struct kernel_request r = request(formats, tokens, one_two);
    struct kernel_plan p;
    char err[KERNEL_ERR_LEN];
    assert_int_equal(kernel_request_shape(&r, 6912, 2560, err), 0);
    assert_int_equal(kernel_request_shape(&r, 40, 128, err), 0);
    assert_int_equal(kernel_plan_make(&r, 0, &p, err), 0);
    for (size_t i = 0; i < p.n_cells; i++) {
        const struct kernel_cell *c = &p.cells[i];
        if (c->shape == 1) {
            assert_int_equal(c->rows_timed, 40);
            continue;
        }
        assert_int_equal(c->n_timed, c->n == 1 ? 1 : KERNEL_C_TOKENS);
        assert_int_equal(c->rows_timed % (c->fmt->row_group * c->threads), 0);
        const size_t macs = c->rows_timed * 2560 * c->n_timed;
        assert_in_range(macs, KERNEL_C_MACS, KERNEL_C_MACS + c->fmt->row_group * c->threads * 2560 * c->n_timed);
    }
    kernel_plan_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_the_shapes_of_a_model),
        cmocka_unit_test(merges_equal_shapes),
        cmocka_unit_test(lists_what_cannot_run),
        cmocka_unit_test(measures_a_gemv_once),
        cmocka_unit_test(cuts_plain_c),
    };
    return cmocka_run_group_tests_name("kernel plan", tests, NULL, NULL);
}
