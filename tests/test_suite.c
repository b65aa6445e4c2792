/* Lists and suite files: what is accepted, what is refused and with which words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/lists.h"
#include "harness/suite.h"
#include "harness/suite_keys.h"

/* ---- lists ---------------------------------------------------------------------------------------------------------- */

static void assert_list(const char *text, const char *want)
{
    struct uint_list l = {.n = 0};
    char err[LIST_ERR_LEN] = "", got[512] = "";
    size_t len = 0;
    if (uint_list_add(&l, text, (struct uint_limits){0, 1000, 6}, err))
        fail_msg("'%s': %s", text, err);
    for (size_t i = 0; i < l.n; i++)
        len += (size_t)snprintf(got + len, sizeof got - len, i ? ",%u" : "%u", l.v[i]);
    assert_string_equal(got, want);
}

static void test_number_lists(void **state)
{
    (void)state;
    assert_list("4", "4");
    assert_list("1,2,4", "1,2,4");
    assert_list(" 4 , 2 ", "4,2");
    assert_list("1-8", "1,2,3,4,5,6,7,8");
    assert_list("1-8+2", "1,3,5,7");
    assert_list("1-8*2", "1,2,4,8");
    assert_list("1-9*3,7", "1,3,9,7");
    assert_list("5-5", "5");
    assert_list("2,1-3,2", "2,1,3");
    assert_list("all", "6");
    assert_list("pow2", "1,2,4,6");
    assert_list("0-4+4", "0,4");
}

static void test_bad_number_lists(void **state)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "-1",
                                      "1-",
                                      "-",
                                      "8-1",
                                      "1,,2",
                                      "1-8+0",
                                      "1-8*1",
                                      "1-8*0",
                                      "1+2",
                                      "1001",
                                      "1-1001",
                                      "1.5",
                                      "0x10",
                                      " ",
                                      "1 2",
                                      "+3",
                                      "0-8*2",
                                      "1-8-2",
                                      "ALL",
                                      "99999999999999999999",
                                      "1-4000000000"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct uint_list l = {.n = 0};
        char err[LIST_ERR_LEN] = "";
        if (uint_list_add(&l, bad[i], (struct uint_limits){0, 1000, 6}, err) != -EINVAL)
            fail_msg("'%s' was accepted", bad[i]);
        assert_true(strlen(err) > 0 && !strchr(err, '\n'));
    }
}

static void test_list_size_is_bounded(void **state)
{
    struct uint_list l = {.n = 0};
    char err[LIST_ERR_LEN] = "";
    (void)state;
    assert_int_equal(uint_list_add(&l, "1-256", (struct uint_limits){0, 100000, 0}, err), 0);
    assert_int_equal(l.n, LIST_MAX);
    assert_int_equal(uint_list_add(&l, "257", (struct uint_limits){0, 100000, 0}, err), -EINVAL);
    assert_non_null(strstr(err, "more than 256"));
    l.n = 0;
    assert_int_equal(uint_list_add(&l, "all", (struct uint_limits){0, 100000, 0}, err), -EINVAL); /* the word makes no sense here */
}

/* ---- suite files ---------------------------------------------------------------------------------------------------- */

static char suite_path[] = "/tmp/bitjoule-suite-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    const int fd = mkstemp(suite_path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(suite_path);
}

