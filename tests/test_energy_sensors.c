/* Sources that are sensors: hwmon counters and power, Jetson rails, SCMI, batteries, the Raspberry Pi 5; and how one is chosen. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "profiles/energy.h"
#include "profiles/energy_print.h"
#include "tests/energy_fixture.h"

static void end(struct energy_run *r)
{
    energy_run_close(r);
    sim_free(r->sim);
}

/* ---- hwmon ---- */

static void hwmon_energy_counters(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    sim_write(s, "class/hwmon/hwmon3/name", "amd_energy\n");
    sim_write(s, "class/hwmon/hwmon3/energy1_label", "Ecore000\n");
    sim_write(s, "class/hwmon/hwmon3/energy2_label", "Esocket0\n");
    sim_write(s, "class/hwmon/hwmon3/energy3_label", "Esocket1\n");
    sim_write(s, "class/hwmon/hwmon5/name", "i915\n");
    static const char *const files[] = {"class/hwmon/hwmon3/energy1_input", "class/hwmon/hwmon3/energy2_input",
                                        "class/hwmon/hwmon3/energy3_input", "class/hwmon/hwmon5/energy1_input"};
    static const double watts[] = {3, 100, 80, 12};
    for (int i = 0; i < 4; i++) {
        const int z = sim_meter(s, SIM_COUNT_TEXT, files[i], 0, 1e-6, UINT64_MAX, 500);
        sim_power(s, z, watts[i], watts[i], 0);
    }
    struct energy_run r = energy_run_open(s, NULL);
    energy_run_window(&r, 3, 3);
    energy_check(&r, "energy_pkg_j", 540, 0.002);
    energy_check(&r, "energy_pkg_j.socket1", 240, 0.002);
    energy_check(&r, "energy_rail_j.i915", 36, 0.002);
    assert_int_equal(energy_find(&r, "energy_pkg_j")->status, METRIC_MEASURED);
    end(&r);
}

static void check_unique_names(const struct energy_run *r)
{
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(r->m[i].name, r->m[k].name);
}

/* Ampere Altra with two sockets; steps and noise are integrated. */
static void hwmon_power_of_altra(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    static const char *const labels[] = {"Core VRD", "SoC VRD", "DIMM VRD1", "RCA VRD"};
    double truth = 0;
    for (int chip = 0; chip < 2; chip++)
        for (int i = 0; i < 4; i++) {
            char path[96];
            snprintf(path, sizeof path, "class/hwmon/hwmon%d/name", chip);
            sim_write(s, path, "smpro\n");
            snprintf(path, sizeof path, "class/hwmon/hwmon%d/power%d_label", chip, i + 1);
            sim_write(s, path, "%s\n", labels[i]);
            snprintf(path, sizeof path, "class/hwmon/hwmon%d/power%d_input", chip, i + 1);
            const int z = energy_power_file(s, path, 1e-6, 20 * (i + 1) + chip);
            if (i == 0) /* the cores of both sockets step from 20 to 120 W after 3 s */
                sim_power(s, z, 20 + chip, 120 + chip, 3);
        }
    truth = (20 * 3 + 120 * 7) * 2 + 10 * 1 + 2 * 400 + 10;
    struct energy_run r = energy_run_open(s, NULL);
    energy_run_window(&r, 10, 0.1);
    energy_check(&r, "energy_pkg_j", truth, 0.01);
    energy_check(&r, "energy_dram_j", 1210, 0.01);
    energy_check(&r, "energy_rail_j.smpro_rca_vrd_hwmon0_power4_input", 800, 0.005);
    energy_check(&r, "energy_rail_j.smpro_rca_vrd_hwmon1_power4_input", 810, 0.005);
    check_unique_names(&r);
    energy_check(&r, "energy_pkg_j.socket1", truth / 2 + 10, 0.02);
    assert_int_equal(energy_find(&r, "energy_pkg_j")->status, METRIC_DERIVED);
    energy_check_reason(&r, "energy_pkg_j", "integrated; no counter");
    assert_non_null(strstr(energy_find(&r, "energy_pkg_j")->source, "integrated power: hwmon-power hwmon0/power1_input"));
    end(&r);
}

