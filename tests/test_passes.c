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

#include "engine/mix64.h"
#include "harness/latin_square.h"
#include "harness/paired.h"
#include "tests/experiment_fixture.h"
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

/* i2_s, f16 and q8_0 in two contests: cells 0, 2 and 4, and 1, 3 and 5 */
static void rivals(struct experiment_fixture *f)
{
    char err[SUITE_ERR_LEN] = "";
    plan_free(&f->plan);
    f->suite.gen.n = 1;
    if (suite_set(&f->suite, "matrix", "formats", "f16,q8_0", err) || plan_make(&f->suite, SIZE_MAX, &f->plan, err))
        fail_msg("%s", err);
    assert_int_equal(f->plan.n_cells, 6);
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

/* Two models are two batches. They stay loaded between three passes when memory has room for both and some to spare. */
static void test_models_stay_loaded_where_they_fit(void **state)
{
    struct experiment_fixture *f = *state;
    char err[SUITE_ERR_LEN] = "";
    plan_free(&f->plan);
    f->suite.prompt.n = 0;
    f->suite.passes = 3;
    assert_int_equal(suite_set(&f->suite, "matrix", "models", "tests/golden/kjv-tiny-f16.gguf", err), 0);
    assert_int_equal(plan_make(&f->suite, SIZE_MAX, &f->plan, err), 0);
    all_good(f);
    const double need = f->plan.cells[0].need_bytes + f->plan.cells[2].need_bytes;
    static const struct {
        double of_need;
        int workers;
    } rows[] = {{1.3, 2}, {1.1, 6}, {0.9, 6}, {1e18, 6}}; /* the last: unknown */
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        misdeeds_shared->workers = misdeeds_shared->setups = 0;
        f->plan.mem_available = rows[k].of_need * need;
        assert_int_equal(experiment_run(&f->e), 0);
        assert_int_equal(f->e.schedule.n_batches, 2);
        assert_int_equal(misdeeds_shared->workers, rows[k].workers);
        assert_int_equal(misdeeds_shared->setups, 3 * f->plan.n_cells);
        for (size_t i = 0; i < f->plan.n_cells; i++)
            assert_int_equal(f->e.results[i].time_s.n, 3);
        experiment_free(&f->e);
    }
}

/* A single contest is not cut into passes. */
static void test_one_contest_has_one_pass(void **state)
{
    struct experiment_fixture *f = *state;
    f->suite.passes = 3;
    for (size_t i = 1; i < 3; i++)
        snprintf(f->plan.cells[i].reason, PLAN_REASON_LEN, "not now");
    assert_int_equal(experiment_run(&f->e), 0);
    assert_int_equal(f->e.passes, 1);
    assert_int_equal(blocks_of_pass(&f->e.results[0], 1), 3);
}

/* One model is one batch, which stays however little room there is. */
static void test_one_batch_stays_loaded(void **state)
{
    struct experiment_fixture *f = *state;
    f->suite.passes = 3;
    f->plan.mem_available = 1;
    all_good(f);
    assert_int_equal(experiment_run(&f->e), 0);
    assert_int_equal(misdeeds_shared->workers, 1);
    assert_int_equal(misdeeds_shared->setups, 9);
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

/* Any ratio is precise enough here. That is believed when a pass is complete, half of all are, and four of them, or two of fewer. */
static void test_precision_ends_whole_passes(void **state)
{
    static const struct {
        unsigned min_rounds, max_rounds, passes, rounds, last_pass;
    } rows[] = {
        {6, 18, 3, 12, 2},   /* 6 in the first, which alone do not count; 2 of 3 passes do */
        {6, 12, 6, 8, 4},    /* 3 of 6 do not */
        {10, 20, 10, 10, 5}, /* 4 of 10 do not */
        {8, 12, 2, 12, 2},   /* the last pass goes to its end */
        {6, 12, 1, 6, 1},    /* of one pass: as soon as there are enough */
    };
    struct experiment_fixture *f = *state;
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        make_precise(f, rows[k].min_rounds, rows[k].max_rounds, 1e6);
        f->suite.passes = rows[k].passes;
        assert_int_equal(experiment_run(&f->e), 0);
        for (size_t i = 0; i < 3; i++) {
            const struct cell_result *r = &f->e.results[i];
            assert_string_equal(r->stop, rows[k].rounds < rows[k].max_rounds ? "precision" : "max_rounds");
            assert_int_equal(r->time_s.n, rows[k].rounds);
            assert_int_equal(r->blocks[r->n_blocks - 1].pass, rows[k].last_pass);
        }
        experiment_free(&f->e);
    }
    assert_int_equal(experiment_stream_lines(f, "\"type\":\"cell\""), 3 * sizeof rows / sizeof rows[0]);
}

/* The profile is taken once, after the last pass. In each pass a cell has a warm-up and one block; the third run of a session, which
 * these misdeeds spoil, can only be the profile. */
