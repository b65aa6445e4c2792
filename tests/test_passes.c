/* Rounds that are spread over several passes through the suite: who has how many in which pass, what their numbers are, and that cells
 * which fail or are precise early are not run again. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/paired.h"
#include "tests/assert_close.h"
#include "tests/experiment_fixture.h"
#include "tests/made_blocks.h"
#include "tests/misdeeds.h"

static size_t blocks_of_pass(const struct cell_result *r, unsigned pass)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_blocks; i++)
        n += r->blocks[i].pass == pass;
    return n;
}

static size_t contests_with(const struct experiment_fixture *f, const char *stop)
{
    size_t i, n = 0;
    const json_t *c;
    json_array_foreach(json_object_get(f->record.root, "contests"), i, c)
    {
        n += !strcmp(json_string_value(json_object_get(c, "stop")), stop);
    }
    return n;
}

static void all_good(struct experiment_fixture *f)
{
    for (size_t i = 0; i < f->plan.n_cells; i++)
        f->plan.cells[i].workload = "good";
}

/* Five rounds in two passes are three and two, and no cell begins its second pass before all have had their first. */
static void test_rounds_are_spread(void **state)
{
    struct experiment_fixture *f = *state;
    f->suite.rounds = 5;
    f->suite.passes = 2;
    assert_int_equal(experiment_run(&f->e), 0);
    double first_ends = 0, second_begins = 1e9;
    for (size_t i = 0; i < 3; i++) {
        const struct cell_result *r = &f->e.results[i];
        assert_int_equal(r->status, CELL_OK);
        assert_int_equal(r->time_s.n, 5);
        assert_string_equal(r->stop, "rounds");
        for (unsigned k = 0; k < 5; k++) {
            assert_int_equal(r->blocks[k].round, k + 1);
            assert_int_equal(r->blocks[k].pass, k < 3 ? 1 : 2);
        }
        first_ends = r->blocks[2].start_s > first_ends ? r->blocks[2].start_s : first_ends;
        second_begins = r->blocks[3].start_s < second_begins ? r->blocks[3].start_s : second_begins;
    }
    assert_true(second_begins > first_ends);
    assert_int_equal(contests_with(f, "pass"), 3);
    assert_int_equal(contests_with(f, "rounds"), 3);
    assert_int_equal(experiment_stream_lines(f, "\"type\":\"cell\""), 3);
}

/* Every pass has a round, however few there are. */
static void test_no_more_passes_than_rounds(void **state)
{
    struct experiment_fixture *f = *state;
    f->suite.rounds = 2;
    f->suite.passes = 7;
    assert_int_equal(experiment_run(&f->e), 0);
    assert_int_equal(f->e.passes, 2);
    for (size_t i = 0; i < 3; i++)
        assert_true(blocks_of_pass(&f->e.results[i], 1) == 1 && blocks_of_pass(&f->e.results[i], 2) == 1);
}

static void test_models_stay_loaded_where_they_fit(void **state)
{
    struct experiment_fixture *f = *state;
    f->suite.passes = 3;
    all_good(f);
    assert_int_equal(experiment_run(&f->e), 0);
    assert_int_equal(misdeeds_shared->workers, 1);
    assert_int_equal(misdeeds_shared->setups, 9);
    experiment_free(&f->e);
    f->plan.mem_available = 1;
    assert_int_equal(experiment_run(&f->e), 0);
    assert_int_equal(misdeeds_shared->workers, 1 + 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(f->e.results[i].time_s.n, 3);
}

/* What failed in the first pass is over, and in the record once. */
static void test_failed_cell_is_over(void **state)
{
    struct experiment_fixture *f = *state;
    f->suite.rounds = 6;
    f->suite.passes = 3;
    f->plan.cells[0].workload = "kill"; /* in its second block */
    assert_int_equal(experiment_run(&f->e), 0);
    assert_int_equal(f->e.results[0].status, CELL_FAILED);
    assert_int_equal(f->e.results[0].time_s.n, 1);
    assert_int_equal(contests_with(f, "failed"), 1);
    assert_int_equal(contests_with(f, "pass"), 4);
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(f->e.results[i].status, CELL_OK);
        assert_int_equal(f->e.results[i].time_s.n, 6);
    }
    assert_int_equal(experiment_stream_lines(f, "\"type\":\"cell\""), 3);
}

static void make_precise(struct experiment_fixture *f, unsigned min_rounds, unsigned max_rounds, double precision)
{
    f->suite.rounds = 0;
    f->suite.min_rounds = min_rounds;
    f->suite.max_rounds = max_rounds;
    f->suite.precision = precision;
    all_good(f);
}

