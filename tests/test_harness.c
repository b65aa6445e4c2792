/* The experiment loop with cells that misbehave: whatever a cell does, it alone is failed, with the reason, its samples so far
 * are kept, and the cell after it runs. The workloads that crash, hang or lie are in misdeeds.c; model and engine are real. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/experiment.h"
#include "harness/interrupt.h"
#include "profiles/time_clock.h"
#include "tests/experiment_fixture.h"
#include "tests/misdeeds.h"

/* The first cell misbehaves, the others are good. */
static const struct cell_result *run_with(struct experiment_fixture *f, const char *first)
{
    f->plan.cells[0].workload = first;
    assert_int_equal(experiment_run(&f->e), 0);
    for (size_t i = 1; i < f->plan.n_cells; i++) {
        if (f->e.results[i].status != CELL_OK)
            fail_msg("cell %zu after '%s': %s", i, first, f->e.results[i].reason);
        assert_int_equal(f->e.results[i].time_s.n, 3);
    }
    return &f->e.results[0];
}

static void assert_failed(const struct cell_result *r, size_t samples, const char *reason)
{
    assert_int_equal(r->status, CELL_FAILED);
    if (!strstr(r->reason, reason))
        fail_msg("reason '%s' lacks '%s'", r->reason, reason);
    assert_null(strchr(r->reason, '\n'));
    assert_int_equal(r->time_s.n, samples);
}

static size_t stream_blocks(const struct experiment_fixture *f)
{
    return experiment_stream_lines(f, "\"type\":\"block\"");
}

static void test_crash(void **state)
{
    struct experiment_fixture *f = *state;
    const struct cell_result *r = run_with(f, "segv");
    assert_failed(r, 1, "worker killed by SIGSEGV");
    assert_int_equal(r->warmup_s.n, 1);
    assert_int_equal(stream_blocks(f), 1 + 3 + 3); /* the block before the crash is in the stream too */
    assert_int_equal(experiment_stream_lines(f, "\"status\":\"failed\""), 1);
    assert_int_equal(experiment_stream_lines(f, "\"status\":\"ok\""), 2);
}

static void test_kill(void **state)
{
    assert_failed(run_with(*state, "kill"), 1, "worker killed by SIGKILL (out of memory?)");
}

static void test_exit(void **state)
{
    assert_failed(run_with(*state, "exit"), 1, "worker exited with status 7 without an answer");
}

static void test_garbage(void **state)
{
    assert_failed(run_with(*state, "garbage"), 1, "no reply: '?[31mnot json'");
}

static void test_unsteady_output(void **state)
{
    assert_failed(run_with(*state, "unsteady"), 1, "output differs between repetitions");
}

/* Without the profile the fifth run does not take place. */
static void test_profile_must_not_change_the_output(void **state)
{
    struct experiment_fixture *f = *state;
    assert_int_equal(run_with(f, "late")->status, CELL_OK);
    experiment_free(&f->e);
    f->e.profile = true;
    assert_failed(run_with(f, "late"), 3, "output differs under the profile");
}

/* The samples were in: the cell keeps them, and the record says why it has no profile. */
static void test_profile_that_dies_costs_no_cell(void **state)
{
    struct experiment_fixture *f = *state;
    f->e.profile = true;
    const struct cell_result *r = run_with(f, "late-death");
    assert_int_equal(r->status, CELL_OK);
    assert_int_equal(r->time_s.n, 3);
    assert_null(r->profile);
    assert_int_equal(experiment_stream_lines(f, "\"status\":\"ok\""), 3);
    const json_t *w = json_array_get(json_object_get(f->record.root, "warnings"), 0);
    assert_string_equal(json_string_value(json_object_get(w, "check")), "profile");
    assert_non_null(strstr(json_string_value(json_object_get(w, "message")), "has no profile: worker killed by SIGKILL"));
}