static int read_text(struct suite *s, const char *text, char err[SUITE_ERR_LEN])
{
    FILE *f = fopen(suite_path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    suite_init(s);
    err[0] = 0;
    return suite_read(s, suite_path, err);
}

static void test_every_key(void **state)
{
    struct suite s;
    char err[SUITE_ERR_LEN];
    (void)state;
    const int rc = read_text(&s,
                             "; comment\n# another\n[suite]\ndescription = all of it\n[matrix]\nmodels = synth:125m, a.gguf\n"
                             "formats = i2_s,\n  f16\nthreads = 1-4*2\nprompt = 16,128\ngen = 8\ndepth = 0, 64\nbatch = 32\n"
                             "embedding = q8_0\nkv = f32\nisa = c\nseed = 18446744073709551615\n[measure]\nwarmup = 2\nblock_s = "
                             "0.5\nblock_energy_s = 3\nrounds = 7\n"
                             "min_rounds = 4\nmax_rounds = 9\nrepeats = 0\nprecision = 3 %\ncontest_s = 2.5\ntimeout_s = "
                             "33\n[quality]\nmodels = q.gguf\nformats = f32\ntext = t.txt\n"
                             "window = 64\nwindows = 3\n",
                             err);
    if (rc)
        fail_msg("%s", err);
    assert_string_equal(s.description, "all of it");
    assert_int_equal(s.models.n, 2);
    assert_string_equal(s.models.v[1], "a.gguf");
    assert_int_equal(s.formats.n, 2);
    assert_string_equal(s.formats.v[1], "f16");
    assert_int_equal(s.threads.n, 3);
    assert_int_equal(s.prompt.v[1], 128);
    assert_int_equal(s.depth.n, 2);
    assert_int_equal(s.depth.v[1], 64);
    assert_int_equal(s.batch.v[0], 32);
    assert_string_equal(s.embedding, "q8_0");
    assert_int_equal(s.kv, KV_F32);
    assert_string_equal(s.isa, "c");
    assert_true(s.seed == UINT64_MAX);
    assert_int_equal(s.warmup, 2);
    assert_true(s.block_s == 0.5 && s.block_energy_s == 3);
    assert_int_equal(s.rounds, 7);
    assert_int_equal(s.min_rounds, 4);
    assert_int_equal(s.max_rounds, 9);
    assert_int_equal(s.repeats, 0);
    assert_true(s.precision == 0.03);
    assert_true(s.contest_s == 2.5);
    assert_true(s.timeout_s == 33);
    assert_string_equal(s.quality.text, "t.txt");
    assert_int_equal(s.quality.window, 64);
    assert_int_equal(s.quality.windows, 3);
    assert_int_equal(suite_check(&s, err), 0);
    suite_free(&s);
}

/* Every mistake: the line where it stands, and a word of the message. */
static void test_mistakes_have_a_line(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *says;
    } rows[] = {
        {"[matrix]\nmodel = x\n", 2, "model: unknown key in section [matrix]"},
        {"[suite]\ndescription = d\n\n# c\n[matrx]\nmodels = x\n", 6, "models: unknown key in section [matrx]"},
        {"threads = 1\n", 1, "threads: unknown key in section []"},
        {"[matrix]\nthreads = 1\nthreads = 2\n", 3, "threads: is given twice"},
        {"[matrix]\nkv = f16\n f32\n", 3, "kv: is given twice"},
        {"[matrix]\nthreads = 0\n", 2, "'0' is not a number from 1 to 1024"},
        {"[matrix]\nformats = i2_s, f17\n", 2, "'f17' is no weight format"},
        {"[matrix]\nkv = f64\n", 2, "'f64' is no KV cache type"},
        {"[matrix]\nisa = sse2\n", 2, "'sse2' is no instruction set"},
        {"[matrix]\nseed = -1\n", 2, "'-1' is not a whole number"},
        {"[matrix]\nembedding = huge\n", 2, "'huge' is no weight format"},
        {"[matrix]\nmodels =\n", 2, "models: has no value"},
        {"[matrix]\nmodels = a,,b\n", 2, "empty word"},
        {"[measure]\nrounds = five\n", 2, "'five' is not a whole number from 1 to"},
        {"[measure]\nblock_s = 0\n", 2, "'0' is not a number of seconds above 0"},
        {"[measure]\nprecision = 0%\n", 2, "'0%' is not a share above 0"},
        {"[measure]\nprecision = 2 %%\n", 2, "'2 %%' is not a share above 0"},
        {"[measure]\nprecision = 101%\n", 2, "'101%' is not a share above 0"},
        {"[measure]\ntimeout_s = 10s\n", 2, "'10s' is not a number of seconds"},
        {"[measure]\n\nwarmup\n[matrix]\nkv = f16\n", 3, "neither 'key = value'"},
        {"[quality]\nwindow = 1\n", 2, "'1' is not a whole number from 2 to"},
        {"[suite]\ndescription = \xff\xfe\n", 2, "not valid UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct suite s;
        char err[SUITE_ERR_LEN], where[64];
        if (read_text(&s, rows[i].text, err) != -EINVAL)
            fail_msg("row %zu was accepted", i);
        snprintf(where, sizeof where, "%s:%u: ", suite_path, rows[i].line);
        if (strncmp(err, where, strlen(where)) || !strstr(err, rows[i].says) || strchr(err, '\n'))
            fail_msg("row %zu: '%s' does not begin with '%s' or lacks '%s'", i, err, where, rows[i].says);
        suite_free(&s);
    }
}

static void test_long_line_is_refused(void **state)
{
    struct suite s;
    char err[SUITE_ERR_LEN], text[512] = "[suite]\ndescription = ";
    (void)state;
    memset(text + strlen(text), 'x', 300);
    text[322] = '\n';
    text[323] = 0;
    assert_int_equal(read_text(&s, text, err), -EINVAL);
    assert_non_null(strstr(err, ":2: line too long"));
    suite_free(&s);
}

static void test_missing_file(void **state)
{
    struct suite s;
    char err[SUITE_ERR_LEN];
    (void)state;
    suite_init(&s);
    assert_int_equal(suite_read(&s, "/nonexistent/x.ini", err), -ENOENT);
    assert_non_null(strstr(err, "/nonexistent/x.ini: No such file"));
    suite_free(&s);
}

static void test_overrides(void **state)
{
    struct suite s;
    char err[SUITE_ERR_LEN];
    (void)state;
    assert_int_equal(read_text(&s, "[matrix]\nthreads = 1,2\nformats = f16\n", err), 0);
    suite_begin_overrides(&s);
    assert_int_equal(suite_set(&s, "matrix", "threads", "3", err), 0);
    assert_int_equal(suite_set(&s, "matrix", "threads", "5", err), 0);
    assert_int_equal(s.threads.n, 2);
    assert_int_equal(s.threads.v[0], 3);
    assert_int_equal(s.threads.v[1], 5);
    assert_int_equal(s.formats.n, 1);
    assert_int_equal(suite_set(&s, "matrix", "formats", "nonsense", err), -EINVAL);
    suite_free(&s);
}

static void test_incomplete_suites(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"[suite]\ndescription = x\n", "no model"},
        {"[matrix]\nmodels = a\nformats = f16\nprompt = 8\n", "threads"},
        {"[matrix]\nmodels = a\nthreads = 1\nprompt = 8\n", "formats"},
        {"[matrix]\nmodels = a\nformats = f16\nthreads = 1\nprompt = 0\n", "nothing to run"},
        {"[quality]\nmodels = a\nformats = f16\n", "text"},
        {"[scenario]\nthreads = 2\nmemory_mb = 512\npriority = latency\n", "loads together"},
        {"[matrix]\nmodels = a\nformats = f16\n[scenario]\nthreads = 2\nmemory_mb = 512\npriority = latency\nloads = offline\n"
         "[external]\nname = x\ncommand = x\n",
         "do not go together"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct suite s;
        char err[SUITE_ERR_LEN];
        assert_int_equal(read_text(&s, rows[i].text, err), 0);
        assert_int_equal(suite_check(&s, err), -EINVAL);
        assert_non_null(strstr(err, rows[i].says));
        suite_free(&s);
    }
}

