/* The protocol with living workers, two at a time: what they answer, refuse, and that none outlives its parent. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "baselines/baselines.h"
#include "harness/sha256.h"
#include "harness/worker.h"
#include "kernels/cpu.h"

static const char tiny_model[] = "tests/golden/kjv-tiny-i2_s.gguf";

static const char *text(const json_t *o, const char *key)
{
    const char *t = json_string_value(json_object_get(o, key));
    if (!t)
        fail_msg("'%s' is no text", key);
    return t;
}

static const struct worker_options options = {.workloads = workloads};

static json_t *ask(struct worker *w, json_t *cmd)
{
    char reason[WORKER_REASON_LEN] = "";
    json_t *reply = NULL;
    if (worker_call(w, cmd, 60, &reply, reason) != WORKER_OK)
        fail_msg("%s", reason);
    return reply;
}

static struct worker *start_decoding(void)
{
    char reason[WORKER_REASON_LEN];
    struct worker *w = NULL;
    assert_int_equal(worker_start(&options, NULL, &w, reason), 0);
    json_decref(ask(w, json_pack("{s:s, s:s, s:n, s:n, s:i, s:i}", "cmd", "load", "model", tiny_model, "format", "embedding",
                                 "threads", 1, "seed", 1)));
    json_decref(ask(w, json_pack("{s:s, s:s, s:i, s:i, s:s, s:i, s:i, s:i}", "cmd", "setup", "workload", "decode", "threads", 1,
                                 "n_ctx", 4, "kv", "f16", "n_gen", 3, "depth", 1, "seed", 1)));
    return w;
}

static void test_two_workers_in_turn(void **state)
{
    struct worker *w[2] = {start_decoding(), start_decoding()};
    char hash[SHA256_HEX_LEN] = "";
    (void)state;
    for (int turn = 0; turn < 6; turn++) {
        json_t *r = ask(w[turn % 2], json_pack("{s:s, s:i}", "cmd", "block", "repetitions", 2));
        if (!hash[0])
            snprintf(hash, sizeof hash, "%s", text(r, "output_sha256"));
        assert_string_equal(text(r, "output_sha256"), hash);
        assert_int_equal(json_array_size(json_object_get(r, "samples_s")), 2);
        assert_int_equal(json_array_size(json_object_get(r, "token_s")), 2 * 3);
        json_decref(r);
    }
    worker_stop(w[0]);
    assert_true(worker_alive(w[1]));
    json_decref(ask(w[1], json_pack("{s:s}", "cmd", "end")));
    worker_stop(w[1]);
}

/* `layer`, `head`: of how many tokens the kernels are that a cell says it ran */
static void expect_kernels(struct worker *w, const char *workload, unsigned n_gen, unsigned layer, unsigned head)
{
    const struct kernel *k = format_kernel(&format_q8_0);
    json_t *r = ask(w, json_pack("{s:s, s:s, s:i, s:i, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:i, s:i}", "cmd", "setup", "workload",
                                 workload, "threads", 1, "n_ctx", 64, "kv", "f16", "n_prompt", 8, "n_gen", (int)n_gen, "depth", 0,
                                 "batch", n_gen ? 1 : 8, "sequences", 1, "seed", 1, "text", "tests/golden/test.txt", "window", 16,
                                 "windows", 1));
    const json_t *kernel = json_object_get(r, "kernel");
    assert_string_equal(text(kernel, "format"), "q8_0");
    assert_string_equal(text(kernel, "isa"), kernel_used(k, layer)->isa);
    assert_string_equal(text(kernel, "head_isa"), kernel_used(k, head)->isa);
    json_decref(r);
    json_decref(ask(w, json_pack("{s:s}", "cmd", "end")));
}

/* q8_0 on AVX-512 without VNNI has AVX2's gemv: decode and prefill run other instruction sets, and so do layers and lm_head. */
static void test_cells_name_what_they_ran(void **state)
{
    (void)state;
    const struct worker_options no_vnni = {.workloads = workloads, .isa = "avx512"};
    struct worker *w = NULL;
    char reason[WORKER_REASON_LEN];
    uint32_t mask;
    assert_int_equal(cpu_isa_mask("avx512", &mask), 0);
    assert_int_equal(worker_start(&no_vnni, NULL, &w, reason), 0);
    json_decref(ask(w, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "cmd", "load", "model", tiny_model, "format", "q8_0",
                                 "embedding", "q8_0", "threads", 1, "seed", 1)));
    cpu_limit(mask);
    expect_kernels(w, "decode", 3, 1, 1);
    expect_kernels(w, "prefill", 0, 8, 1);
    expect_kernels(w, "perplexity", 0, 8, 8);
    cpu_limit(UINT32_MAX);
    worker_stop(w);
}

static void test_refusals_leave_the_worker(void **state)
{
    static const struct {
        const char *cmd, *says;
    } rows[] = {
        {"dance", "unknown command"},   {"rep", "no cell is set up"},           {"setup", "no model is loaded"},
        {"block", "no cell is set up"}, {"peak_open", "bad number of threads"}, {"peak_block", "no peaks are open"},
    };
    struct worker *w = NULL;
    char reason[WORKER_REASON_LEN];
    json_t *reply = NULL;
    (void)state;
    assert_int_equal(worker_start(&options, NULL, &w, reason), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(worker_call(w, json_pack("{s:s}", "cmd", rows[i].cmd), 60, &reply, reason), WORKER_REFUSED);
        assert_non_null(strstr(reason, rows[i].says));
        assert_true(worker_alive(w));
    }
    worker_stop(w);
}

/* A parent that is killed takes its worker along. */
static void test_worker_dies_with_its_parent(void **state)
{
    int link[2];
    char byte = 0;
    (void)state;
    assert_int_equal(pipe(link), 0);
    const pid_t parent = fork();
    if (parent == 0) {
        struct worker *w = NULL;
        char reason[WORKER_REASON_LEN];
        json_t *reply = NULL;
        close(link[0]);
        if (worker_start(&options, NULL, &w, reason))
            _exit(1);
        worker_call(w, json_pack("{s:s}", "cmd", "hello"), 60, &reply, reason); /* it is up: it has answered */
        if (write(link[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(link[1]);
    assert_int_equal(read(link[0], &byte, 1), 1);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    alarm(30);
    assert_int_equal(read(link[0], &byte, 1), 0); /* the end comes when the worker, which holds the pipe too, is gone */
    alarm(0);
    close(link[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_workers_in_turn),
        cmocka_unit_test(test_cells_name_what_they_ran),
        cmocka_unit_test(test_refusals_leave_the_worker),
        cmocka_unit_test(test_worker_dies_with_its_parent),
    };
    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
