/* The rules around a window: attribution, idle baseline, an external meter's file, and the estimates that publications print. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/plan.h"
#include "profiles/energy.h"
#include "profiles/energy_attribution.h"
#include "profiles/energy_baseline.h"
#include "profiles/energy_counter.h"
#include "profiles/energy_estimate.h"
#include "profiles/energy_power.h"
#include "tests/energy_fixture.h"

/* ---- estimates ---- */

/* The six energies of arXiv 2504.12285, Table 1, as printed: one forward pass of 512 tokens, attention without the causal saving,
 * 7 nm. They follow from the shapes alone, so they are no measurement. */
#define SHAPE(layers, hidden, ffn, heads, kv_heads, dim)                                                                      \
    {                                                                                                                         \
        .n_layer = (layers), .n_embd = (hidden), .n_ff = (ffn), .n_head = (heads), .n_head_kv = (kv_heads), .head_dim = (dim) \
    }
static void published_estimates_are_reproduced(void **state)
{
    (void)state;
    static const struct {
        const char *model, *printed;
        struct hparams shape;
        enum arith_linear linear;
    } rows[] = {
        {"LLaMA 3.2 1B", "0.258", SHAPE(16, 2048, 8192, 32, 8, 64), ARITH_LINEAR_FP16},
        {"Gemma-3 1B", "0.186", SHAPE(26, 1152, 6912, 4, 1, 256), ARITH_LINEAR_FP16},
        {"Qwen2.5 1.5B", "0.347", SHAPE(28, 1536, 8960, 12, 2, 128), ARITH_LINEAR_FP16},
        {"SmolLM2 1.7B", "0.425", SHAPE(24, 2048, 8192, 32, 32, 64), ARITH_LINEAR_FP16},
        {"MiniCPM 2B", "0.649", SHAPE(40, 2304, 5760, 36, 36, 64), ARITH_LINEAR_FP16},
        {"BitNet b1.58 2B", "0.028", SHAPE(30, 2560, 6912, 20, 5, 128), ARITH_LINEAR_TERNARY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const double tokens = 512;
        const struct hparams *hp = &rows[i].shape;
        const struct arith_shape s = {.layers = (double)hp->n_layer, .heads = (double)hp->n_head, .head_dim = (double)hp->head_dim};
        const double j =
            arith_energy_j(rows[i].linear, tokens * plan_linear_params(hp), arith_attention_macs(&s, tokens, tokens), ARITH_7NM);
        char text[16];
        snprintf(text, sizeof text, "%.3f", j);
        if (strcmp(text, rows[i].printed) != 0)
            fail_msg("%s: %s J, printed %s J", rows[i].model, text, rows[i].printed);
    }
}

/* "71.4 times" of arXiv 2402.17764 is the ratio of three constants. */
static void published_ratio_is_a_ratio_of_constants(void **state)
{
    (void)state;
    const double fp16 = arith_energy_j(ARITH_LINEAR_FP16, 1e9, 0, ARITH_7NM),
                 ternary = arith_energy_j(ARITH_LINEAR_TERNARY, 1e9, 0, ARITH_7NM);
    assert_true(fabs(fp16 / ternary - 71.43) < 0.01);
    assert_true(fabs(arith_energy_j(ARITH_LINEAR_INT8, 1e12, 0, ARITH_7NM) - 0.077) < 1e-12);
    assert_true(fabs(arith_energy_j(ARITH_LINEAR_FP32, 1e12, 0, ARITH_45NM) - 4.6) < 1e-12);
    assert_true(fabs(arith_energy_j(ARITH_LINEAR_TERNARY, 1e12, 1e12, ARITH_45NM) - 1.53) < 1e-12);
    assert_true(fabs(proxy_energy_j(3, 4) - 150) < 1e-9); /* 3 CPU seconds on 4 CPUs at 200 W */
}

/* ---- attribution ---- */

static size_t window_metrics(struct metric *m, double others_s, double steal_s, double psi_io_s)
{
    metric_set(&m[0], "energy_pkg_j", "J", METRIC_MEASURED, 100, "powercap");
    metric_set(&m[1], "power_pkg_w", "W", METRIC_DERIVED, 10, "powercap");
    metric_set(&m[2], "energy_quantisation", "1", METRIC_DERIVED, 0.001, "powercap");
    metric_set(&m[3], "rss_peak_bytes", "bytes", METRIC_MEASURED, 5, "x");
    metric_set(&m[4], "cpu_others_s", "s", METRIC_DERIVED, others_s, "x");
    metric_set(&m[5], "steal_s", "s", METRIC_MEASURED, steal_s, "x");
    metric_set(&m[6], "psi_io_some_s", "s", METRIC_MEASURED, psi_io_s, "x");
    metric_unavailable(&m[7], "psi_cpu_some_s", "s", "x", "no pressure file");
    return 8;
}

static void foreign_load_voids_a_window(void **state)
{
    (void)state;
    static const struct {
        double others_s, steal_s, psi_io_s;
        const char *reason; /* NULL: fine */
    } rows[] = {
        {1.9, 0, 0, NULL}, /* 10 s on 4 CPUs: 5 % is 2 s */
        {2.2, 0, 0, "other programs used 5.5 % of the CPUs"},
        {0, 0.2, 0, NULL},
        {0, 0.4, 0, "the hypervisor took 1.0 % of the CPUs"},
        {0, 0, 2.4, NULL},
        {0, 0, 2.6, "waited for the disk 26.0 %"},
        {(double)NAN, 0, 0, NULL}, /* not known: nothing to hold against it */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct metric m[12];
        size_t n = window_metrics(m, rows[i].others_s, rows[i].steal_s, rows[i].psi_io_s);
        n = energy_attribute(m, n, 12, 10, 4);
        assert_int_equal(n, rows[i].reason ? 9 : 8);
        assert_int_equal(m[0].status, rows[i].reason ? METRIC_UNAVAILABLE : METRIC_MEASURED);
        assert_int_equal(m[1].status, rows[i].reason ? METRIC_UNAVAILABLE : METRIC_DERIVED);
        assert_int_equal(m[2].status, METRIC_DERIVED);
        assert_int_equal(m[3].status, METRIC_MEASURED);
        if (!rows[i].reason)
            continue;
        assert_true(isnan(m[0].value) && isnan(m[1].value));
        assert_non_null(strstr(m[0].reason, rows[i].reason));
        assert_string_equal(m[8].name, "energy_void_j");
        assert_true(fabs(m[8].value - 100) < 1e-12);
        assert_non_null(strstr(m[8].reason, "void"));
    }
    struct metric m[12];
    metric_set(&m[0], "cpu_others_s", "s", METRIC_DERIVED, 50, "x");
    metric_unavailable(&m[1], "energy_pkg_j", "J", "x", "no source");
    assert_int_equal(energy_attribute(m, 2, 12, 10, 4), 2); /* nothing to void: the first reason stays */
    assert_string_equal(m[1].reason, "no source");
}

/* What was derived does not become measured by being void. */
static void void_joules_keep_their_status(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct metric m[12];
        const size_t n = window_metrics(m, 2.2, 0, 0);
        m[0].status = k ? METRIC_DERIVED : METRIC_MEASURED;
        assert_int_equal(energy_attribute(m, n, 12, 10, 4), 9);
        assert_string_equal(m[8].name, "energy_void_j");
        assert_int_equal(m[8].status, k ? METRIC_DERIVED : METRIC_MEASURED);
    }
}