static void test_shipped_suites(void **state)
{
    static const char *const names[] = {"quick", "smoke", "tiny", "paper", "full", "threads", "depth", "batch"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct suite s;
        char path[64], err[SUITE_ERR_LEN] = "";
        snprintf(path, sizeof path, "configs/suites/%s.ini", names[i]);
        suite_init(&s);
        if (suite_read(&s, path, err) || suite_check(&s, err))
            fail_msg("%s", err);
        assert_string_equal(s.name, names[i]);
        suite_free(&s);
    }
}

/* ---- to the record and back ----------------------------------------------------------------------------------------- */

static void assert_same_values(const struct suite *s, const char *what)
{
    struct suite back;
    char err[SUITE_ERR_LEN] = "";
    json_t *values = suite_values(s);
    if (suite_from_values(&back, s->name, s->path, values, err))
        fail_msg("%s: %s", what, err);
    json_t *again = suite_values(&back);
    if (!json_equal(values, again))
        fail_msg("%s: %s became %s", what, json_dumps(values, 0), json_dumps(again, 0));
    json_decref(again);
    json_decref(values);
    suite_free(&back);
}

/* A run is taken up by the values in its header: all of every suite and scenario that ships. */
static void test_values_come_back(void **state)
{
    static const char *const paths[] = {"suites/quick",    "suites/full",      "suites/gate",      "suites/batch",
                                        "scenarios/cloud", "scenarios/mobile", "scenarios/server", "scenarios/edge"};
    struct suite s;
    char path[64], err[SUITE_ERR_LEN] = "";
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        snprintf(path, sizeof path, "configs/%s.ini", paths[i]);
        suite_init(&s);
        if (suite_read(&s, path, err))
            fail_msg("%s", err);
        if (!s.models.n) /* the gate's come from the command line */
            assert_int_equal(suite_set(&s, "matrix", "models", "synth:125m", err), 0);
        assert_same_values(&s, path);
        json_t *values = suite_values(&s);
        assert_int_equal(json_object_get(values, "scenario.loads") != NULL, s.scenario.threads > 0);
        assert_true(json_object_get(values, "matrix.seed") != NULL);
        json_decref(values);
        suite_free(&s);
    }
    assert_int_equal(read_text(&s,
                               "[matrix]\nmodels = a\nformats = f16\nthreads = 1\nprompt = 8\n[external]\nname = x\ncommand = y z\n"
                               "time = wall\n",
                               err),
                     0);
    assert_same_values(&s, "external");
    suite_free(&s);
}

