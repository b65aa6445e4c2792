/* The record: the object of a cell from hand-made samples, the comparisons, the two files, and what happens when the disk is full
 * or two runs meet. */
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
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/cell_result.h"
#include "harness/json_util.h"
#include "harness/record.h"
#include "harness/sha256.h"
#include "harness/stationary.h"
#include "tests/made_blocks.h"

static const char tiny_model[] = "tests/golden/kjv-tiny-i2_s.gguf";

static void assert_close(double got, double want)
{
    if (!(fabs(got - want) <= 1e-9 * fabs(want)))
        fail_msg("got %.12g, want %.12g", got, want);
}

static double number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_number(v))
        fail_msg("'%s' is no number", key);
    return json_number_value(v);
}

static const char *text(const json_t *o, const char *key)
{
    const char *t = json_string_value(json_object_get(o, key));
    if (!t)
        fail_msg("'%s' is no text", key);
    return t;
}

/* ---- hashes --------------------------------------------------------------------------------------------------------- */

/* FIPS 180-4 examples: "abc" and the empty message. As ids: printf '\x01\x00\x00\x00\xff\xff\xff\xff' | sha256sum */
static void test_sha256(void **state)
{
    char hex[SHA256_HEX_LEN], file_hex[SHA256_HEX_LEN];
    uint64_t bytes = 0;
    (void)state;
    assert_int_equal(sha256_bytes("abc", 3, hex), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(sha256_bytes("", 0, hex), 0);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(sha256_ids((const int32_t[]){1, -1}, 2, hex), 0);
    assert_int_equal(sha256_bytes("\x01\x00\x00\x00\xff\xff\xff\xff", 8, file_hex), 0);
    assert_string_equal(hex, file_hex);
    assert_int_equal(sha256_file("/dev/null", file_hex, &bytes), 0);
    assert_string_equal(file_hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(sha256_file(tiny_model, file_hex, &bytes), 0);
    assert_int_equal(bytes, 2332768); /* tests/golden/README.md */
    assert_int_equal(sha256_file("/nonexistent", file_hex, &bytes), -ENOENT);
}

/* ---- the object of a cell ------------------------------------------------------------------------------------------- */

struct hand_made {
    struct group groups[2];
    struct cell cells[2];
    struct plan plan;
    struct cell_result results[2];
};

static void give_peaks(struct cell_result *r, double read_gb_s, double int8_gmac_s, double fma_gmac_s)
{
    for (size_t i = 0; i < r->n_blocks; i++)
        r->blocks[i].peaks = (struct block_peaks){read_gb_s, int8_gmac_s, fma_gmac_s};
}

/* Two decode cells of 4 tokens: i2_s takes 0.25 s, f16 0.5 s, both with a little noise. */
static struct hand_made *make_cells(void)
{
    static const double times[2][3] = {{0.25, 0.26, 0.24}, {0.5, 0.52, 0.48}};
    struct hand_made *h = calloc(1, sizeof *h);
    assert_non_null(h);
    for (int i = 0; i < 2; i++) {
        h->groups[i] =
            (struct group){.spec = strdup("m"), .model = "m", .format = format_find(i ? "f16" : "i2_s"), .embedding = "f16"};
        h->cells[i] = (struct cell){.group = (size_t)i, .workload = "decode", .test = "tg4", .threads = 2, .n_gen = 4, .batch = 1};
        struct cell_result *r = &h->results[i];
        r->status = CELL_OK;
        for (unsigned k = 0; k < 3; k++)
            made_block(r, k + 1, 1, times[i][k], (double)NAN);
        give_peaks(r, 16, 100, 50);
        r->energy_repetitions = 3;
        for (int k = 0; k < 100; k++)
            assert_int_equal(samples_push(&r->token_s, 0.001 * (k + 1)), 0);
        r->setup = json_pack("{s:s, s:{s:f, s:f, s:f, s:f}}", "cpus", "0,1", "work", "tokens", 4.0, "int8_macs", 3e9, "fma_macs",
                             1e9, "bytes", 2e9);
        r->metrics = json_pack("[{s:s, s:f, s:s, s:s, s:s}, {s:s, s:f, s:s}]", "name", "energy_pkg_j", "value", 6.0, "unit", "J",
                               "status", "measured", "source", "powercap", "name", "power_pkg_w", "value", 2.0, "unit", "W");
        assert_non_null(r->setup);
        assert_non_null(r->metrics);
    }
    h->plan = (struct plan){.groups = h->groups, .n_groups = 2, .cells = h->cells, .n_cells = 2};
    return h;
}

static void free_cells(struct hand_made *h)
{
    for (int i = 0; i < 2; i++) {
        free(h->groups[i].spec);
        cell_result_free(&h->results[i]);
    }
    free(h);
}

static void test_cell_object(void **state)
{
    struct hand_made *h = make_cells();
    json_t *c = cell_json(&h->plan, &h->cells[0], &h->results[0], "f16");
    (void)state;
    assert_non_null(c);
    assert_string_equal(text(c, "id"), "m/i2_s/f16/t2/tg4/d0/b1");
    assert_string_equal(text(c, "status"), "ok");
    assert_true(json_is_null(json_object_get(c, "reason")));
    assert_int_equal(json_array_size(json_object_get(c, "samples_s")), 3);
    assert_close(number(json_object_get(c, "tokens_per_s"), "median"), 16);
    const json_t *latency = json_object_get(c, "token_latency_s");
    assert_close(number(latency, "n"), 100);
    assert_close(number(latency, "median"), 0.0505);
    assert_close(number(latency, "p95"), 0.09505);
    assert_close(number(latency, "p99"), 0.09901);
    assert_close(number(latency, "max"), 0.1);
    assert_true(json_is_null(json_object_get(c, "ttft_s")));
    assert_close(number(json_object_get(c, "work"), "macs"), 4e9);
    /* 2e9 bytes at 16 GB/s take 0.125 s; 3e9 at 100 and 1e9 at 50 GMAC/s take 0.05 s: at most 4 / 0.125 = 32 tokens/s */
    const json_t *roofline = json_object_get(c, "roofline");
    assert_string_equal(text(roofline, "bound"), "bandwidth");
    assert_close(number(roofline, "limit_tokens_per_s"), 32);
    assert_close(number(roofline, "share"), 0.5);
    assert_true(number(roofline, "lo") < 0.5 && number(roofline, "hi") > 0.5);
    assert_int_equal(number(roofline, "rounds"), 3);
    assert_int_equal(json_array_size(json_object_get(c, "blocks")), 3);
    assert_close(number(json_array_get(json_object_get(c, "blocks"), 1), "time_s"), 0.26);
    /* 6 J for 3 repetitions of 4 tokens */
    const json_t *j = metric_json_find(json_object_get(c, "metrics"), "joules_per_token");
    assert_close(number(j, "value"), 0.5);
    assert_string_equal(text(j, "status"), "derived");
    json_decref(c);
    free_cells(h);
}

static void test_roofline_of_arithmetic(void **state)
{
    struct hand_made *h = make_cells();
    (void)state;
    give_peaks(&h->results[0], 1000, 100, 50); /* 0.002 s for the bytes */
    json_t *c = cell_json(&h->plan, &h->cells[0], &h->results[0], "f16");
    assert_string_equal(text(json_object_get(c, "roofline"), "bound"), "int8");
    assert_close(number(json_object_get(c, "roofline"), "limit_tokens_per_s"), 80);
    json_decref(c);
    give_peaks(&h->results[0], 1000, 100, 10); /* 0.1 s + 0.03 s */
    c = cell_json(&h->plan, &h->cells[0], &h->results[0], "f16");
    assert_string_equal(text(json_object_get(c, "roofline"), "bound"), "fma");
    assert_close(number(json_object_get(c, "roofline"), "limit_tokens_per_s"), 4 / 0.13);
    json_decref(c);
    for (size_t i = 0; i < 3; i++)
        h->results[0].blocks[i].peaks = block_no_peaks();
    c = cell_json(&h->plan, &h->cells[0], &h->results[0], "f16");
    assert_true(json_is_null(json_object_get(c, "roofline")));
    json_decref(c);
    free_cells(h);
}

static void test_energy_that_was_not_had(void **state)
{
    struct hand_made *h = make_cells();
    json_t *m = json_array_get(h->results[0].metrics, 0);
    (void)state;
    json_object_set_new(m, "value", json_null());
    json_object_set_new(m, "status", json_string("unavailable"));
    json_object_set_new(m, "reason", json_string("no counter here"));
    json_t *c = cell_json(&h->plan, &h->cells[0], &h->results[0], "f16");
    const json_t *j = metric_json_find(json_object_get(c, "metrics"), "joules_per_token");
    assert_true(json_is_null(json_object_get(j, "value"))); /* never 0 */
    assert_string_equal(text(j, "status"), "unavailable");
    assert_string_equal(text(j, "reason"), "no counter here");
    json_decref(c);
    free_cells(h);
}

static void test_cell_that_failed(void **state)
{
    struct hand_made *h = make_cells();
    (void)state;
    h->results[0].status = CELL_FAILED;
    snprintf(h->results[0].reason, PLAN_REASON_LEN, "worker killed by SIGSEGV");
    json_t *c = cell_json(&h->plan, &h->cells[0], &h->results[0], "f16");
    assert_string_equal(text(c, "status"), "failed");
    assert_string_equal(text(c, "reason"), "worker killed by SIGSEGV");
    assert_int_equal(json_array_size(json_object_get(c, "samples_s")), 3); /* what there was stays, but no figure is made of it */
    static const char *const nothing[] = {"tokens_per_s", "token_latency_s", "ttft_s", "roofline"};
    for (size_t i = 0; i < 4; i++)
        assert_true(json_is_null(json_object_get(c, nothing[i])));
    json_decref(c);
    json_t *list = comparisons_json(&h->plan, h->results);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    free_cells(h);
}

static void test_comparisons(void **state)
{
    struct hand_made *h = make_cells();
    json_t *list = comparisons_json(&h->plan, h->results);
    (void)state;
    assert_int_equal(json_array_size(list), 1);
    const json_t *c = json_array_get(list, 0);
    assert_string_equal(text(c, "base"), "m/f16/f16/t2/tg4/d0/b1");
    assert_string_equal(text(c, "cell"), "m/i2_s/f16/t2/tg4/d0/b1");
    assert_close(number(c, "ratio"), 2);
    assert_close(number(c, "lo"), 2); /* both had the same noise in the same rounds */
    assert_close(number(c, "hi"), 2);
    assert_int_equal(number(c, "rounds"), 3);
    json_decref(list);
    h->cells[1].threads = 1; /* another number of threads is no base */
    list = comparisons_json(&h->plan, h->results);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    free_cells(h);
}

/* The machine gets twice as slow within the rounds: the ratio of each round knows nothing of it. A void block has no pair, and cells
 * that shared no round are not compared. */
static void test_pairs_by_round(void **state)
{
    struct hand_made *h = make_cells();
    (void)state;
    for (unsigned k = 0; k < 8; k++) {
        made_block(&h->results[0], 10 + k, 4, 0.25 * (1 + 0.14 * k), (double)NAN);
        made_block(&h->results[1], 10 + k, 2, 0.50 * (1 + 0.14 * k), (double)NAN);
    }
    struct block b = {.batch = 1, .round = 18, .repetitions = 1, .time_s = 9, .window_s = 9, .void_reason = "steal"};
    assert_int_equal(cell_result_add(&h->results[0], &b), 0);
    made_block(&h->results[1], 18, 1, 0.5, (double)NAN);
    json_t *list = comparisons_json(&h->plan, h->results);
    const json_t *c = json_array_get(list, 0);
    assert_close(number(c, "ratio"), 2);
    assert_close(number(c, "lo"), 2);
    assert_close(number(c, "hi"), 2);
    assert_int_equal(number(c, "rounds"), 11);
    json_decref(list);
    assert_int_equal(h->results[0].time_s.n, 11);
    assert_close(h->results[0].repetitions, 3 + 8 * 4);
    json_t *o = cell_json(&h->plan, &h->cells[0], &h->results[0], "f16");
    const json_t *last = json_array_get(json_object_get(o, "blocks"), 11);
    assert_string_equal(text(last, "void"), "steal");
    json_decref(o);
    for (size_t i = 0; i < h->results[1].n_blocks; i++)
        h->results[1].blocks[i].round += 100;
    list = comparisons_json(&h->plan, h->results);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    free_cells(h);
}

/* A drift of a tenth over the blocks and a slow first block are told, noise and short series are not. */
static void test_unsteady_cells(void **state)
{
    static const double noise[8] = {0, 0.004, -0.003, 0.002, -0.004, 0.003, -0.001, 0.001};
    char fault[STATIONARY_LEN];
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct cell_result r = {0};
        for (unsigned k = 0; k < (kind == 3 ? 5 : 8); k++)
            made_block(&r, k + 1, 1, 1 + noise[k] + (kind == 1 || kind == 3 ? 0.015 * k : 0) + (kind == 2 && !k ? 0.2 : 0),
                       (double)NAN);
        assert_int_equal(stationary_fault(&r, fault), 0);
        if (kind == 1)
            assert_non_null(strstr(fault, "% slower over its 8 blocks"));
        else if (kind == 2)
            assert_non_null(strstr(fault, "its first block took 20 % longer"));
        else
            assert_string_equal(fault, "");
        cell_result_free(&r);
    }
}

/* With two programs a cell is compared with the same format of the arm "base". */
static void test_arms(void **state)
{
    struct suite s;
    struct plan p;
    char err[SUITE_ERR_LEN], id[PLAN_ID_LEN];
    (void)state;
    suite_init(&s);
    assert_int_equal(suite_set(&s, "matrix", "models", tiny_model, err) | suite_set(&s, "matrix", "formats", "i2_s,f16", err) |
                         suite_set(&s, "matrix", "threads", "1", err) | suite_set(&s, "matrix", "gen", "3", err),
                     0);
    assert_int_equal(plan_make(&s, SIZE_MAX, &p, err), 0);
    assert_int_equal(p.n_cells, 2);
    assert_int_equal(plan_base_cell(&p, 0), 1);
    assert_int_equal(plan_base_cell(&p, 1), 2); /* none */
    assert_int_equal(plan_add_arms(&p, "/old/bitjoule", NULL), 0);
    assert_int_equal(p.n_cells, 4);
    assert_int_equal(p.n_groups, 4);
    plan_cell_id(&p, &p.cells[2], id);
    assert_non_null(strstr(id, "/i2_s/"));
    assert_string_equal(id + strlen(id) - 4, "/new");
    assert_int_equal(plan_base_cell(&p, 2), 0);
    assert_int_equal(plan_base_cell(&p, 3), 1);
    assert_int_equal(plan_base_cell(&p, 0), 4);
    assert_string_equal(p.groups[p.cells[0].group].program, "/old/bitjoule");
    assert_null(p.groups[p.cells[3].group].program);
    plan_free(&p);
    suite_free(&s);
}

/* ---- the files ------------------------------------------------------------------------------------------------------ */

static void clean_dir(const char *dir)
{
    static const char *const names[] = {"results.jsonl",         "results.json",       "report.md", "previous/results.jsonl",
                                        "previous/results.json", "previous/report.md", "previous"};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        remove(path);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void write_run(const char *dir, const char *id)
{
    struct record r;
    char err[RECORD_ERR_LEN];
    if (record_open(dir, &r, err))
        fail_msg("%s", err);
    assert_int_equal(record_header(&r, json_pack("{s:{s:s, s:b}}", "run", "id", id, "interrupted", 0)), 0);
    assert_int_equal(record_line(&r, "peak", json_pack("{s:i}", "threads", 1)), 0);
    assert_int_equal(record_line(&r, "sample", json_pack("{s:i}", "index", 0)), 0);
    assert_int_equal(record_line(&r, "cell", json_pack("{s:s, s:f}", "id", "c", "x", 0.1)), 0);
    assert_int_equal(record_finish(&r, json_pack("{s:{s:b}, s:[]}", "run", "interrupted", 1, "comparisons")), 0);
    record_close(&r);
}

static json_t *load(const char *dir, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
}

static void test_files(void **state)
{
    char top[] = "/tmp/bitjoule-record-XXXXXX", dir[64], path[256], line[256];
    static const char *const types[] = {"header", "peak", "sample", "cell", "footer"};
    (void)state;
    assert_non_null(mkdtemp(top));
    snprintf(dir, sizeof dir, "%s/a/b", top); /* parents are made */
    write_run(dir, "one");
    json_t *root = load(dir, "results.json");
    assert_int_equal(number(root, "schema"), 1);
    assert_string_equal(text(json_object_get(root, "run"), "id"), "one");
    assert_true(json_is_true(json_object_get(json_object_get(root, "run"), "interrupted"))); /* the footer completes the header */
    assert_int_equal(json_array_size(json_object_get(root, "peaks")), 1);
    assert_int_equal(json_array_size(json_object_get(root, "cells")), 1);
    assert_null(json_object_get(root, "type"));
    json_decref(root);
    snprintf(path, sizeof path, "%s/results.jsonl", dir);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (size_t i = 0; i < 5; i++) {
        assert_non_null(fgets(line, sizeof line, f));
        json_t *o = json_loads(line, 0, NULL);
        assert_string_equal(text(o, "type"), types[i]);
        json_decref(o);
    }
    assert_null(fgets(line, sizeof line, f));
    fclose(f);
    clean_dir(dir);
    snprintf(path, sizeof path, "%s/a", top);
    assert_int_equal(rmdir(path) | rmdir(top), 0);
}

static void test_second_run_does_not_mix(void **state)
{
    char dir[] = "/tmp/bitjoule-record-XXXXXX", path[256];
    (void)state;
    assert_non_null(mkdtemp(dir));
    write_run(dir, "one");
    snprintf(path, sizeof path, "%s/report.md", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    write_run(dir, "two");
    assert_int_equal(access(path, F_OK), -1); /* the old report does not stand beside the new results */
    json_t *now = load(dir, "results.json"), *before = load(dir, "previous/results.json");
    assert_string_equal(text(json_object_get(now, "run"), "id"), "two");
    assert_string_equal(text(json_object_get(before, "run"), "id"), "one");
    json_decref(now);
    json_decref(before);
    clean_dir(dir);
}

static void test_directory_in_use(void **state)
{
    char dir[] = "/tmp/bitjoule-record-XXXXXX", err[RECORD_ERR_LEN] = "";
    struct record first, second;
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(record_open(dir, &first, err), 0);
    assert_true(record_open(dir, &second, err) < 0);
    assert_non_null(strstr(err, "another run"));
    record_close(&first);
    assert_int_equal(record_open("/dev/null/x", &second, err), -ENOTDIR);
    assert_non_null(strstr(err, "-o /dev/null/x: Not a directory"));
    clean_dir(dir);
}

/* Found before the hours are spent. */
static void test_too_little_room(void **state)
{
    char dir[] = "/tmp/bitjoule-record-XXXXXX", err[RECORD_ERR_LEN] = "";
    struct record r;
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(record_open(dir, &r, err), 0);
    assert_int_equal(record_need_space(&r, 1, err), 0);
    assert_int_equal(record_need_space(&r, 1e18, err), -ENOSPC);
    assert_non_null(strstr(err, "MB are free, the record may take 1000000000000 MB"));
    record_close(&r);
    clean_dir(dir);
}

static void test_disk_full(void **state)
{
    char dir[] = "/tmp/bitjoule-record-XXXXXX", err[RECORD_ERR_LEN] = "";
    struct record r;
    struct rlimit old, small;
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(record_open(dir, &r, err), 0);
    assert_int_equal(record_header(&r, json_object()), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){4096, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = 0, lines = 0;
    while (!rc && lines++ < 1000)
        rc = record_line(&r, "sample", json_pack("{s:s}", "cell", "a cell with a name that is not short at all"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(rc, -EFBIG);
    assert_non_null(strstr(r.err, "results.jsonl: File too large"));
    assert_int_equal(record_finish(&r, json_object()),
                     -EFBIG); /* the first error sticks, and no results.json pretends to be whole */
    record_close(&r);
    assert_null(load(dir, "results.json"));
    clean_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_cell_object),
        cmocka_unit_test(test_roofline_of_arithmetic),
        cmocka_unit_test(test_energy_that_was_not_had),
        cmocka_unit_test(test_cell_that_failed),
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_pairs_by_round),
        cmocka_unit_test(test_unsteady_cells),
        cmocka_unit_test(test_arms),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_second_run_does_not_mix),
        cmocka_unit_test(test_directory_in_use),
        cmocka_unit_test(test_too_little_room),
        cmocka_unit_test(test_disk_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