/* One more repetition, which is no sample, and its operations add up. */
static void test_profile_of_real_cells(void **state)
{
    struct experiment_fixture *f = *state;
    f->e.profile = true;
    assert_int_equal(experiment_run(&f->e), 0);
    for (size_t i = 0; i < 3; i++) {
        const struct cell_result *r = &f->e.results[i];
        const json_t *op;
        size_t k;
        double share = 0, s_per_token = 0;
        assert_int_equal(r->status, CELL_OK);
        assert_int_equal(r->time_s.n, 3);
        json_array_foreach(json_object_get(r->profile, "ops"), k, op)
        {
            share += json_number_value(json_object_get(op, "share"));
            s_per_token += json_number_value(json_object_get(op, "s_per_token"));
        }
        const double time_s = json_number_value(json_object_get(r->profile, "time_s"));
        assert_true(k > 10 && share > 1 - 1e-9 && share < 1 + 1e-9);
        assert_true(fabs(s_per_token * cell_tokens(r) - time_s) < 1e-9 * time_s);
    }
}

static void test_error_leaves_the_worker(void **state)
{
    struct experiment_fixture *f = *state;
    f->plan.cells[2].workload = "good";
    assert_failed(run_with(f, "error"), 1, "error failed: Input/output error");
    assert_int_equal(misdeeds_shared->setups, 2);
    assert_string_equal(json_string_value(json_object_get(f->e.results[0].setup, "cpus")),
                        json_string_value(json_object_get(f->e.results[2].setup, "cpus")));
}

static void test_no_memory_leaves_the_worker(void **state)
{
    struct experiment_fixture *f = *state;
    f->plan.cells[1].workload = "good";
    f->plan.cells[2].workload = "no-memory";
    f->plan.cells[0].workload = "good";
    assert_int_equal(experiment_run(&f->e), 0);
    assert_int_equal(f->e.results[0].status, CELL_OK);
    const pid_t worker = misdeeds_shared->last_worker;
    assert_failed(&f->e.results[2], 0, "no memory for the test");
    assert_int_equal(misdeeds_shared->last_worker, worker);
}

/* Gone, or dead and waiting to be reaped by a lazy init. */
static bool is_gone(pid_t pid)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return true;
    const size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    const char *after = strrchr(text, ')');
    return !after || after[2] == 'Z' || after[2] == 'X';
}

static void assert_soon_gone(pid_t pid)
{
    for (int i = 0; i < 400 && !is_gone(pid); i++)
        usleep(5000);
    assert_true(is_gone(pid));
}

static void test_timeout(void **state)
{
    struct experiment_fixture *f = *state;
    const double before = time_now_s();
    for (size_t i = 1; i < 3; i++)
        f->plan.cells[i].workload = "good";
    f->suite.timeout_s = 2;
    assert_failed(run_with(f, "hang"), 1, "timed out: more than 2 s");
    assert_true(time_now_s() - before >= 2);
    assert_true(misdeeds_shared->grandchild > 0);
    assert_soon_gone(misdeeds_shared->grandchild); /* the whole group is killed */
}

static void test_load_refused(void **state)
{
    struct experiment_fixture *f = *state;
    free(f->plan.groups[0].spec);
    f->plan.groups[0].spec = strdup("/nonexistent/model.gguf");
    assert_int_equal(experiment_run(&f->e), 0);
    for (size_t i = 0; i < 3; i++)
        assert_failed(&f->e.results[i], 0, "/nonexistent/model.gguf");
    assert_int_equal(f->e.slots[0].failures, EXPERIMENT_LOAD_TRIES); /* once is enough: it would say the same again */
}

static void test_load_that_dies_is_tried_twice(void **state)
{
    struct experiment_fixture *f = *state;
    f->suite.timeout_s = 1e-6;
    assert_int_equal(experiment_run(&f->e), 0);
    for (size_t i = 0; i < 3; i++)
        assert_failed(&f->e.results[i], 0, "timed out");
    assert_int_equal(f->e.slots[0].failures, EXPERIMENT_LOAD_TRIES); /* three cells, two tries */
}

