/* Comparing and gating on made records: every verdict from data whose truth is known, what refuses to be compared, every output
 * format, and the rates of false alarms and of changes found. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/gate_out.h"
#include "harness/machine_keys.h"
#include "tests/assert_close.h"
#include "tests/made_record.h"

static const struct made_cell plain = {"125m/i2_s/q6_k/t1/tg32/d0/b1", 0.2, 0.01, 20, 1, 3.2e9};

struct judged {
    json_t *base, *fresh;
    struct comparison_table table;
    struct gate_config rules;
    struct gate_report report;
    int status;
};

/* Judges what base and fresh hold; fresh == base for arms. */
static void judge(struct judged *j)
{
    char err[GATE_ERR_LEN];
    assert_int_equal(comparison_make(j->base, j->fresh, j->rules.confidence, &j->table), 0);
    assert_int_equal(gate_judge(&j->rules, &j->table, j->base, j->fresh, &j->report, err), 0);
    j->status = gate_exit_status(&j->rules, &j->report);
}

static void begin(struct judged *j)
{
    memset(j, 0, sizeof *j);
    gate_config_init(&j->rules);
    j->base = made_record();
    j->fresh = made_record();
}

static void forget(struct judged *j)
{
    comparison_free(&j->table);
    gate_report_free(&j->report);
}

static void end(struct judged *j)
{
    forget(j);
    gate_config_free(&j->rules);
    json_decref(j->base);
    json_decref(j->fresh);
}

/* One cell on each side, the new one `slower` times as slow. */
static void two_cells(struct judged *j, double slower, double noise, size_t n)
{
    struct made_cell c = plain;
    c.noise = noise;
    c.n = n;
    begin(j);
    made_cell_add(j->base, &c);
    c.seed = 2;
    c.seconds *= slower;
    made_cell_add(j->fresh, &c);
}

static void test_verdicts(void **state)
{
    static const struct {
        double slower, noise;
        size_t n;
        enum gate_verdict verdict;
        int status;
        const char *reason;
    } rows[] = {
        {1.06, 0.01, 20, GATE_REGRESS, 1, "in cost, p = "},
        {1 / 1.06, 0.01, 20, GATE_IMPROVE, 0, "in cost, p = "},
        {1.00, 0.01, 20, GATE_PASS, 0, "equal within the tolerance"},
        {0.97, 0.01, 20, GATE_PASS, 0, "not worse than the tolerance"}, /* better by about the tolerance */
        {1.00, 0.15, 20, GATE_INCONCLUSIVE, 3, "values of each side would settle it"},
        {1.06, 0.01, 3, GATE_INCONCLUSIVE, 3, "too few values (3 and 3)"},
        {1.30, 0.001, 4, GATE_REGRESS, 1, "p = 0.0286"}, /* the least that can be significant */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct judged j;
        two_cells(&j, rows[i].slower, rows[i].noise, rows[i].n);
        judge(&j);
        assert_int_equal(j.report.n, 1);
        if (j.report.verdict != rows[i].verdict || !strstr(j.report.rows[0].reason, rows[i].reason))
            fail_msg("row %zu: %s: %s", i, gate_verdict_name(j.report.verdict), j.report.rows[0].reason);
        assert_int_equal(j.status, rows[i].status);
        assert_close(j.table.rows[0].ratio.value, 1 / rows[i].slower, 5 * rows[i].noise / sqrt((double)rows[i].n));
        end(&j);
    }
}

static void test_warn_only(void **state)
{
    struct judged j;
    (void)state;
    two_cells(&j, 1, 0.15, 20);
    j.rules.warn_only = true;
    judge(&j);
    assert_int_equal(j.report.verdict, GATE_INCONCLUSIVE);
    assert_int_equal(j.status, 0);
    assert_true(j.report.rows[0].rounds > 20);
    assert_true(j.report.rows[0].mde > 0.05);
    end(&j);
}