static void hwmon_power_of_grace_and_others(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    static const char *const info[] = {"Module Power Socket 1", "CPU Power Socket 1", "SysIO Power Socket 1"};
    for (int i = 0; i < 3; i++) {
        char path[96];
        snprintf(path, sizeof path, "class/hwmon/hwmon%d/name", i);
        sim_write(s, path, "power_meter\n");
        snprintf(path, sizeof path, "class/hwmon/hwmon%d/device/power1_oem_info", i);
        sim_write(s, path, "%s\n", info[i]);
        snprintf(path, sizeof path, "class/hwmon/hwmon%d/device/power1_average_interval", i);
        sim_write(s, path, "50\n");
        snprintf(path, sizeof path, "class/hwmon/hwmon%d/device/power1_average", i);
        energy_power_file(s, path, 1e-6, 300 - 100 * i);
    }
    sim_write(s, "class/hwmon/hwmon7/name", "ina226\n");
    energy_power_file(s, "class/hwmon/hwmon7/power1_input", 1e-6, 5);
    energy_power_file(s, "class/hwmon/hwmon7/power1_average", 1e-6, 5); /* the same sensor: once */
    struct energy_run r = energy_run_open(s, NULL);
    energy_run_window(&r, 4, 0.1);
    energy_check(&r, "energy_pkg_j", 800, 0.01);
    energy_check(&r, "energy_pkg_j.socket1", 800, 0.01);
    energy_check(&r, "energy_psys_j", 1200, 0.01);
    energy_check(&r, "energy_rail_j.power_meter_sysio_power_socket_1", 400, 0.01);
    energy_check(&r, "energy_rail_j.ina226", 20, 0.01);
    energy_check(&r, "energy_quantisation", 2 * 0.05 / 4, 0.01);
    energy_check_reason(&r, "energy_pkg_j", "all power readings of the window were equal");
    size_t rails = 0;
    for (size_t i = 0; i < r.n; i++)
        rails += strncmp(r.m[i].name, "energy_rail_j.", 14) == 0;
    assert_int_equal(rails, 2);
    end(&r);
}

/* X-Gene numbers its sensors from 0; an unnamed ACPI meter is the whole computer. */
static void hwmon_power_headlines(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    sim_write(s, "class/hwmon/hwmon0/name", "apm_xgene\n");
    sim_write(s, "class/hwmon/hwmon0/power0_label", "CPU power\n");
    sim_write(s, "class/hwmon/hwmon0/power1_label", "IO power\n");
    energy_power_file(s, "class/hwmon/hwmon0/power0_input", 1e-6, 30);
    energy_power_file(s, "class/hwmon/hwmon0/power1_input", 1e-6, 7);
    struct energy_run r = energy_run_open(s, NULL);
    energy_run_window(&r, 4, 0.1);
    energy_check(&r, "energy_pkg_j", 120, 0.01);
    end(&r);
    s = sim_new();
    sim_write(s, "class/hwmon/hwmon0/name", "power_meter\n");
    const int z = energy_power_file(s, "class/hwmon/hwmon0/power1_average", 1e-6, 210);
    r = energy_run_open(s, NULL);
    energy_run_window(&r, 4, 0.1);
    energy_check(&r, "energy_board_j", 840, 0.01);
    energy_check(&r, "power_board_w", 210, 0.01);
    energy_check_lost(&r, "energy_pkg_j", "see energy_board_j");
    assert_string_equal(energy_headline_name(r.state), "board");
    energy_run_window(&r, 4, 1.5); /* nobody sampled for 1.5 s */
    energy_check_lost(&r, "energy_board_j", "not sampled for 1.5");
    energy_run_window(&r, 0.2, 0.1);
    energy_check_lost(&r, "energy_board_j", "only 3 power readings");
    sim_power(s, z, 0, 0, 0);
    energy_run_window(&r, 4, 0.1);
    energy_check_lost(&r, "energy_board_j", "stuck: it read 0 W");
    sim_vanish(s, z);
    energy_run_window(&r, 4, 0.1);
    energy_check_lost(&r, "energy_board_j", "became unreadable");
    end(&r);
}

