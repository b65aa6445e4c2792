/* Gate files: every key, those that ship, and every mistake with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/gate_config.h"
#include "tests/assert_close.h"

static int read_text(const char *text, struct gate_config *g, char err[GATE_ERR_LEN])
{
    char path[] = "/tmp/gateXXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    gate_config_init(g);
    const int rc = gate_config_read(g, path, err);
    unlink(path);
    return rc;
}

static void test_gate_file(void **state)
{
    struct gate_config g;
    char err[GATE_ERR_LEN];
    (void)state;
    assert_int_equal(
        read_text("[gate]\ndescription = x\nalpha = 0.01\ninconclusive = warn\nsame_output = no\n[ab]\nsuite = gate\n"
                  "[count]\nmodel = synth:125m\nformats = i2_s, f16\ntokens = 8\n"
                  "[metric tokens_per_s]\ntolerance = 5%\nuse = inform\n[metric rss_peak_bytes]\ntolerance = 2 %\nrequired = no\n",
                  &g, err),
        0);
    assert_close(g.alpha, 0.01, 0);
    assert_true(g.warn_only && !g.same_output);
    assert_string_equal(g.suite, "gate");
    assert_int_equal(g.count_formats.n, 2);
    assert_int_equal(g.count_tokens, 8);
    assert_int_equal(g.n_metrics, 2);
    assert_true(g.metrics[0].inform && g.metrics[0].required && !g.metrics[1].inform && !g.metrics[1].required);
    assert_close(g.metrics[1].tolerance, 0.02, 1e-12);
    assert_ptr_equal(gate_config_metric(&g, compared_metric_find("rss_peak_bytes")), &g.metrics[1]);
    gate_config_free(&g);
}

/* The gates that are shipped. Tests run from the root of the tree. */
static void test_shipped_gates(void **state)
{
    static const char *const paths[] = {"configs/gates/baseline.ini", "configs/gates/ci.ini", "configs/gates/counts.ini"};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct gate_config g;
        char err[GATE_ERR_LEN] = "";
        gate_config_init(&g);
        if (gate_config_read(&g, paths[i], err))
            fail_msg("%s", err);
        assert_true(g.n_metrics >= 3);
        gate_config_free(&g);
    }
}

static void test_bad_gate_files(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"[gate]\nalpha = 2\n", ":2: alpha: '2' is not a number from 1e-06 to 0.5"},
        {"[gate]\nalpha = 0.05x\n", ":2: alpha: '0.05x'"},
        {"[gate]\nalfa = 0.05\n", ":2: alfa: unknown key in section [gate]"},
        {"[gate]\nalpha = 0.05\n\nalpha = 0.01\n", ":4: alpha: is given twice"},
        {"[gate]\nalpha =\n", ":2: alpha: has no value"},
        {"[gate]\ninconclusive = maybe\n", ":2: inconclusive: 'maybe' is neither 'warn' nor 'fail'"},
        {"[metric speed]\ntolerance = 3%\n", ":2: tolerance: [metric speed]: no such metric; there are: tokens_per_s"},
        {"[metric estimated_energy_pkg_j]\ntolerance = 3%\n",
         ":2: tolerance: [metric estimated_energy_pkg_j]: estimates are no measurement"},
        {"[metric tokens_per_s]\ntolerance = 3\n", ":2: tolerance: '3' is not a share"},
        {"[metric tokens_per_s]\ntolerance = -3%\n", ":2: tolerance: '-3%'"},
        {"[count]\ntokens = 1\n", ":2: tokens: '1' is not a whole number"},
        {"[count]\nformats = i2_s,,f16\n", ":2: formats: "},
        {"[gate]\nnonsense\n", ":2: neither 'key = value'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gate_config g;
        char err[GATE_ERR_LEN] = "";
        assert_true(read_text(rows[i].text, &g, err) < 0);
        if (!strstr(err, rows[i].message))
            fail_msg("row %zu: %s", i, err);
        gate_config_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate_file),
        cmocka_unit_test(test_shipped_gates),
        cmocka_unit_test(test_bad_gate_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
