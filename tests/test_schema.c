/* harness/record.schema.json: real records and the made-up ones satisfy it, broken ones do not, and the checker that says so finds
 * what it must. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/harness_cmds.h"
#include "tests/schema_check.h"

static json_t *load(const char *path)
{
    json_error_t je;
    json_t *v = json_load_file(path, 0, &je);
    if (!v)
        fail_msg("%s: %s", path, je.text);
    return v;
}

static json_t *schema_of(void)
{
    return load("harness/record.schema.json");
}

static void assert_valid(const char *what, const json_t *value)
{
    char err[512] = "";
    json_t *schema = schema_of();
    if (schema_check(schema, schema, value, err, sizeof err))
        fail_msg("%s: %s", what, err);
    json_decref(schema);
}

static void assert_invalid(const json_t *value, const char *says)
{
    char err[512] = "";
    json_t *schema = schema_of();
    if (!schema_check(schema, schema, value, err, sizeof err))
        fail_msg("accepted, but it should have said '%s'", says);
    if (!strstr(err, says))
        fail_msg("says '%s' instead of '%s'", err, says);
    json_decref(schema);
}

/* ---- the checker itself --------------------------------------------------------------------------------------------- */

static void test_checker_finds_what_it_must(void **state)
{
    static const struct {
        const char *schema, *good, *bad;
    } rows[] = {
        {"{\"type\": \"integer\"}", "3", "3.5"},
        {"{\"type\": \"integer\"}", "3.0", "\"3\""},
        {"{\"type\": [\"number\", \"null\"]}", "null", "true"},
        {"{\"type\": \"object\"}", "{}", "[]"},
        {"{\"const\": 1}", "1", "2"},
        {"{\"enum\": [\"a\", \"b\"]}", "\"b\"", "\"c\""},
        {"{\"required\": [\"x\"]}", "{\"x\": null}", "{\"y\": 1}"},
        {"{\"properties\": {\"x\": {\"type\": \"string\"}}}", "{\"x\": \"\", \"y\": 1}", "{\"x\": 1}"},
        {"{\"properties\": {\"x\": {}}, \"additionalProperties\": false}", "{\"x\": 1}", "{\"z\": 1}"},
        {"{\"additionalProperties\": {\"type\": \"null\"}}", "{\"x\": null}", "{\"x\": 0}"},
        {"{\"items\": {\"minimum\": 2}}", "[2, 3]", "[2, 1]"},
        {"{\"maximum\": 1}", "1", "1.1"},
        {"{\"exclusiveMinimum\": 0}", "0.1", "0"},
        {"{\"minLength\": 1}", "\"x\"", "\"\""},
        {"{\"maxLength\": 1}", "\"x\"", "\"xx\""},
        {"{\"anyOf\": [{\"type\": \"null\"}, {\"minimum\": 3, \"type\": \"number\"}]}", "null", "2"},
        {"{\"if\": {\"type\": \"string\"}, \"then\": {\"minLength\": 2}, \"else\": {\"type\": \"null\"}}", "null", "\"x\""},
        {"{\"$ref\": \"#/$defs/t\", \"$defs\": {\"t\": {\"type\": \"string\"}}}", "\"\"", "1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char err[256] = "";
        json_t *schema = json_loads(rows[i].schema, JSON_DECODE_ANY, NULL), *good = json_loads(rows[i].good, JSON_DECODE_ANY, NULL),
               *bad = json_loads(rows[i].bad, JSON_DECODE_ANY, NULL);
        assert_true(schema && good && bad);
        if (schema_check(schema, schema, good, err, sizeof err))
            fail_msg("%s refuses %s: %s", rows[i].schema, rows[i].good, err);
        if (!schema_check(schema, schema, bad, err, sizeof err))
            fail_msg("%s accepts %s", rows[i].schema, rows[i].bad);
        json_decref(schema);
        json_decref(good);
        json_decref(bad);
    }
}

static void test_unknown_keywords_are_no_pass(void **state)
{
    char err[256] = "";
    json_t *schema = json_pack("{s:i}", "multipleOf", 2), *ref = json_pack("{s:s}", "$ref", "#/$defs/none"), *v = json_integer(4);
    (void)state;
    assert_int_equal(schema_check(schema, schema, v, err, sizeof err), -1);
    assert_non_null(strstr(err, "multipleOf"));
    assert_int_equal(schema_check(ref, ref, v, err, sizeof err), -1);
    assert_non_null(strstr(err, "#/$defs/none"));
    json_decref(schema);
    json_decref(ref);
    json_decref(v);
}

/* ---- records -------------------------------------------------------------------------------------------------------- */

static void test_made_up_records(void **state)
{
    static const char *const paths[] = {"tests/fixtures/report_quick.json", "tests/fixtures/report_energy.json",
                                        "tests/fixtures/report_hostile.json"};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        json_t *v = load(paths[i]);
        assert_valid(paths[i], v);
        json_decref(v);
    }
}