/* What the command prints of a result, at most len - 1 bytes. */
static void printed(const struct energy_result *r, char *out, size_t len)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    fflush(stdout);
    const int before = dup(STDOUT_FILENO);
    dup2(fileno(f), STDOUT_FILENO);
    energy_result_print(r);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    rewind(f);
    out[fread(out, 1, len - 1, f)] = '\0';
    fclose(f);
}

/* Without an interval of updates the error of a window is not known, which is neither 0 nor a number in a sentence. */
static void unknown_updates_are_no_zero_error(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    sim_write(s, "class/hwmon/hwmon0/name", "apm_xgene\n");
    sim_write(s, "class/hwmon/hwmon0/power0_label", "CPU power\n");
    energy_power_file(s, "class/hwmon/hwmon0/power0_input", 1e-6, 30);
    struct energy_run r = energy_run_open(s, NULL);
    struct energy_baseline idle = {.n = 0}, none = {.reason = "idle window void: a build"};
    energy_baseline_measure(r.state, 8, &idle);
    energy_run_window(&r, 1, 0.1);
    energy_check_lost(&r, "energy_quantisation", "how often the source is updated is not known");
    assert_string_equal(energy_find(&r, "energy_pkg_j")->reason, "short window (1 s, at least 2 s is wanted)");
    assert_true(isnan(energy_quantisation(r.state)));
    struct energy_result result = {.probe = r.state,
                                   .duration_s = 1,
                                   .quantisation = energy_quantisation(r.state),
                                   .headline = "pkg",
                                   .m = r.m,
                                   .n = r.n,
                                   .cap = PROBE_MAX_METRICS,
                                   .before = &idle,
                                   .after = &none};
    energy_result_derive(&result, 1);
    r.n = result.n;
    energy_check(&r, "energy_baseline_j", 30, 0.01);
    energy_check_reason(&r, "energy_baseline_j", "; only 4 idle windows: idle window void: a build");
    energy_check_reason(&r, "energy_net_j", "gross less baseline; how far off the gross may be is not known");
    char text[8192];
    double gross, net;
    printed(&result, text, sizeof text);
    const char *line = strstr(text, "idle 30 W (30 to 30, confidence 87.5 %), gross ");
    assert_non_null(line);
    assert_int_equal(sscanf(strstr(line, "gross"), "gross %lf J, net %lf J", &gross, &net), 2);
    assert_null(strstr(text, "nan"));
    assert_non_null(strstr(text, "\n  only 4 idle windows: idle window void: a build\n"));
    end(&r);
}

/* ---- jetson, scmi, battery, rpi5 ---- */

static void jetson_rail(struct sim *s, const char *dir, int k, const char *name, double volts, double amperes)
{
    char path[160];
    snprintf(path, sizeof path, "%s/in%d_label", dir, k);
    sim_write(s, path, "%s\n", name);
    snprintf(path, sizeof path, "%s/in%d_input", dir, k);
    sim_write(s, path, "%.0f\n", 1000 * volts);
    snprintf(path, sizeof path, "%s/curr%d_input", dir, k);
    sim_write(s, path, "%.0f\n", 1000 * amperes);
}

