/* Group files and formulas: the files of this repository are all valid and every libpfm4 name in them exists in its tables;
 * made-up files with one mistake each must be refused with file and line; the right family is taken for a machine. */
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
#include <unistd.h>

#include <cmocka.h>

#include "profiles/counter_choose.h"
#include "tests/sim_sysfs.h"

/* ---- formulas ---- */

static const char *const names[] = {"a", "b", "time_s"};
static const struct formula_names known = {names, 3};

static void check_formula(const char *text, double expected)
{
    static const double values[] = {6, 4, 2};
    struct formula f;
    char err[FORMULA_ERR_LEN];
    if (formula_parse(text, &known, &f, err))
        fail_msg("'%s': %s", text, err);
    const double v = formula_value(&f, values);
    if (isnan(expected) ? !isnan(v) : fabs(v - expected) > 1e-12)
        fail_msg("'%s' is %g, not %g", text, v, expected);
}

static void formulas_are_computed(void **state)
{
    (void)state;
    check_formula("a", 6);
    check_formula("a + b * time_s", 14);
    check_formula("(a + b) * time_s", 20);
    check_formula("a - b - time_s", 0);
    check_formula("a / b / time_s", 0.75);
    check_formula("-a + -(-b)", -2);
    check_formula("1e-3*a", 0.006);
    check_formula(".5 * 1000", 500);
    check_formula("a / (b - 4)", (double)NAN);
    check_formula("0 * (a / (b - 4))", (double)NAN);
}

static void formulas_are_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "ends too early"},
        {"a +", "ends too early"},
        {"a b", "operator or the end, not 'b'"},
        {"(a", "expected ')'"},
        {"a)", "not ')'"},
        {"a % b", "not '%'"},
        {"c / a", "'c' is no event"},
        {"a * * b", "not '*'"},
        {"1e999", "out of range"},
        {"aa", "'aa' is no event"},
        {"+a", "not '+'"},
        {"((((((((((((((a))))))))))))))", "nested more than"},
        {"a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a", "too long"},
    };
    struct formula f;
    char err[FORMULA_ERR_LEN];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(formula_parse(bad[i][0], &known, &f, err), -EINVAL);
        if (!strstr(err, bad[i][1]) || !strstr(err, "column "))
            fail_msg("'%s': '%s' lacks '%s'", bad[i][0], err, bad[i][1]);
    }
}

/* ---- files ---- */

static char dir[] = "/tmp/bitjoule-groups-XXXXXX";
static char path[64];

static void write_file(const char *text)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static int make_dir(void **state)
{
    (void)state;
    setenv("LIBPFM_ENCODE_INACTIVE", "1", 1); /* before libpfm4 is loaded: tables of CPUs that this is not */
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/test.txt", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

#define HEAD "family f\ngroup g A group\nevent a cycles\nevent b instructions\n"

static void mistakes_have_a_line(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"title T\n", ":1: 'title': the first line is 'family NAME'"},
        {"family f\n", ":1: no group"},
        {"family f f\n", ":1: nothing may follow"},
        {"family a-b\n", ":1: family 'a-b': expected letters"},
        {"family f\nfamily g\n", ":2: 'family' is given twice"},
        {"family f\nevent a cycles\n", ":2: 'event' before the first group"},
        {"family f\ngroup g\n", ":2: expected a text"},
        {"family f\ngroup g G\nmetric m 1 = 1\n", ":2: group 'g' has no event"},
        {HEAD, ":2: group 'g' has no metric"},
        {HEAD "group h H\n", ":2: group 'g' has no metric"},
        {HEAD "event a branches\n", ":5: event 'a' is there twice"},
        {HEAD "event time_s branches\n", ":5: 'time_s' is the length"},
        {HEAD "event c two words\n", ":5: event 'c': expected one name"},
        {HEAD "event c\n", ":5: event 'c': expected one name"},
        {HEAD "metric m 1 a / b\n", ":5: metric 'm': expected NAME UNIT = FORMULA"},
        {HEAD "metric m furlongs = a\n", ":5: metric 'm': 'furlongs' is no unit"},
        {HEAD "metric m 1 = a / c\n", ":5: metric 'm': column 5 of the formula: 'c' is no event"},
        {HEAD "metric m 1 =\n", ":5: expected a text"},
        {HEAD "metric m 1 = a\nmetric m 1 = b\n", ":6: metric 'm' is there twice"},
        {HEAD "metric m 1 = a\nevent c branches\n", ":6: 'event' after a metric"},
        {HEAD "metric m 1 = a\npmu x\n", ":6: 'pmu' stands before"},
        {HEAD "metric m 1 = a\ncaveat c\ncaveat d\n", ":7: a second 'caveat' of the same metric"},
        {HEAD "metric m 1 = a\ntitle t\n", ":6: 'title' is of the family"},
        {HEAD "metrik m 1 = a\n", ":5: unknown keyword 'metrik'"},
        {"family f\npmu\n", ":2: 'pmu' needs a name"},
        {"family f\nuncore u\n", ":2: 'uncore' stands before the events of a group"},
        {HEAD "uncore u\n", ":5: 'uncore' stands before the events of a group"},
        {"family f\ngroup g G\nuncore\n", ":3: 'uncore' needs a name"},
        {"family f\ngroup g G\nuncore u\nevent a cycles\n", ":4: event 'a': events of uncore units are files or terms"},
        {"family f\ncaveat c\n", ":2: 'caveat' before the first group"},
    };
    char err[GROUP_ERR_LEN];
    struct counter_family *f;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_file(bad[i][0]);
        assert_int_equal(counter_family_read(path, &f, err), -EINVAL);
        if (!strstr(err, bad[i][1]) || strncmp(err, path, strlen(path)) != 0)
            fail_msg("'%s': '%s' lacks '%s'", bad[i][0], err, bad[i][1]);
    }
    write_file(HEAD "metric m 1 = a / b # no comment here\n");
    assert_int_equal(counter_family_read(path, &f, err), -EINVAL);
    unlink(path);
    assert_int_equal(counter_family_read(path, &f, err), -ENOENT);
}