/* Each change makes a good record a bad one, at the place that is named. */
static void test_broken_records(void **state)
{
    static const struct {
        const char *object, *key, *value, *says;
    } rows[] = {
        {"", "schema", "2", "/schema"},
        {"", "run", "null", "/run"},
        {"", "cells", "{}", "/cells"},
        {"cell", "status", "\"fine\"", "/cells/0/status"},
        {"cell", "threads", "0", "/cells/0/threads"},
        {"cell", "samples_s", "[0.5, 0]", "/cells/0/samples_s/1"},
        {"cell", "samples_s", "[0.5, null]", "/cells/0/samples_s/1"},
        {"cell", "output_sha256", "\"abc\"", "/cells/0/output_sha256"},
        {"cell", "tokens_per_s", "{\"median\": 0, \"lo\": 0, \"hi\": 0}", "/cells/0/tokens_per_s"},
        {"cell", "reason", "\"ok, but\"", "/cells/0/reason"},
        {"cell", "external", "{}", "/cells/0/external"},
        {"", "lossless", "[{\"model\": \"m\", \"status\": \"ok\"}]", "/lossless/0: lacks"},
        /* a number that was not had must not be 0, and needs its reason */
        {"cell", "metrics", "[{\"name\": \"x\", \"value\": 0, \"unit\": \"J\", \"status\": \"unavailable\", \"reason\": \"r\"}]",
         "/cells/0/metrics/0/value"},
        {"cell", "metrics", "[{\"name\": \"x\", \"value\": null, \"unit\": \"J\", \"status\": \"unavailable\", \"reason\": null}]",
         "/cells/0/metrics/0/reason"},
        {"cell", "metrics", "[{\"name\": \"x\", \"value\": null, \"unit\": \"J\", \"status\": \"measured\"}]", "/cells/0/metrics/0/value"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *root = load("tests/fixtures/report_quick.json"), *v = json_loads(rows[i].value, JSON_DECODE_ANY, NULL);
        assert_non_null(v);
        json_t *object = rows[i].object[0] ? json_array_get(json_object_get(root, "cells"), 0) : root;
        json_object_set_new(object, rows[i].key, v);
        assert_invalid(root, rows[i].says);
        json_decref(root);
    }
}

static void test_what_must_be_there(void **state)
{
    static const char *const keys[] = {"id", "model", "format", "threads", "test", "status"};
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_t *root = load("tests/fixtures/report_quick.json");
        json_object_del(json_array_get(json_object_get(root, "cells"), 0), keys[i]);
        assert_invalid(root, "/cells/0: lacks");
        json_decref(root);
    }
}

/* ---- a real one ----------------------------------------------------------------------------------------------------- */

static char dir[] = "/tmp/bitjoule-schema-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void check_run(int argc, char **argv, size_t n_cells)
{
    char out[64], path[96];
    snprintf(out, sizeof out, "%s/run", dir);
    snprintf(path, sizeof path, "%s/results.json", out);
    argv[argc - 1] = out;
    setenv("BITJOULE_CONFIGS", "configs", 1);
    assert_int_equal(cmd_bench(argc, argv), 0);
    json_t *root = load(path);
    assert_valid(path, root);
    assert_int_equal(json_array_size(json_object_get(root, "cells")), n_cells);
    json_decref(root);
}

/* Cells of every kind: prefill, decode and perplexity, compared and profiled; and some that are skipped. */
static void test_records_of_runs(void **state)
{
    char *all[] = {"bench", "-c", "tiny", "-r", "2", "--profile", "--estimate", "--no-report", "-o", NULL};
    char *skipped[] = {"bench", "-m", "synth:bitnet_b1_58-3b", "-f", "i2_s,tq1_0", "-t", "1", "--no-report", "-o", NULL};
    (void)state;
    check_run(10, all, 5);
    check_run(10, skipped, 4);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checker_finds_what_it_must),
        cmocka_unit_test(test_unknown_keywords_are_no_pass),
        cmocka_unit_test(test_made_up_records),
        cmocka_unit_test(test_broken_records),
        cmocka_unit_test(test_what_must_be_there),
        cmocka_unit_test_setup_teardown(test_records_of_runs, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