static void jetson_both_layouts(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const char *dir = "bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon2";
    jetson_rail(s, dir, 1, "VDD_IN", 5.0, 2.4);
    jetson_rail(s, dir, 2, "VDD_CPU_GPU_CV", 5.0, 1.1);
    jetson_rail(s, dir, 3, "VDD_SOC", 5.0, 0.3);
    jetson_rail(s, "bus/i2c/drivers/ina3221/1-0041/hwmon/hwmon3", 1, "VDD_MEM", 5.0, 0.2);
    jetson_rail(s, "bus/i2c/drivers/ina3221/1-0042/hwmon/hwmon4", 1, "VDD_MEM", 5.0, 0.4); /* a second chip of that name */
    sim_write(s, "bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon2/in7_label", "sum of shunt voltages\n");
    struct energy_run r = energy_run_open(s, NULL);
    energy_run_window(&r, 10, 0.1);
    energy_check(&r, "energy_board_j", 120, 0.001);
    energy_check(&r, "energy_rail_j.vdd_cpu_gpu_cv", 55, 0.001);
    energy_check(&r, "energy_rail_j.vdd_soc", 15, 0.001);
    energy_check(&r, "energy_rail_j.vdd_mem_hwmon3", 10, 0.001);
    energy_check(&r, "energy_rail_j.vdd_mem_hwmon4", 20, 0.001);
    check_unique_names(&r);
    assert_false(energy_has(&r, "energy_rail_j.sum_of_shunt_voltages"));
    assert_non_null(strstr(energy_find(&r, "energy_board_j")->source, "integrated power: jetson VDD_IN"));
    end(&r);
    s = sim_new();
    sim_write(s, "bus/i2c/drivers/ina3221x/1-0040/iio:device0/rail_name_0", "POM_5V_IN\n");
    sim_write(s, "bus/i2c/drivers/ina3221x/1-0040/iio:device0/rail_name_1", "POM_5V_CPU\n");
    energy_power_file(s, "bus/i2c/drivers/ina3221x/1-0040/iio:device0/in_power0_input", 1e-3, 6.5);
    energy_power_file(s, "bus/i2c/drivers/ina3221x/1-0040/iio:device0/in_power1_input", 1e-3, 2.5);
    r = energy_run_open(s, NULL);
    energy_run_window(&r, 10, 0.1);
    energy_check(&r, "energy_board_j", 65, 0.001);
    energy_check(&r, "energy_rail_j.pom_5v_cpu", 25, 0.001);
    end(&r);
}

static void scmi_top_zones_only(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    sim_write(s, "class/powercap/arm-scmi:0/name", "soc-0\n");
    sim_write(s, "class/powercap/arm-scmi:0:1/name", "cluster\n");
    sim_write(s, "class/powercap/arm-scmi:1/name", "modem\n");
    energy_power_file(s, "class/powercap/arm-scmi:0/power_uw", 1e-6, 14);
    energy_power_file(s, "class/powercap/arm-scmi:0:1/power_uw", 1e-6, 9);
    energy_power_file(s, "class/powercap/arm-scmi:1/power_uw", 1e-6, 3);
    struct energy_run r = energy_run_open(s, NULL);
    energy_run_window(&r, 5, 0.1);
    energy_check(&r, "energy_pkg_j", 70, 0.001);
    energy_check(&r, "energy_rail_j.modem", 15, 0.001);
    assert_false(energy_has(&r, "energy_rail_j.cluster"));
    end(&r);
}

static void battery_only_while_it_discharges(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    sim_write(s, "class/power_supply/BAT0/status", "Discharging\n");
    sim_write(s, "class/power_supply/BAT0/power_now", "9500000\n");
    sim_write(s, "class/power_supply/BAT1/status", "Discharging\n");
    sim_write(s, "class/power_supply/BAT1/current_now", "500000\n");
    sim_write(s, "class/power_supply/BAT1/voltage_now", "11000000\n");
    sim_write(s, "class/power_supply/BATmouse/scope", "Device\n");
    sim_write(s, "class/power_supply/BATmouse/power_now", "7\n");
    struct energy_run r = energy_run_open(s, NULL);
    energy_run_window(&r, 300, 1);
    energy_check(&r, "energy_board_j", 4500, 0.001);
    energy_run_window(&r, 20, 1);
    energy_check_lost(&r, "energy_board_j", "updated every 10 s");
    energy_run_start(&r);
    energy_run_idle(&r, 150, 1);
    sim_write(s, "class/power_supply/BAT0/status", "Charging\n");
    energy_run_idle(&r, 150, 1);
    energy_run_stop(&r);
    energy_check_lost(&r, "energy_board_j", "became unreadable");
    energy_run_close(&r);
    sim_write(s, "class/power_supply/BAT1/status", "Full\n");
    r = energy_run_open(s, "battery");
    energy_run_window(&r, 300, 1);
    energy_check_lost(&r, "energy_pkg_j", "is not discharging (Charging)");
    end(&r);
}