/* ---- the keys' documentation ---------------------------------------------------------------------------------------- */

/* Calls `each` for every `name` in the first column of the tables of configs/README.md that stand below a line with `[section]`. */
static void documented(void (*each)(const char *section, const char *name, void *user), void *user)
{
    char line[4096], section[32] = "", *rest;
    FILE *f = fopen("configs/README.md", "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (!strncmp(line, "`[", 2))
            snprintf(section, sizeof section, "%.*s", (int)strcspn(line + 2, "]"), line + 2);
        else if (line[0] == '#')
            section[0] = 0;
        if (strncmp(line, "| `", 3) || !section[0])
            continue;
        line[2 + strcspn(line + 2, "|(")] = 0;
        bool quoted = false; /* what stands between two ` */
        for (char *part = strtok_r(line, "`", &rest); part; part = strtok_r(NULL, "`", &rest), quoted = !quoted)
            if (quoted)
                each(section, part, user);
    }
    fclose(f);
}

static void must_be_a_key(const char *section, const char *name, void *user)
{
    static const char *const of_others[] = {"gate", "ab", "metric NAME", "source"};
    unsigned *n = user;
    for (size_t i = 0; i < sizeof of_others / sizeof of_others[0]; i++)
        if (!strcmp(section, of_others[i]))
            return;
    if (!suite_key_find(section, name))
        fail_msg("configs/README.md has '%s' in [%s], which is no key", name, section);
    ++*n;
}

struct wanted {
    const struct suite_key *key;
    bool found;
};

static void find(const char *section, const char *name, void *user)
{
    struct wanted *w = user;
    w->found |= !strcmp(section, w->key->section) && !strcmp(name, w->key->name);
}

static void test_keys_are_documented(void **state)
{
    unsigned n = 0;
    (void)state;
    documented(must_be_a_key, &n);
    assert_int_equal(n, n_suite_keys);
    for (size_t i = 0; i < n_suite_keys; i++) {
        struct wanted w = {&suite_keys[i], false};
        documented(find, &w);
        if (!w.found)
            fail_msg("configs/README.md lacks '%s' of [%s]", w.key->name, w.key->section);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_lists),         cmocka_unit_test(test_bad_number_lists),
        cmocka_unit_test(test_list_size_is_bounded), cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_mistakes_have_a_line), cmocka_unit_test(test_long_line_is_refused),
        cmocka_unit_test(test_missing_file),         cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_incomplete_suites),    cmocka_unit_test(test_shipped_suites),
        cmocka_unit_test(test_values_come_back),     cmocka_unit_test(test_keys_are_documented),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