static void test_skipped_cell_is_not_run(void **state)
{
    struct experiment_fixture *f = *state;
    snprintf(f->plan.cells[1].reason, PLAN_REASON_LEN, "needs 26.1 GB, 21.4 GB available");
    assert_int_equal(experiment_run(&f->e), 0);
    assert_int_equal(f->e.results[0].status, CELL_OK);
    assert_int_equal(f->e.results[1].status, CELL_SKIPPED);
    assert_string_equal(f->e.results[1].reason, "needs 26.1 GB, 21.4 GB available");
    assert_int_equal(f->e.results[1].time_s.n + f->e.results[1].warmup_s.n, 0);
    assert_int_equal(f->e.results[2].status, CELL_OK);
}

/* A block holds as many repetitions as last block_s. */
static void test_blocks_last(void **state)
{
    struct experiment_fixture *f = *state;
    f->suite.block_s = 0.02;
    f->suite.rounds = 4;
    for (size_t i = 0; i < 3; i++)
        f->plan.cells[i].workload = "good"; /* of 0.1 ms and more */
    assert_int_equal(experiment_run(&f->e), 0);
    for (size_t i = 0; i < 3; i++) {
        const struct cell_result *r = &f->e.results[i];
        const struct block *last = &r->blocks[r->n_blocks - 1];
        assert_int_equal(r->time_s.n, 4);
        assert_true(stats_mean(r->warmup_s.v, r->warmup_s.n) * (double)r->warmup_s.n > 0.1 * 0.02 * (1 - 1e-9));
        assert_true(last->repetitions > 1 && last->window_s >= last->time_s);
        assert_true(fabs(block_sample_s(last) * last->repetitions / last->time_s - 1) < 1e-12);
    }
}

static const json_t *warning(const struct experiment_fixture *f, const char *check)
{
    size_t i;
    const json_t *w;
    json_array_foreach(json_object_get(f->record.root, "warnings"), i, w)
    {
        if (!strcmp(json_string_value(json_object_get(w, "check")), check))
            return w;
    }
    return NULL;
}

/* The hypervisor takes the CPU away during the first `stolen` blocks of the first cell; `repeats` as in the suite. */
static const struct cell_result *run_stolen(struct experiment_fixture *f, int stolen, unsigned repeats)
{
    char path[128];
    snprintf(path, sizeof path, "%s/stat", f->dir);
    snprintf(misdeeds_shared->stat, sizeof misdeeds_shared->stat, "%s", path);
    misdeeds_shared->stolen = stolen;
    f->options.env.procfs = f->dir;
    f->suite.repeats = repeats;
    f->suite.warmup = 0;
    const struct cell_result *r = run_with(f, "stolen");
    unlink(path);
    return r;
}

/* A disturbed block is void and repeated in its round; it is in the record and in no sample. */
static void test_void_block_is_repeated(void **state)
{
    struct experiment_fixture *f = *state;
    const struct cell_result *r = run_stolen(f, 1, 1);
    assert_int_equal(r->status, CELL_OK);
    assert_int_equal(r->n_blocks, 4);
    assert_int_equal(r->time_s.n, 3);
    assert_non_null(strstr(r->blocks[0].void_reason, "the hypervisor took"));
    assert_int_equal(r->blocks[0].round, 1);
    assert_int_equal(r->blocks[1].round, 1);
    assert_int_equal(r->repetitions, 3);
    assert_int_equal(experiment_stream_lines(f, "\"void\":\"the hypervisor took"),
                     2); /* the block and, with its blocks, the cell */
    assert_null(warning(f, "disturbed"));
}

/* Where the CPU is always taken away a run ends all the same, and says so. */
static void test_constant_steal_ends(void **state)
{
    struct experiment_fixture *f = *state;
    const struct cell_result *r = run_stolen(f, 100, 2);
    assert_int_equal(r->status, CELL_OK);
    assert_int_equal(r->n_blocks, 5);
    assert_int_equal(r->time_s.n, 3);
    assert_true(!block_counts(&r->blocks[0]) && !block_counts(&r->blocks[1]));
    assert_true(block_counts(&r->blocks[4]) && strstr(r->blocks[4].disturbed, "the hypervisor took"));
    assert_non_null(strstr(json_string_value(json_object_get(warning(f, "disturbed"), "message")), "3 of 3 blocks count although"));
}