/* The command is a script of the test, found through PATH. */
static void rpi5_adds_rails_with_volts_and_amperes(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const char *before = getenv("PATH");
    char path[512], *old = strdup(before ? before : "/usr/bin:/bin");
    sim_write(s, "firmware/devicetree/base/model", "Raspberry Pi 5 Model B Rev 1.0");
    sim_write(s, "bin/vcgencmd",
              "#!/bin/sh\n[ \"$1\" = pmic_read_adc ] || exit 1\n"
              "echo '     VDD_CORE_A current(7)=4.00000000A'\necho '     DDR_VDD2_A current(4)=0.50000000A'\n"
              "echo '     VDD_CORE_V volt(15)=0.80000000V'\necho '     DDR_VDD2_V volt(12)=1.10000000V'\n"
              "echo '     EXT5V_V volt(24)=5.10000000V'\necho '    BATT_V volt(25)=0.00000000V'\n");
    sim_chmod(s, "bin/vcgencmd", 0755);
    snprintf(path, sizeof path, "%s/bin:%s", sim_root(s), old);
    setenv("PATH", path, 1);
    struct energy_run r = energy_run_open(s, NULL);
    energy_run_window(&r, 10, 1);
    energy_check(&r, "energy_pmic_j", 10 * (3.2 + 0.55), 0.001);
    assert_null(strstr(energy_find(&r, "energy_pmic_j")->source, "EXT5V"));
    energy_check_lost(&r, "energy_pkg_j", "see energy_pmic_j");
    sim_write(s, "bin/vcgencmd", "#!/bin/sh\nexit 255\n");
    energy_run_window(&r, 10, 1);
    energy_check_lost(&r, "energy_pmic_j", "became unreadable");
    energy_run_close(&r);
    r = energy_run_open(s, "rpi5");
    energy_run_window(&r, 10, 1);
    energy_check_lost(&r, "energy_pkg_j", "usermod -aG video");
    setenv("PATH", old, 1);
    free(old);
    end(&r);
}

/* ---- the chooser ---- */

static void a_package_beats_a_board_and_a_counter_beats_power(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    jetson_rail(s, "bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon2", 1, "VDD_IN", 5.0, 2.4);
    struct energy_run r = energy_run_open(s, NULL);
    assert_string_equal(energy_headline_name(r.state), "board");
    energy_run_close(&r);
    sim_write(s, "class/hwmon/hwmon0/name", "apm_xgene\n");
    sim_write(s, "class/hwmon/hwmon0/power0_label", "CPU power\n");
    energy_power_file(s, "class/hwmon/hwmon0/power0_input", 1e-6, 30);
    r = energy_run_open(s, NULL);
    assert_string_equal(energy_headline_name(r.state), "pkg");
    energy_run_window(&r, 2, 0.1);
    assert_non_null(strstr(energy_find(&r, "energy_pkg_j")->source, "hwmon-power"));
    energy_run_close(&r);
    const int z = sim_zone(s, "intel-rapl:0", "package-0", 262143328850, 0);
    sim_power(s, z, 30, 30, 0);
    r = energy_run_open(s, NULL);
    energy_run_window(&r, 2, 2);
    assert_string_equal(energy_find(&r, "energy_pkg_j")->source, "powercap intel-rapl:0");
    json_t *d = energy_describe(r.state);
    assert_string_equal(json_string_value(json_object_get(d, "name")), "powercap");
    assert_string_equal(json_string_value(json_object_get(d, "kind")), "counter");
    assert_int_equal(json_array_size(json_object_get(d, "tried")), 2);
    assert_true(fabs(json_number_value(json_object_get(d, "resolution_s")) - 0.001) < 1e-4);
    json_decref(d);
    end(&r);
}

