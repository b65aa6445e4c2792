/* `bench --resume DIR`: suite, options and plan come from the header of the earlier run, so that it goes on as it was begun, wherever
 * its suite file is now. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/bench.h"
#include "harness/json_util.h"
#include "harness/resume.h"
#include "harness/run_header.h"
#include "profiles/time_clock.h"

struct probe_env bench_env(const struct bench *b)
{
    return (struct probe_env){.sysfs = b->sysfs,
                              .energy_source = b->energy_source,
                              .counters = b->suite.counters ? b->suite.counters : "perf",
                              .counter_groups = b->suite.counter_group};
}

size_t bench_mem_bytes(const struct bench *b)
{
    return b->mem_available < 1e18 ? (size_t)b->mem_available : SIZE_MAX;
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static json_t *options_json(const struct bench *b)
{
    return json_pack("{s:f, s:o, s:o, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:f}", "baseline_s", b->baseline_s, "program",
                     json_text_or_null(b->program), "scenario", json_text_or_null(b->scenario), "no_peaks", (int)b->no_peaks,
                     "estimate", (int)b->estimate, "profile", (int)b->profile, "isolate", (int)b->isolate, "against",
                     json_text_or_null(b->against), "sysfs", json_text_or_null(b->sysfs), "energy_source",
                     json_text_or_null(b->energy_source), "mem_available_bytes", b->mem_available);
}

static json_t *ids_json(const struct plan *p)
{
    char id[PLAN_ID_LEN];
    json_t *list = json_array();
    for (size_t i = 0; i < p->n_cells; i++) {
        plan_cell_id(p, &p->cells[i], id);
        json_array_append_new(list, json_string(id));
    }
    return list;
}

json_t *bench_header(const struct bench *b, int argc, char **argv)
{
    const struct probe_env env = bench_env(b);
    json_t *header = run_header_json(&b->suite, &b->plan, argc, argv, &env), *run = json_object_get(header, "run");
    json_object_set_new(run, "options", options_json(b));
    json_object_set_new(run, "suite_path", json_text_or_null(b->suite.path));
    json_object_set_new(run, "suite_values", suite_values(&b->suite));
    json_object_set_new(run, "plan", ids_json(&b->plan));
    return header;
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

static void take_options(struct bench *b, const json_t *o)
{
    b->baseline_s = json_number_value(json_object_get(o, "baseline_s"));
    b->estimate = json_is_true(json_object_get(o, "estimate"));
    b->profile = json_is_true(json_object_get(o, "profile"));
    b->isolate = json_is_true(json_object_get(o, "isolate"));
    b->no_peaks = json_is_true(json_object_get(o, "no_peaks"));
    b->against = json_string_value(json_object_get(o, "against"));
    b->program = json_string_value(json_object_get(o, "program"));
    b->scenario = json_string_value(json_object_get(o, "scenario"));
    b->sysfs = json_string_value(json_object_get(o, "sysfs"));
    b->energy_source = json_string_value(json_object_get(o, "energy_source"));
    b->mem_available = json_number_value(json_object_get(o, "mem_available_bytes"));
}

/* "2026-11-23T06:00:00Z" as a value of time_now_s(). */
static double clock_at(const char *utc)
{
    struct tm tm = {0};
    if (!utc || !strptime(utc, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return time_now_s();
    return time_now_s() - difftime(time(NULL), timegm(&tm));
}

static int prepare(struct bench *b, int argc, char **argv, const json_t *header, char err[RECORD_ERR_LEN])
{
    const json_t *run = json_object_get(header, "run"), *values = json_object_get(run, "suite_values");
    const char *name = json_string_value(json_object_get(run, "suite"));
    char why[SUITE_ERR_LEN] = "";
    if (!json_is_object(values) || !name) {
        snprintf(err, RECORD_ERR_LEN, "this run's record does not say how to go on with it");
        return -EINVAL;
    }
    take_options(b, json_object_get(run, "options"));
    b->began_s = clock_at(json_string_value(json_object_get(run, "started_utc")));
    int rc = suite_from_values(&b->suite, name, json_string_value(json_object_get(run, "suite_path")), values, why);
    if (!rc)
        rc = plan_make(&b->suite, bench_mem_bytes(b), &b->plan, why);
    if (!rc && b->against)
        rc = plan_add_arms(&b->plan, b->against, b->program);
    if (rc) {
        snprintf(err, RECORD_ERR_LEN, "%.480s", why[0] ? why : strerror(-rc));
        return rc;
    }
    json_t *now = bench_header(b, argc, argv);
    rc = resume_check(header, now, &b->allow, err);
    if (!rc && !json_equal(json_object_get(run, "plan"), json_object_get(json_object_get(now, "run"), "plan"))) {
        snprintf(err, RECORD_ERR_LEN, "the models or this program give another matrix of cells than then");
        rc = -EXDEV;
    }
    json_decref(now);
    return rc;
}

static json_t *resume_line(int argc, char **argv)
{
    char utc[32];
    utc_now(utc);
    return json_pack("{s:s, s:o}", "utc", utc, "command", run_command_json(argc, argv));
}

int bench_resume(struct bench *b, int argc, char **argv, char err[RECORD_ERR_LEN])
{
    char why[RECORD_ERR_LEN] = "";
    json_t *all = NULL;
    int rc = record_reopen(b->resume, &b->record, &all, err);
    if (rc)
        return rc;
    b->lines = resume_kept(all);
    json_decref(all);
    rc = prepare(b, argc, argv, json_array_get(b->lines, 0), why);
    if (!rc) {
        rc = record_continue(&b->record, b->lines);
        snprintf(why, sizeof why, "%.500s", b->record.err);
    }
    if (!rc)
        rc = record_line(&b->record, "resume", resume_line(argc, argv));
    if (rc) {
        snprintf(err, RECORD_ERR_LEN, "--resume %.150s: %.340s", b->resume, why);
        record_close(&b->record);
    }
    return rc;
}