/* Many comparisons: one p of 0.03 among twenty is no regression. */
static void test_holm_over_the_table(void **state)
{
    struct judged j;
    struct made_cell c = plain;
    char id[32];
    (void)state;
    begin(&j);
    c.n = 4;
    c.noise = 0.001;
    for (int i = 0; i < 20; i++) {
        snprintf(id, sizeof id, "cell%d", i);
        c.id = id;
        c.seconds = 0.2;
        c.seed++;
        made_cell_add(j.base, &c);
        c.seconds = i ? 0.2 : 0.3;
        c.seed++;
        made_cell_add(j.fresh, &c);
    }
    judge(&j);
    assert_close(j.table.rows[0].p, 2.0 / 70, 1e-9);
    assert_close(j.report.rows[0].p_holm, 20 * 2.0 / 70, 1e-9);
    assert_int_equal(j.report.rows[0].verdict, GATE_INCONCLUSIVE);
    assert_non_null(strstr(j.report.rows[0].reason, "of so many comparisons"));
    end(&j);
}

/* Rounds: 10 % of noise that both sides share hides nothing, and void blocks count for nothing. */
static void test_paired_arms(void **state)
{
    struct judged j;
    (void)state;
    begin(&j);
    made_arms_add(j.base, &plain, 0.1, 1.05);
    json_t *arm = json_array_get(json_object_get(j.base, "cells"), 1), *block = json_array_get(json_object_get(arm, "blocks"), 3);
    json_object_set_new(block, "time_s", json_real(1000));
    json_object_set_new(block, "void", json_string("migrated"));
    json_decref(j.fresh);
    j.fresh = json_incref(j.base);
    judge(&j);
    assert_true(comparison_has_arms(j.base));
    assert_true(j.table.rows[0].paired);
    assert_int_equal(j.table.rows[0].n_base, 19);
    assert_string_equal(j.table.rows[0].cell, plain.id);
    assert_close(j.table.rows[0].ratio.value, 1 / 1.05, 0.01);
    assert_int_equal(j.report.verdict, GATE_REGRESS);
    assert_string_equal(j.table.rows[1].metric->name, "bytes_per_token"); /* of arms too, one value per side */
    assert_string_equal(j.table.rows[1].reason, "");
    assert_close(j.table.rows[1].base[0], 1e8, 0);
    end(&j);
}

/* Rounds that only one side has, and another order on the other side. */
static void test_rounds_are_matched(void **state)
{
    struct judged j;
    (void)state;
    begin(&j);
    made_arms_add(j.base, &plain, 0.5, 1.05);
    json_t *cells = json_object_get(j.base, "cells");
    json_t *blocks = json_object_get(json_array_get(cells, 1), "blocks"), *turned = json_array();
    for (size_t i = json_array_size(blocks); i-- > 2;)
        json_array_append(turned, json_array_get(blocks, i));
    json_object_set_new(json_array_get(cells, 1), "blocks", turned);
    json_array_remove(json_object_get(json_array_get(cells, 0), "blocks"), 10);
    json_decref(j.fresh);
    j.fresh = json_incref(j.base);
    judge(&j);
    assert_int_equal(j.table.rows[0].n_base, 17);
    assert_close(j.table.rows[0].ratio.value, 1 / 1.05, 0.01);
    end(&j);
}

static void test_exact_metrics(void **state)
{
    struct judged j;
    (void)state;
    for (int k = 0; k < 3; k++) {
        static const enum gate_verdict want[] = {GATE_REGRESS, GATE_IMPROVE, GATE_PASS};
        struct made_cell c = plain;
        begin(&j);
        j.rules.metrics[0] = (struct gate_metric){compared_metric_find("bytes_per_token"), k == 2 ? 0.01 : 0, false, true};
        made_cell_add(j.base, &c);
        c.bytes += k == 1 ? -32 : 32; /* one byte per token */
        made_cell_add(j.fresh, &c);
        judge(&j);
        assert_int_equal(j.report.verdict, want[k]);
        assert_true(isnan(j.report.rows[0].p_holm));
        end(&j);
    }
}