static void test_profile_is_of_the_last_pass(void **state)
{
    struct experiment_fixture *f = *state;
    f->suite.passes = 3;
    f->e.profile = true;
    all_good(f);
    f->plan.cells[0].workload = "kill";
    f->plan.cells[1].workload = "unsteady";
    assert_int_equal(experiment_run(&f->e), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(f->e.results[i].time_s.n, 3);
    assert_int_equal(f->e.results[0].status, CELL_OK);
    assert_int_equal(f->e.results[1].status, CELL_FAILED);
    assert_int_equal(f->e.results[2].status, CELL_OK);
    assert_int_equal(experiment_stream_lines(f, "has no profile"), 1);
}

/* One of three rivals dies in the first pass: the others go on against the base, and a run that is taken up after that pass knows it. */
static void test_failed_rival_stays_out(void **state)
{
    struct experiment_fixture *f = *state;
    json_t *lines = json_array();
    rivals(f);
    f->suite.rounds = 4;
    f->suite.passes = 2;
    f->plan.cells[0].workload = "kill";
    assert_int_equal(experiment_run(&f->e), 0);
    assert_int_equal(f->e.results[0].status, CELL_FAILED);
    assert_int_equal(f->e.results[2].time_s.n, 4);
    assert_int_equal(f->e.results[4].time_s.n, 4);
    assert_int_equal(experiment_stream_lines(f, "\"type\":\"failure\""), 1);
    experiment_free(&f->e);
    json_array_append_new(lines, json_pack("{s:s, s:i, s:s}", "type", "failure", "index", 0, "reason", "it died"));
    f->plan.cells[0].workload = "good";
    f->e.resumed = lines;
    assert_int_equal(experiment_run(&f->e), 0);
    assert_int_equal(f->e.results[0].status, CELL_FAILED);
    assert_string_equal(f->e.results[0].reason, "it died");
    assert_int_equal(f->e.results[0].time_s.n, 0);
    assert_int_equal(f->e.results[2].time_s.n, 4);
    f->e.resumed = NULL;
    json_decref(lines);
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
    f->suite.rounds = 4;
    f->suite.passes = 2;
    rivals(f);
    f->plan.mem_available = f->plan.cells[2].need_bytes + 1.5 * f->plan.cells[0].need_bytes;
    assert_int_equal(experiment_run(&f->e), 0);
    assert_int_equal(f->e.schedule.n_batches, 2);
    const struct cell_result *base = &f->e.results[2];
    assert_int_equal(base->time_s.n, 8);
    bool seen[9] = {false};
    for (size_t i = 0; i < base->n_blocks; i++) {
        assert_true(base->blocks[i].round <= 8 && !seen[base->blocks[i].round]);
        seen[base->blocks[i].round] = true;
    }
    assert_int_equal(blocks_of_pass(base, 1), 4);
    for (size_t i = 0; i < 5; i += 4) {
        struct interval ratio;
        size_t rounds = 0;
        assert_int_equal(f->e.results[i].time_s.n, 4);
        assert_int_equal(paired_ratio(base, &f->e.results[i], &ratio, &rounds), 0);
        assert_int_equal(rounds, 4);
    }
    assert_int_equal(experiment_stream_lines(f, "\"type\":\"cell\""), 6);
}

/* The design of the orders goes on from pass to pass, and so does what is known of a block's length. */
static void test_passes_go_on(void **state)
{
    struct experiment_fixture *f = *state;
    size_t order[LATIN_MAX];
    rivals(f);
    f->suite.rounds = 4;
    f->suite.passes = 2;
    f->suite.warmup = 0;
    f->suite.block_s = 0.02;
    for (size_t i = 0; i < f->plan.n_cells; i++)
        f->plan.cells[i].workload = "good"; /* of 0.1 ms and more */
    assert_int_equal(experiment_run(&f->e), 0);
    for (unsigned round = 0; round < 4; round++) {
        latin_order(random_at(f->suite.seed, 0), round, 3, order);
        for (unsigned at = 0; at < 3; at++)
            assert_int_equal(f->e.results[2 * order[at]].blocks[round].position, at + 1);
    }
    assert_int_equal(f->e.results[0].blocks[0].repetitions, 1);
    assert_true(f->e.results[0].blocks[2].pass == 2 && f->e.results[0].blocks[2].repetitions > 1);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, experiment_set_up, experiment_tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_rounds_are_spread),
        WITH_FIXTURE(test_no_more_passes_than_rounds),
        WITH_FIXTURE(test_models_stay_loaded_where_they_fit),
        WITH_FIXTURE(test_one_batch_stays_loaded),
        WITH_FIXTURE(test_one_contest_has_one_pass),
        WITH_FIXTURE(test_failed_cell_is_over),
        WITH_FIXTURE(test_precision_ends_whole_passes),
        WITH_FIXTURE(test_profile_is_of_the_last_pass),
        WITH_FIXTURE(test_failed_rival_stays_out),
        WITH_FIXTURE(test_time_is_shared),
        WITH_FIXTURE(test_base_of_two_batches),
        WITH_FIXTURE(test_passes_go_on),
    };
    if (misdeeds_init())
        return 1;
    return cmocka_run_group_tests_name("passes", tests, NULL, NULL);
}