static void a_file_is_read(void **state)
{
    (void)state;
    char err[GROUP_ERR_LEN];
    struct counter_family *f;
    write_file("# a comment\n\nfamily f\ntitle The F\npmu p q\n" /* a group of all, one of q alone */
               "group g A group\ncaveat of the group\nevent a cycles\nmetric m B/s = 2 * a / time_s\ncaveat of the metric\n"
               "group g Another\npmu q\nevent a instructions\nmetric m 1 = a\n");
    assert_int_equal(counter_family_read(path, &f, err), 0);
    assert_int_equal(f->n, 2);
    assert_string_equal(f->title, "The F");
    assert_int_equal(f->group[0].pmus.n, 2);
    assert_int_equal(f->group[1].pmus.n, 1);
    assert_string_equal(f->group[0].caveat, "of the group");
    assert_string_equal(f->group[0].metric[0].caveat, "of the metric");
    assert_string_equal(f->group[0].metric[0].unit, "B/s");
    const double v[] = {10, 4};
    assert_true(formula_value(&f->group[0].metric[0].formula, v) == 5);
    counter_family_free(f);
}

/* ---- the right one for a machine ---- */

static const char *machine; /* the PMU that the machine has */

static bool has(const char *pmu)
{
    return !strcmp(pmu, machine);
}

static int encode(const char *name, struct counter_code *out)
{
    *out = (struct counter_code){.config = strlen(name)};
    return 0;
}

static const char *error(int code)
{
    (void)code;
    return "an error";
}

static const struct pfm_api stand_in = {has, encode, error};

static void check_choice(const char *pmu, const char *group, const char *family, const char *first_event)
{
    struct counter_library lib;
    struct counter_choice choice[CHOOSE_GROUPS];
    char err[GROUP_ERR_LEN];
    const struct counter_tables t = {&stand_in, NULL};
    machine = pmu;
    assert_int_equal(counter_library_read(&lib, err), 0);
    if (counter_choose(&lib, &t, "perf", group, choice, err) != 1)
        fail_msg("%s: %s", group, err);
    assert_string_equal(choice[0].group->family, family);
    assert_string_equal(choice[0].group->event[choice[0].group->n_events - 1].name, first_event);
    counter_library_free(&lib);
}

static void the_family_fits_the_machine(void **state)
{
    (void)state;
    check_choice("amd64_fam19h_zen3", "basic", "amd_zen", "task-clock");
    check_choice("amd64_fam19h_zen3", "memory", "amd_zen", "ANY_DATA_CACHE_FILLS_FROM_SYSTEM:MEM_IO_LCL:MEM_IO_RMT");
    check_choice("amd64_fam19h_zen4", "memory", "amd_zen", "ANY_DATA_CACHE_FILLS_FROM_SYSTEM:DRAM_IO_NEAR:DRAM_IO_FAR");
    check_choice("amd64_fam17h_zen1", "memory", "generic", "cache-misses"); /* none for that one */
    check_choice("skx", "stall", "intel", "CYCLE_ACTIVITY:STALLS_L3_MISS");
    check_choice("hsw", "stall", "generic", "stalled-cycles-backend");
    check_choice("arm_n1", "stall", "neoverse", "STALL_BACKEND");
    check_choice("arm_ac53", "tlb", "cortex_a57", "L1D_TLB_REFILL");
    check_choice("no such", "basic", "generic", "task-clock");
    check_choice("skx", "software", "generic", "cpu-migrations");
    check_choice("skx", "neoverse/stall", "neoverse", "STALL_BACKEND"); /* asked for by name */
}