static void test_failed_skipped_missing(void **state)
{
    static const struct {
        const char *status, *reason;
        enum gate_verdict verdict;
        int exit;
    } rows[] = {{"failed", "killed by signal 11", GATE_FAILED, 4}, {"skipped", "needs 40 GB", GATE_INCONCLUSIVE, 3}};
    struct judged j;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        two_cells(&j, 1, 0.01, 20);
        json_t *cell = json_array_get(json_object_get(j.fresh, "cells"), 0);
        json_object_set_new(cell, "status", json_string(rows[i].status));
        json_object_set_new(cell, "reason", json_string(rows[i].reason));
        judge(&j);
        assert_int_equal(j.report.verdict, rows[i].verdict);
        assert_int_equal(j.status, rows[i].exit);
        assert_non_null(strstr(j.report.rows[0].reason, rows[i].reason));
        end(&j);
    }
    two_cells(&j, 1, 0.01, 20);
    json_array_clear(json_object_get(j.fresh, "cells"));
    judge(&j);
    assert_int_equal(j.report.verdict, GATE_INCONCLUSIVE);
    assert_string_equal(j.report.rows[0].reason, "only in base");
    end(&j);
}

static void test_missing_metric(void **state)
{
    struct judged j;
    (void)state;
    two_cells(&j, 1, 0.01, 20);
    j.rules.metrics[1] = (struct gate_metric){compared_metric_find("joules_per_token"), 0.05, false, true};
    j.rules.n_metrics = 2;
    judge(&j);
    assert_int_equal(j.report.verdict, GATE_INCONCLUSIVE);
    assert_int_equal(j.report.n, 2);
    forget(&j);
    j.rules.metrics[1].required = false;
    judge(&j);
    assert_int_equal(j.report.verdict, GATE_PASS);
    end(&j);
}

/* joules per token: gated when measured, refused when estimated, no comparison when void. */
static void test_energy(void **state)
{
    struct judged j;
    char err[GATE_ERR_LEN] = "";
    (void)state;
    two_cells(&j, 1, 0.01, 20);
    j.rules.metrics[0] = (struct gate_metric){compared_metric_find("joules_per_token"), 0.05, false, true};
    json_t *sides[] = {j.base, j.fresh};
    for (int s = 0; s < 2; s++) {
        json_t *cell = json_array_get(json_object_get(sides[s], "cells"), 0), *joules = json_array();
        for (uint64_t i = 0; i < 20; i++)
            json_array_append_new(joules, json_real((s ? 12 : 10) * exp(0.01 * made_normal(7 + (uint64_t)s, i))));
        json_object_set_new(cell, "energy_samples_j", joules);
        json_array_append_new(json_object_get(cell, "metrics"),
                              json_pack("{s:s, s:f, s:s}", "name", "joules_per_token", "value", 0.3, "status", "measured"));
    }
    judge(&j);
    assert_int_equal(j.report.verdict, GATE_REGRESS);
    assert_close(j.table.rows[1].ratio.value, 1.2, 0.02);
    forget(&j);
    json_t *metrics = json_object_get(json_array_get(json_object_get(j.fresh, "cells"), 0), "metrics"),
           *joule = json_array_get(metrics, 1);
    json_object_set_new(joule, "status", json_string("estimated"));
    assert_int_equal(comparison_make(j.base, j.fresh, 0.95, &j.table), 0);
    assert_int_equal(gate_judge(&j.rules, &j.table, j.base, j.fresh, &j.report, err), -EINVAL);
    assert_non_null(strstr(err, "is an estimate"));
    comparison_free(&j.table);
    json_object_set_new(joule, "value", json_null());
    json_object_set_new(joule, "status", json_string("unavailable"));
    json_object_set_new(joule, "reason", json_string("void: another program ran"));
    judge(&j);
    assert_int_equal(j.report.verdict, GATE_INCONCLUSIVE);
    assert_string_equal(j.report.rows[0].reason, "new: void: another program ran");
    end(&j);
}

static void test_unfit_machine(void **state)
{
    struct judged j;
    (void)state;
    two_cells(&j, 1.2, 0.01, 20);
    json_array_append_new(json_object_get(j.fresh, "warnings"),
                          json_pack("{s:s, s:s, s:s}", "severity", "block", "check", "load", "message", "load 7.3"));
    judge(&j);
    assert_true(j.report.unfit);
    assert_int_equal(j.report.verdict, GATE_INCONCLUSIVE);
    assert_int_equal(j.status, 3);
    end(&j);
}