static void test_no_warmup(void **state)
{
    struct experiment_fixture *f = *state;
    f->suite.warmup = 0;
    f->suite.rounds = 1;
    assert_int_equal(experiment_run(&f->e), 0);
    assert_int_equal(f->e.results[0].time_s.n, 1);
    assert_int_equal(f->e.results[0].repetitions, 1);
    assert_int_equal(f->e.results[0].warmup_s.n, 0);
}

/* What the real workloads deliver. */
static void test_good_cells(void **state)
{
    struct experiment_fixture *f = *state;
    assert_int_equal(experiment_run(&f->e), 0);
    const struct cell_result *prefill = &f->e.results[0], *two = &f->e.results[1], *three = &f->e.results[2];
    assert_int_equal(prefill->token_s.n, 0);
    assert_int_equal(two->token_s.n, 3 * 2);
    assert_int_equal(three->token_s.n, 3 * 3);
    assert_true(cell_tokens(prefill) == 2 && cell_tokens(three) == 3);
    for (size_t rep = 0; rep < 3; rep++) { /* the tokens' times are parts of the repetition's */
        double sum = 0;
        for (size_t i = 0; i < 3; i++)
            sum += three->token_s.v[3 * rep + i];
        assert_true(sum > 0 && sum <= three->time_s.v[rep]);
    }
    assert_string_not_equal(two->output_sha256, three->output_sha256);
    assert_int_equal(strlen(two->output_sha256), 64);
}

/* Ctrl-C while a cell runs. Last test: the flag stays up. */
static void test_interrupt(void **state)
{
    struct experiment_fixture *f = *state;
    const pid_t parent = getpid();
    interrupt_install();
    f->plan.cells[1].workload = "hang";
    const pid_t helper = fork();
    if (helper == 0) {
        while (!misdeeds_shared->grandchild && getppid() == parent)
            usleep(1000);
        kill(parent, SIGINT);
        _exit(0);
    }
    assert_int_equal(experiment_run(&f->e), 0);
    kill(helper, SIGKILL);
    waitpid(helper, NULL, 0);
    interrupt_reset();
    assert_true(interrupt_seen());
    assert_int_equal(f->e.results[0].status, CELL_OK);
    assert_int_equal(f->e.results[0].time_s.n, 3);
    assert_int_equal(f->e.results[1].status, CELL_OK); /* it has a block */
    assert_int_equal(f->e.results[1].time_s.n, 1);
    assert_string_equal(f->e.results[1].stop, "interrupted");
    assert_int_equal(f->e.results[2].status, CELL_SKIPPED);
    assert_string_equal(f->e.results[2].reason, "interrupted");
    assert_int_equal(experiment_stream_lines(f, "\"type\":\"cell\""), 3);
    assert_soon_gone(misdeeds_shared->last_worker);
    assert_soon_gone(misdeeds_shared->grandchild);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, experiment_set_up, experiment_tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_good_cells),
        WITH_FIXTURE(test_crash),
        WITH_FIXTURE(test_kill),
        WITH_FIXTURE(test_exit),
        WITH_FIXTURE(test_garbage),
        WITH_FIXTURE(test_unsteady_output),
        WITH_FIXTURE(test_profile_must_not_change_the_output),
        WITH_FIXTURE(test_profile_that_dies_costs_no_cell),
        WITH_FIXTURE(test_profile_of_real_cells),
        WITH_FIXTURE(test_error_leaves_the_worker),
        WITH_FIXTURE(test_no_memory_leaves_the_worker),
        WITH_FIXTURE(test_timeout),
        WITH_FIXTURE(test_load_refused),
        WITH_FIXTURE(test_load_that_dies_is_tried_twice),
        WITH_FIXTURE(test_skipped_cell_is_not_run),
        WITH_FIXTURE(test_blocks_last),
        WITH_FIXTURE(test_void_block_is_repeated),
        WITH_FIXTURE(test_constant_steal_ends),
        WITH_FIXTURE(test_no_warmup),
        WITH_FIXTURE(test_interrupt),
    };
    if (misdeeds_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