static void load_belongs_to_the_machine_of_the_tree(void **state)
{
    (void)state;
    assert_true(energy_attribution_applies(&(struct probe_env){.sysfs = NULL}));
    assert_true(energy_attribution_applies(&(struct probe_env){.sysfs = "/a", .procfs = "/b"}));
    assert_false(energy_attribution_applies(&(struct probe_env){.sysfs = "/a"}));
    assert_false(energy_attribution_applies(&(struct probe_env){.procfs = "/b"}));
}

/* ---- baseline ---- */

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b);
}

static void net_carries_both_intervals(void **state)
{
    (void)state;
    const struct energy_baseline b = {.joules = {10, 12, 22, 20}, .seconds = {1, 1, 2, 2}, .n = 4};
    const struct energy_interval idle = energy_baseline_watts(&b);
    assert_true(near(idle.value, 64.0 / 6) && near(idle.lo, 10) && near(idle.hi, 12));
    assert_true(near(energy_baseline_confidence(&b), 0.875));
    const struct energy_interval gross = energy_gross(200, 0.005), net = energy_net(gross, idle, 5);
    assert_true(near(gross.lo, 199) && near(gross.hi, 201));
    assert_true(near(net.value, 200 - 5 * 64.0 / 6) && near(net.lo, 199 - 60) && near(net.hi, 201 - 50));
    const struct energy_baseline one = {.joules = {10}, .seconds = {1}, .n = 1};
    assert_true(isnan(energy_baseline_watts(&one).value) && isnan(energy_net(gross, energy_baseline_watts(&one), 5).value));
    json_t *list = energy_baseline_json(&b);
    struct energy_baseline back = {.n = 0};
    assert_true(energy_baseline_from_json(list, &back));
    assert_int_equal(back.n, 4);
    assert_true(near(back.joules[2], 22) && near(back.seconds[3], 2));
    json_array_append_new(list, json_pack("{s:f, s:f}", "joules", 1.0, "seconds", 0.0));
    assert_false(energy_baseline_from_json(list, &back));
    assert_false(energy_baseline_from_json(NULL, &back));
    json_decref(list);
}