static void test_other_output(void **state)
{
    struct judged j;
    (void)state;
    two_cells(&j, 1, 0.01, 20);
    json_object_set_new(json_array_get(json_object_get(j.fresh, "cells"), 0), "output_sha256", json_string("cd34"));
    judge(&j);
    assert_int_equal(j.report.verdict, GATE_REGRESS);
    assert_non_null(strstr(j.report.rows[1].reason, "other tokens than the base"));
    forget(&j);
    j.rules.same_output = false;
    judge(&j);
    assert_int_equal(j.report.verdict, GATE_PASS);
    end(&j);
}

static void test_inform_has_no_say(void **state)
{
    struct judged j;
    (void)state;
    two_cells(&j, 1.5, 0.01, 20);
    j.rules.metrics[0].inform = true;
    judge(&j);
    assert_int_equal(j.report.rows[0].verdict, GATE_REGRESS);
    assert_int_equal(j.report.verdict, GATE_PASS);
    end(&j);
}

/* 400 gates each: of equal sides, of one 5 % slower, with 20 rounds and 2 % of noise in a round. Seeded. */
static void test_rates(void **state)
{
    enum { RUNS = 400 };
    int alarms = 0, found = 0, passed = 0;
    (void)state;
    for (uint64_t k = 0; k < RUNS; k++)
        for (int slower = 0; slower < 2; slower++) {
            struct judged j;
            struct made_cell c = plain;
            c.seed = 10000 * k + 17;
            c.noise = 0.02 / sqrt(2);
            begin(&j);
            made_arms_add(j.base, &c, 0.1, slower ? 1.055 : 1);
            json_decref(j.fresh);
            j.fresh = json_incref(j.base);
            judge(&j);
            alarms += !slower && j.report.verdict == GATE_REGRESS;
            passed += !slower && j.report.verdict == GATE_PASS;
            found += slower && j.report.verdict == GATE_REGRESS;
            end(&j);
        }
    print_message("of %d: %d false alarms, %d equal ones passed, %d of 5.5 %% found\n", RUNS, alarms, passed, found);
    assert_int_equal(alarms, 0);
    assert_true(passed > 0.95 * RUNS);
    assert_true(found > 0.95 * RUNS);
}

/* ---- machines -------------------------------------------------------------------------------------------------------- */

static void test_machine_keys(void **state)
{
    struct machine_difference d[MACHINE_KEYS_MAX];
    struct judged j;
    (void)state;
    two_cells(&j, 1, 0.01, 20);
    assert_int_equal(machine_differences(j.base, j.fresh, d), 0);
    json_t *host = json_object_get(j.fresh, "host");
    json_object_set_new(host, "kernel", json_string("Linux 6.12.1-other")); /* the same major number */
    json_object_set_new(json_object_get(j.fresh, "tool"), "commit", json_string("def5678"));
    assert_int_equal(machine_differences(j.base, j.fresh, d), 0);
    json_object_set_new(host, "kernel", json_string("Linux 5.10.0-old"));
    json_object_set_new(host, "governor", json_string("powersave"));
    json_object_set_new(json_object_get(j.fresh, "build"), "cflags", json_string("-O0"));
    json_object_set_new(json_array_get(json_object_get(j.fresh, "inputs"), 0), "sha256", json_string("11ee"));
    json_object_set_new(json_array_get(json_object_get(j.fresh, "cells"), 0), "cpus", json_string("1"));
    assert_int_equal(machine_differences(j.base, j.fresh, d), 5);
    assert_string_equal(d[0].key, "governor");
    assert_string_equal(d[0].base, "unknown");
    assert_string_equal(d[0].fresh, "powersave");
    assert_string_equal(d[1].key, "kernel");
    assert_string_equal(d[1].base, "Linux 6");
    assert_string_equal(d[2].key, "build");
    assert_string_equal(d[3].key, "model");
    assert_string_equal(d[4].key, "cpus");
    for (size_t i = 0; i < 5; i++)
        assert_true(machine_key_known(d[i].key));
    assert_false(machine_key_known("gover"));
    assert_false(machine_key_known(""));
    end(&j);
}