/* Any ratio is precise enough here: that is only believed when half of the passes are complete. */
static void test_precision_needs_half_of_the_passes(void **state)
{
    struct experiment_fixture *f = *state;
    make_precise(f, 6, 12, 1e6);
    f->suite.passes = 4;
    assert_int_equal(experiment_run(&f->e), 0);
    for (size_t i = 0; i < 3; i++) {
        const struct cell_result *r = &f->e.results[i];
        assert_string_equal(r->stop, "precision");
        assert_int_equal(r->time_s.n, 3 + 3);
        assert_int_equal(blocks_of_pass(r, 2), 3);
    }
    assert_int_equal(contests_with(f, "precision"), 3);
    assert_int_equal(experiment_stream_lines(f, "\"type\":\"cell\""), 3);
}

/* With too few rounds for an interval in the first half, in the last pass: after its share of min_rounds. */
static void test_precision_in_the_last_pass(void **state)
{
    struct experiment_fixture *f = *state;
    make_precise(f, 8, 12, 1e6);
    f->suite.passes = 2;
    assert_int_equal(experiment_run(&f->e), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(f->e.results[i].stop, "precision");
        assert_int_equal(f->e.results[i].time_s.n, 6 + 4);
    }
}

/* Where there is no time at all each pass has its share of min_rounds. */
static void test_time_is_shared(void **state)
{
    struct experiment_fixture *f = *state;
    make_precise(f, 4, 12, 0);
    f->suite.contest_s = 0;
    f->suite.passes = 2;
    assert_int_equal(experiment_run(&f->e), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(f->e.results[i].stop, "time");
        assert_int_equal(blocks_of_pass(&f->e.results[i], 1), 2);
        assert_int_equal(blocks_of_pass(&f->e.results[i], 2), 2);
    }
}

/* A base in two batches has rounds of both in each pass: their numbers are different ones, so that each rival finds its own. */
static void test_base_of_two_batches(void **state)
{
    struct experiment_fixture *f = *state;
    char err[SUITE_ERR_LEN] = "";
    plan_free(&f->plan);
    f->suite.gen.n = 0;
    f->suite.rounds = 4;
    f->suite.passes = 2;
    assert_int_equal(suite_set(&f->suite, "matrix", "formats", "f16,q8_0", err), 0);
    assert_int_equal(plan_make(&f->suite, SIZE_MAX, &f->plan, err), 0);
    assert_int_equal(f->plan.n_cells, 3); /* i2_s, f16, q8_0 */
    f->plan.mem_available = f->plan.cells[1].need_bytes + 1.5 * f->plan.cells[0].need_bytes;
    assert_int_equal(experiment_run(&f->e), 0);
    assert_int_equal(f->e.schedule.n_batches, 2);
    const struct cell_result *base = &f->e.results[1];
    assert_int_equal(base->time_s.n, 8);
    bool seen[9] = {false};
    for (size_t i = 0; i < base->n_blocks; i++) {
        assert_true(base->blocks[i].round <= 8 && !seen[base->blocks[i].round]);
        seen[base->blocks[i].round] = true;
    }
    assert_int_equal(blocks_of_pass(base, 1), 4);
    for (size_t i = 0; i < 3; i += 2) {
        struct interval ratio;
        size_t rounds = 0;
        assert_int_equal(f->e.results[i].time_s.n, 4);
        assert_int_equal(paired_ratio(base, &f->e.results[i], &ratio, &rounds), 0);
        assert_int_equal(rounds, 4);
    }
    assert_int_equal(experiment_stream_lines(f, "\"type\":\"cell\""), 3);
}

/* Two rounds in each of the first two passes, of which one is void, and none of the base in the third. */
static void test_ratios_of_passes(void **state)
{
    static const double base_s[] = {4, 6, 8, 10}, cell_s[] = {2, 2, 2, 2, 2};
    struct cell_result base = {0}, cell = {0};
    double ratio[3];
    (void)state;
    for (unsigned k = 0; k < 5; k++) {
        if (k < 4)
            made_block(&base, k + 1, 1, base_s[k], (double)NAN);
        made_block(&cell, k + 1, 1, cell_s[k], (double)NAN);
        cell.blocks[k].pass = k / 2 + 1;
    }
    snprintf(cell.blocks[2].void_reason, BLOCK_REASON_LEN, "steal");
    assert_int_equal(paired_pass_ratios(&base, &cell, 3, ratio), 0);
    assert_close(ratio[0], 2.5, 1e-12);
    assert_close(ratio[1], 5, 1e-12);
    assert_true(isnan(ratio[2]));
    cell_result_free(&base);
    cell_result_free(&cell);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, experiment_set_up, experiment_tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_rounds_are_spread),
        WITH_FIXTURE(test_no_more_passes_than_rounds),
        WITH_FIXTURE(test_models_stay_loaded_where_they_fit),
        WITH_FIXTURE(test_failed_cell_is_over),
        WITH_FIXTURE(test_precision_needs_half_of_the_passes),
        WITH_FIXTURE(test_precision_in_the_last_pass),
        WITH_FIXTURE(test_time_is_shared),
        WITH_FIXTURE(test_base_of_two_batches),
        cmocka_unit_test(test_ratios_of_passes),
    };
    if (misdeeds_init())
        return 1;
    return cmocka_run_group_tests_name("passes", tests, NULL, NULL);
}