/* Idle 20 W, work 65 W, idle again. */
static void baseline_of_a_simulated_machine(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const int z = sim_zone(s, "intel-rapl:0", "package-0", 65532610987, 0);
    struct energy_baseline b = {.n = 0};
    sim_power(s, z, 20, 20, 0);
    sim_noise(s, z, 0.1);
    struct energy_run r = energy_run_open(s, NULL);
    energy_baseline_measure(r.state, 80, &b);
    assert_int_equal(b.n, ENERGY_BASELINE_WINDOWS);
    sim_power(s, z, 65, 65, 0);
    energy_run_start(&r);
    const double before = sim_joules(s, z);
    energy_run_idle(&r, 10, 1);
    energy_run_stop(&r);
    const double truth = sim_joules(s, z) - before - 200;
    double joules, seconds;
    char reason[METRIC_REASON_LEN] = "";
    assert_true(energy_headline_joules(r.state, &joules, &seconds, reason));
    const struct energy_interval gross = energy_gross(joules, energy_quantisation(r.state));
    sim_power(s, z, 20, 20, 0);
    energy_baseline_measure(r.state, 80, &b);
    const struct energy_interval idle = energy_baseline_watts(&b), net = energy_net(gross, idle, seconds);
    assert_int_equal(b.n, 8);
    assert_true(fabs(idle.value - 20) < 0.05 && idle.lo < 20 && idle.hi > 20);
    assert_true(fabs(net.value - 450) < 5 && net.lo < truth && net.hi > truth);
    sim_power(s, z, 0, 0, 0);
    sim_vanish(s, z);
    energy_baseline_measure(r.state, 4, &b);
    assert_int_equal(b.n, 8);
    assert_non_null(strstr(b.reason, "unreadable"));
    energy_run_close(&r);
    sim_free(s);
}

/* A machine whose other programs take a share of all CPUs from load_from_s on. */
static struct sim *load_sim;
static double load_from_s, load_share;
static void sleep_under_load(double s)
{
    const double ticks_per_s = 100.0 * (double)sysconf(_SC_NPROCESSORS_ONLN);
    sim_clock(load_sim)->sleep_s(s);
    sim_write(load_sim, "proc/stat", "cpu  %.0f 0 0 0 0 0 0 0 0 0\n",
              load_share * ticks_per_s * fmax(0, sim_time_s(load_sim) - load_from_s));
}