/* ---- outputs --------------------------------------------------------------------------------------------------------- */

static char *printed(gate_print *print, const struct gate_report *r, bool warn_only)
{
    char *text = NULL;
    size_t len;
    const struct gate_names names = {"old", "new", 0.05, warn_only};
    FILE *f = open_memstream(&text, &len);
    print(r, &names, f);
    fclose(f);
    return text;
}

static void assert_prints(gate_print *print, const struct gate_report *r, bool warn_only, const char *part)
{
    char *text = printed(print, r, warn_only);
    if (!strstr(text, part))
        fail_msg("no '%s' in:\n%s", part, text);
    free(text);
}

static void test_outputs(void **state)
{
    struct judged j;
    struct made_cell c = plain;
    (void)state;
    two_cells(&j, 1.06, 0.01, 20);
    c.id = "a|b<c>&\"d\"";
    c.noise = 0.2;
    made_cell_add(j.base, &c);
    c.seed = 9;
    made_cell_add(j.fresh, &c);
    judge(&j);
    assert_prints(gate_print_text, &j.report, false,
                  "gate: regress\nnew against old: 1 regress, 0 improve, 0 pass, 1 inconclusive, 0 failed\n");
    assert_prints(gate_print_markdown, &j.report, false, "### bitjoule gate: **regress**");
    assert_prints(gate_print_markdown, &j.report, false, "a\\|b<c>&\"d\"");
    assert_prints(gate_print_junit, &j.report, false, "tests=\"2\" failures=\"2\" errors=\"0\" skipped=\"0\"");
    assert_prints(gate_print_junit, &j.report, true, "tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"1\"");
    assert_prints(gate_print_junit, &j.report, false, "name=\"a|b&lt;c&gt;&amp;&quot;d&quot;\"");
    assert_prints(gate_print_junit, &j.report, false, "<failure type=\"regress\" message=\"");
    assert_prints(gate_print_annotations, &j.report, true, "::error title=bitjoule gate: regress::tokens_per_s of 125m");
    assert_prints(gate_print_annotations, &j.report, true, "::warning title=bitjoule gate: inconclusive::");
    assert_prints(gate_print_annotations, &j.report, false, "%25 in cost"); /* % escaped */
    end(&j);
}

static void test_json_outputs(void **state)
{
    struct judged j;
    json_error_t why;
    (void)state;
    two_cells(&j, 1.06, 0.01, 20);
    judge(&j);
    char *text = printed(gate_print_json, &j.report, false);
    json_t *root = json_loads(text, 0, &why);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "verdict")), "regress");
    const json_t *row = json_array_get(json_object_get(root, "rows"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "cell")), plain.id);
    assert_true(json_is_number(json_object_get(row, "minimum_detectable")));
    json_decref(root);
    free(text);
    text = printed(gate_print_benchmark_action, &j.report, false);
    root = json_loads(text, 0, &why);
    assert_int_equal(json_array_size(root), 1);
    const json_t *entry = json_array_get(root, 0);
    assert_string_equal(json_string_value(json_object_get(entry, "unit")), "s");
    assert_close(json_number_value(json_object_get(entry, "value")), 0.2 * 1.06 / 32,
                 0.01); /* seconds per token: smaller is better */
    json_decref(root);
    free(text);
    end(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_warn_only),
        cmocka_unit_test(test_holm_over_the_table),
        cmocka_unit_test(test_paired_arms),
        cmocka_unit_test(test_rounds_are_matched),
        cmocka_unit_test(test_exact_metrics),
        cmocka_unit_test(test_failed_skipped_missing),
        cmocka_unit_test(test_missing_metric),
        cmocka_unit_test(test_energy),
        cmocka_unit_test(test_unfit_machine),
        cmocka_unit_test(test_other_output),
        cmocka_unit_test(test_inform_has_no_say),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_machine_keys),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_json_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