/* Cortex-A76: a PMU that libpfm4 does not know, events from sysfs. */
static void events_from_sysfs(void **state)
{
    (void)state;
    struct sim *s = sim_new();
    const struct probe_env env = {.sysfs = sim_root(s)};
    const struct counter_tables t = {NULL, &env};
    struct counter_library lib;
    struct counter_choice choice[CHOOSE_GROUPS];
    struct counter_code code;
    char err[GROUP_ERR_LEN], reason[METRIC_REASON_LEN];
    sim_write(s, "bus/event_source/devices/armv8_cortex_a76/type", "8\n");
    sim_write(s, "bus/event_source/devices/armv8_cortex_a76/format/event", "config:0-15\n");
    sim_write(s, "bus/event_source/devices/armv8_cortex_a76/events/inst_retired", "event=0x0008\n");
    sim_write(s, "bus/event_source/devices/armv8_cortex_a76/events/l1d_cache", "event=4,more=1\n");
    assert_int_equal(counter_library_read(&lib, err), 0);
    assert_int_equal(counter_choose(&lib, &t, "perf", "cache", choice, err), 1);
    assert_string_equal(choice[0].group->family, "cortex_a");
    assert_string_equal(choice[0].pmu, "armv8_cortex_a76");
    assert_int_equal(counter_encode(&t, choice[0].pmu, "/inst_retired/", &code, reason), 0);
    assert_int_equal(code.type, 8);
    assert_int_equal(code.config, 8);
    assert_int_equal(counter_encode(&t, choice[0].pmu, "/l1d_cache/", &code, reason), -ENOENT); /* not understood: not guessed */
    assert_int_equal(counter_encode(&t, choice[0].pmu, "/stall/", &code, reason), -ENOENT);
    assert_non_null(strstr(reason, "no such event in sysfs"));
    assert_int_equal(counter_encode(&t, NULL, "RETIRED", &code, reason), -ENOENT);
    assert_non_null(strstr(reason, "libpfm4"));
    counter_library_free(&lib);
    sim_free(s);
}

/* ---- the files of this repository ---- */

/* Every table has cycles under one of these names. */
static bool pmu_in_tables(const struct pfm_api *pfm, const char *pmu)
{
    static const char *const cycles[] = {"CYCLES_NOT_IN_HALT", "UNHALTED_CORE_CYCLES", "CPU_CYCLES"};
    struct counter_code code;
    char full[GROUP_EVENT_LEN];
    for (size_t i = 0; i < sizeof cycles / sizeof cycles[0]; i++) {
        snprintf(full, sizeof full, "%s::%s", pmu, cycles[i]);
        if (!pfm->encode(full, &code))
            return true;
    }
    return false;
}

static size_t check_names(const struct counter_group *g, const struct pfm_api *pfm, size_t *unknown_pmus)
{
    const struct counter_tables t = {pfm, NULL};
    struct counter_code code;
    char reason[METRIC_REASON_LEN];
    size_t checked = 0;
    for (size_t i = 0; i < g->n_events; i++) {
        const char *name = g->event[i].name;
        if (counter_is_kernel_name(name) || name[0] == '/' || !strncmp(name, "PAPI_", 5))
            continue;
        assert_true(g->pmus.n > 0);
        for (size_t p = 0; p < g->pmus.n; p++) {
            if (!counter_encode(&t, g->pmus.name[p], name, &code, reason))
                checked++;
            else if (pmu_in_tables(pfm, g->pmus.name[p]))
                fail_msg("%s/%s: %s", g->family, g->name, reason);
            else
                ++*unknown_pmus;
        }
    }
    return checked;
}

static void names_are_in_libpfm4(void **state)
{
    (void)state;
    const char *why;
    struct counter_library lib;
    char err[GROUP_ERR_LEN];
    size_t checked = 0, unknown = 0;
    const struct pfm_api *pfm = counter_pfm(&why);
    assert_int_equal(counter_library_read(&lib, err), 0);
    for (size_t f = 0; pfm && f < lib.n; f++)
        for (size_t i = 0; i < lib.family[f]->n; i++)
            checked += check_names(&lib.family[f]->group[i], pfm, &unknown);
    counter_library_free(&lib);
    if (!pfm) {
        print_message("%s\n", why);
        skip();
    }
    print_message("%zu names found, %zu of PMUs that this libpfm4 has no table of\n", checked, unknown);
    assert_true(checked > 50 || unknown > checked);
}

static void all_files_are_read(void **state)
{
    (void)state;
    static const char *const families[] = {"amd_zen", "cortex_a", "cortex_a57", "generic", "intel", "neoverse", "papi", "uncore"};
    struct counter_library lib;
    char err[GROUP_ERR_LEN];
    if (counter_library_read(&lib, err))
        fail_msg("%s", err);
    assert_int_equal(lib.n, sizeof families / sizeof families[0]);
    for (size_t i = 0; i < lib.n; i++) {
        assert_string_equal(lib.family[i]->name, families[i]);
        assert_true(lib.family[i]->title[0]);
    }
    counter_library_free(&lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formulas_are_computed),       cmocka_unit_test(formulas_are_refused),
        cmocka_unit_test(mistakes_have_a_line),        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(the_family_fits_the_machine), cmocka_unit_test(events_from_sysfs),
        cmocka_unit_test(names_are_in_libpfm4),        cmocka_unit_test(all_files_are_read),
    };
    return cmocka_run_group_tests_name("counter groups", tests, make_dir, remove_dir);
}