/* Two counters of one package over one interval: agreement is silent, 10 % apart is said. */
static void list_finds_disagreement(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct sim *s = sim_new();
        sim_write(s, "class/hwmon/hwmon3/name", "amd_energy\n");
        sim_write(s, "class/hwmon/hwmon3/energy1_label", "Esocket0\n");
        const double watts = k ? 33 : 30;
        sim_power(s, sim_meter(s, SIM_COUNT_TEXT, "class/hwmon/hwmon3/energy1_input", 0, 1e-6, UINT64_MAX, 0), watts, watts, 0);
        sim_power(s, sim_zone(s, "intel-rapl:0", "package-0", 262143328850, 0), 30, 30, 0);
        const struct probe_env env = {.sysfs = sim_root(s), .procfs = sim_root(s), .seam = sim_clock(s)};
        json_t *list = NULL, *row;
        assert_int_equal(energy_list(&env, 2, NULL, &list), 0);
        row = json_array_get(list, 2);
        assert_string_equal(json_string_value(json_object_get(row, "name")), "hwmon");
        assert_true(fabs(json_number_value(json_object_get(row, "watts")) - watts) < 0.1);
        assert_int_equal(strstr(json_string_value(json_object_get(row, "note")), "DISAGREES with powercap by 10.0 %") != NULL, k);
        json_decref(list);
        sim_free(s);
    }
}

/* Half a second is too short for a battery, which is a source all the same. */
static void list_tells_too_short_from_not_there(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    char text[4096] = "";
    sim_write(s, "class/power_supply/BAT0/status", "Discharging\n");
    sim_write(s, "class/power_supply/BAT0/power_now", "9500000\n");
    const struct probe_env env = {.sysfs = sim_root(s), .procfs = sim_root(s), .seam = sim_clock(s)};
    json_t *list = NULL;
    assert_int_equal(energy_list(&env, 0.5, NULL, &list), 0);
    const char *argument;
    const json_t *row = json_array_get(list, energy_source_find("battery", &argument));
    assert_string_equal(json_string_value(json_object_get(row, "name")), "battery");
    assert_true(json_is_true(json_object_get(row, "usable")));
    assert_string_equal(json_string_value(json_object_get(row, "domain")), "board");
    assert_true(json_is_null(json_object_get(row, "watts")));
    assert_non_null(strstr(json_string_value(json_object_get(row, "note")), "only 2 power readings"));
    row = json_array_get(list, energy_source_find("powercap", &argument));
    assert_true(json_is_false(json_object_get(row, "usable")));
    assert_true(json_is_null(json_object_get(row, "domain")));
    json_decref(list);
    FILE *f = fmemopen(text, sizeof text, "w");
    assert_int_equal(energy_list(&env, 0.5, f, NULL), 0);
    fclose(f);
    assert_non_null(strstr(text, "  battery      yes     board, integrated power; no value of this interval: "));
    assert_non_null(strstr(text, "  powercap     no      no powercap tree"));
    sim_free(s);
}

static void names_of_sources_are_checked(void **state)
{
    (void)state;
    assert_null(energy_source_error("powercap"));
    assert_null(energy_source_error("meter:x.csv"));
    assert_non_null(energy_source_error("meter"));
    assert_non_null(energy_source_error("meter:"));
    assert_non_null(energy_source_error("power"));
    assert_non_null(energy_source_error("powercapx"));
    assert_non_null(energy_source_error("perf:0"));
    assert_non_null(energy_source_error(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hwmon_energy_counters),
        cmocka_unit_test(hwmon_power_of_altra),
        cmocka_unit_test(hwmon_power_of_grace_and_others),
        cmocka_unit_test(hwmon_power_headlines),
        cmocka_unit_test(unknown_updates_are_no_zero_error),
        cmocka_unit_test(jetson_both_layouts),
        cmocka_unit_test(scmi_top_zones_only),
        cmocka_unit_test(battery_only_while_it_discharges),
        cmocka_unit_test(rpi5_adds_rails_with_volts_and_amperes),
        cmocka_unit_test(a_package_beats_a_board_and_a_counter_beats_power),
        cmocka_unit_test(list_finds_disagreement),
        cmocka_unit_test(list_tells_too_short_from_not_there),
        cmocka_unit_test(names_of_sources_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