static void foreign_load_voids_idle_windows(void **state)
{
    (void)state;
    static const struct {
        double from_s, share;
        size_t windows;
        const char *reason;
    } rows[] = {{0, 0.04, 4, ""}, {0, 0.4, 0, "idle window void: other programs used 40"}, {45, 0.4, 2, "other programs used"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sim *s = sim_new();
        sim_power(s, sim_zone(s, "intel-rapl:0", "package-0", 65532610987, 0), 20, 20, 0);
        struct energy_seam seam = *sim_clock(s);
        seam.sleep_s = sleep_under_load;
        load_sim = s;
        load_from_s = rows[i].from_s;
        load_share = rows[i].share;
        sim_write(s, "proc/stat", "cpu  0 0 0 0 0 0 0 0 0 0\n");
        struct energy_run r = energy_run_open_with(s, NULL, &seam);
        struct energy_baseline b = {.n = 0};
        energy_baseline_measure(r.state, 80, &b);
        assert_int_equal(b.n, rows[i].windows);
        assert_non_null(strstr(b.reason, rows[i].reason));
        assert_int_equal(b.reason[0] != '\0', rows[i].reason[0] != '\0');
        energy_run_close(&r);
        sim_free(s);
    }
}

static void baseline_without_a_source_takes_no_time(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    struct energy_run r = energy_run_open(s, NULL);
    struct energy_baseline b = {.n = 0};
    const double before_s = sim_time_s(s);
    energy_baseline_measure(r.state, 80, &b);
    assert_true(sim_time_s(s) - before_s < 0.01);
    assert_int_equal(b.n, 0);
    assert_string_equal(b.reason, energy_why_not(r.state));
    assert_non_null(strstr(b.reason, "no powercap tree"));
    energy_run_close(&r);
    sim_free(s);
}

/* ---- an external meter's file ---- */

static struct energy_run open_meter(struct sim *s, const char *option)
{
    static char source[160];
    snprintf(source, sizeof source, "meter:%s/meter.csv%s", sim_root(s), option);
    return energy_run_open(s, source);
}

/* Rows from t0 to t1: power 100 W + 10 W per second, every dt. */
static void write_meter(struct sim *s, const char *head, double t0, double t1, double dt, double shift)
{
    char text[16384];
    size_t n = (size_t)snprintf(text, sizeof text, "%s", head);
    for (int i = 0; t0 + i * dt <= t1; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%.6f,%.6f\n", t0 + i * dt + shift, 100 + 10 * (t0 + i * dt));
    sim_write(s, "meter.csv", "%s", text);
}

/* Joules of that ramp between two times of the simulated clock. */
static double ramp_j(double a, double b)
{
    return 100 * (b - a) + 5 * (b * b - a * a);
}

static void meter_window(struct energy_run *r, double begin_s, double seconds, double *truth)
{
    sim_sleep(r->sim, begin_s - sim_time_s(r->sim));
    energy_run_start(r);
    const double a = sim_time_s(r->sim);
    energy_run_idle(r, seconds, seconds);
    *truth = ramp_j(a, sim_time_s(r->sim));
    energy_run_stop(r);
}

static void meter_file_is_cut_to_the_window(void **state)
{
    (void)state;
    static const char *const options[] = {"", ",offset=-3600.5"};
    static const char *const heads[] = {"time,watts\n", "# a meter\n"};
    for (int k = 0; k < 2; k++) {
        struct sim *s = sim_new();
        double truth;
        write_meter(s, heads[k], 0.03, 40, 0.25, k ? 3600.5 : 0);
        struct energy_run r = open_meter(s, options[k]);
        meter_window(&r, 10.1, 5.3, &truth);
        energy_check(&r, "energy_board_j", truth, 1e-4);
        assert_int_equal(energy_find(&r, "energy_board_j")->status, METRIC_DERIVED);
        assert_string_equal(energy_find(&r, "energy_board_j")->source, "external meter: meter meter.csv");
        energy_check_lost(&r, "energy_pkg_j", "see energy_board_j");
        energy_run_close(&r);
        sim_free(s);
    }
    struct sim *s = sim_new(); /* other columns, other units, dates */
    sim_write(s, "meter.csv",
              "volts;power_mw;timestamp\n230;5000;1970-01-01T00:00:01Z\n230;5000;1970-01-01T00:00:02.5Z\n"
              "230;5000;1970-01-01T00:00:04Z\n230;7000;1970-01-01T00:00:05Z\n230;7000;1970-01-01T00:00:06Z\n230;7000;1970-01-01T00:"
              "00:09Z\n");
    struct energy_run r = open_meter(s, "");
    double unused;
    meter_window(&r, 2, 4.5, &unused);
    energy_check(&r, "energy_board_j", 5 * 2 + 6 + 7 * 1.5, 1e-3);
    energy_run_close(&r);
    sim_free(s);
}

static void meter_file_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } rows[] = {
        {"", "holds no reading yet"},
        {"5,10\n6,10\n7,10\n8,10\n9,10\n", "the first reading is later than the start"},
        {"0,10\n1,10\n2,10\n3,10\n", "before the end of the window"},
        {"0,10\n3,10\n4,10\n5,10\n6,10\n13,10\n", "no reading for 7 s"},
        {"0,10\n4,10\n9,10\n", "only 1 readings"},
        {"0,10\n4,-10\n", "meter.csv:2: -10 W is no possible power"},
        {"0,10\n4,10\n4,10\n", "meter.csv:3: the time does not go on"},
        {"0,10\nyesterday,10\n", "meter.csv:2: expected time,watts"},
        {"0,10\n4\n", "meter.csv:2: expected time,watts"},
        {"0,10\n4,10 W\n", "meter.csv:2: expected time,watts"},
        {"0,nan\n", "meter.csv:1: expected time,watts"},
        {"when,what\n", "meter.csv:1: expected time,watts"},
        {"0;10\n4;42,5\n", "meter.csv:2: expected time,watts with decimal points"},
        {"0;10\n4,25;42,5\n", "meter.csv:2: expected time,watts with decimal points"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sim *s = sim_new();
        double unused;
        sim_write(s, "meter.csv", "%s", rows[i].text);
        struct energy_run r = open_meter(s, "");
        meter_window(&r, 2, 5, &unused);
        energy_check_lost(&r, "energy_board_j", rows[i].reason);
        energy_run_close(&r);
        sim_free(s);
    }
    struct sim *s = sim_new();
    struct energy_run r = open_meter(s, "");
    energy_run_window(&r, 2, 2);
    energy_check_lost(&r, "energy_pkg_j", "No such file");
    energy_run_close(&r);
    sim_write(s, "meter.csv", "0,10\n");
    r = open_meter(s, ",offset=x");
    energy_run_window(&r, 2, 2);
    energy_check_lost(&r, "energy_pkg_j", "offset=SECONDS");
    energy_run_close(&r);
    sim_free(s);
}

/* The file is read, and waited for, once per window and not once per metric. */
static void meter_file_is_waited_for_once(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
        double wait_s;
    } rows[] = {
        {"0,10\n1,10\n2,10\n3,10\n", "before the end of the window", 3},
        {"0,10\n1,ten\n", "meter.csv:2: expected time,watts", 0},
        {"0,10\n9,10\n", "no reading for 9 s", 0},
        {NULL, "No such file", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sim *s = sim_new();
        double unused, joules, length_s;
        char reason[METRIC_REASON_LEN] = "";
        sim_write(s, "meter.csv", "%s", rows[i].text ? rows[i].text : "");
        struct energy_run r = open_meter(s, "");
        if (!rows[i].text)
            sim_unlink(s, "meter.csv");
        meter_window(&r, 2, 5, &unused);
        energy_check_lost(&r, "energy_board_j", rows[i].reason);
        energy_check_lost(&r, "power_board_w", rows[i].reason);
        assert_false(energy_headline_joules(r.state, &joules, &length_s, reason));
        assert_non_null(strstr(reason, rows[i].reason));
        const double waited_s = sim_time_s(s) - 7;
        if (!(fabs(waited_s - rows[i].wait_s) < 0.1))
            fail_msg("row %zu: waited for %g s", i, waited_s);
        energy_run_start(&r); /* the next window asks anew */
        sim_write(s, "meter.csv", "0,10\n5,10\n8,10\n12,10\n13,10\n14,10\n15,10\n20,10\n");
        sim_sleep(s, 9 - rows[i].wait_s);
        energy_run_stop(&r);
        energy_check(&r, "energy_board_j", 10 * (9 - rows[i].wait_s), 0.01);
        energy_run_close(&r);
        sim_free(s);
    }
}

/* A last line that is still being written does not count and does not harm. */
static void meter_file_may_be_growing(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    double unused;
    sim_write(s, "meter.csv", "0,10\n3,10\n4,10\n5,10\n6,10\n8,10\n9,1");
    struct energy_run r = open_meter(s, "");
    meter_window(&r, 2, 5, &unused);
    energy_check(&r, "energy_board_j", 50, 1e-3);
    energy_run_close(&r);
    sim_free(s);
}

/* ---- the counter by itself ---- */

static void counter_arithmetic(void **state)
{
    (void)state;
    struct energy_counter k;
    struct energy_channel ch = {.unit_j = 0x1p-14, .max_count = UINT32_MAX, .fd = -1, .label = "x", .name = "y"};
    assert_true(near(energy_counter_safe_gap_s(&ch), 0x1p-14 * UINT32_MAX / 2000));
    energy_counter_start(&k, &ch, 0, UINT32_MAX - 9, 100);
    energy_counter_advance(&k, &ch, 0, 6, 101, 0.001);
    assert_true(near(energy_counter_joules(&k, &ch), 16 * 0x1p-14)); /* the modulus is the maximum + 1 */
    ch.max_count = UINT64_MAX;
    assert_true(isinf(energy_counter_safe_gap_s(&ch)));
    energy_counter_start(&k, &ch, 0, 1000, 100);
    energy_counter_advance(&k, &ch, 0, 999, 101, 0.001); /* 64 bits do not wrap: it went back */
    assert_non_null(strstr(k.failure, "reset or jumped"));
    energy_counter_start(&k, &ch, 0, 0, 0);
    energy_counter_advance(&k, &ch, 0, (uint64_t)(1999 * 16384.0 * 10), 10, 0);
    assert_string_equal(k.failure, "");
    energy_counter_advance(&k, &ch, 0, (uint64_t)(1999 * 16384.0 * 10 + 2100 * 16384.0 * 10), 20, 0);
    assert_non_null(strstr(k.failure, "no possible power"));
}

/* A ramp from 10 to 30 W in steps of unequal length: the trapezoid rule is exact. */
static void power_arithmetic(void **state)
{
    (void)state;
    static const double t[] = {100, 100.5, 101.5, 101.75, 102};
    const struct energy_channel ch = {.fd = -1, .label = "x", .name = "y"};
    struct energy_power p;
    energy_power_start(&p, &ch, 0, 10, t[0]);
    for (size_t i = 1; i < 5; i++)
        energy_power_add(&p, &ch, 0, 10 + 10 * (t[i] - 100), t[i], 0.1);
    assert_true(near(p.joules, 40));
    assert_int_equal(p.samples, 5);
    energy_power_add(&p, &ch, 0, -1, 102.1, 0.1);
    assert_non_null(strstr(p.failure, "no possible power"));
    energy_power_start(&p, &ch, 0, 10, 0);
    energy_power_add(&p, &ch, 0, 10, 4.9, 1);
    assert_string_equal(p.failure, ""); /* five periods */
    energy_power_add(&p, &ch, 0, 10, 10, 1);
    assert_non_null(strstr(p.failure, "not sampled for 5.1 s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_estimates_are_reproduced),
        cmocka_unit_test(published_ratio_is_a_ratio_of_constants),
        cmocka_unit_test(foreign_load_voids_a_window),
        cmocka_unit_test(load_belongs_to_the_machine_of_the_tree),
        cmocka_unit_test(void_joules_keep_their_status),
        cmocka_unit_test(foreign_load_voids_idle_windows),
        cmocka_unit_test(baseline_without_a_source_takes_no_time),
        cmocka_unit_test(net_carries_both_intervals),
        cmocka_unit_test(baseline_of_a_simulated_machine),
        cmocka_unit_test(meter_file_is_cut_to_the_window),
        cmocka_unit_test(meter_file_is_refused),
        cmocka_unit_test(meter_file_is_waited_for_once),
        cmocka_unit_test(meter_file_may_be_growing),
        cmocka_unit_test(counter_arithmetic),
        cmocka_unit_test(power_arithmetic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
