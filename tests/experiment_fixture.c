/* See experiment_fixture.h. */
#include "tests/experiment_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/misdeeds.h"

static void set(struct suite *s, const char *section, const char *key, const char *value)
{
    char err[SUITE_ERR_LEN] = "";
    if (suite_set(s, section, key, value, err))
        fail_msg("%s: %s", key, err);
}

int experiment_set_up(void **state)
{
    struct experiment_fixture *f = calloc(1, sizeof *f);
    char err[SUITE_ERR_LEN] = "";
    if (!f)
        return -1;
    *misdeeds_shared = (struct misdeeds_shared){0};
    snprintf(f->dir, sizeof f->dir, "/tmp/bitjoule-harness-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    suite_init(&f->suite);
    set(&f->suite, "matrix", "models", "tests/golden/kjv-tiny-i2_s.gguf");
    set(&f->suite, "matrix", "formats", "i2_s");
    set(&f->suite, "matrix", "threads", "1");
    set(&f->suite, "matrix", "prompt", "2");
    set(&f->suite, "matrix", "gen", "2,3");
    set(&f->suite, "measure", "rounds", "3");
    set(&f->suite, "measure", "block_s", "1e-9"); /* one repetition a block */
    set(&f->suite, "measure", "repeats", "0");    /* however busy this machine is */
    set(&f->suite, "measure", "timeout_s", "60");
    if (plan_make(&f->suite, SIZE_MAX, &f->plan, err) || record_open(f->dir, &f->record, err))
        fail_msg("%s", err);
    assert_int_equal(f->plan.n_cells, 3);
    assert_int_equal(record_header(&f->record, json_pack("{s:[]}", "warnings")), 0);
    f->null = fopen("/dev/null", "w");
    assert_non_null(f->null);
    progress_begin(&f->progress, f->null, &f->plan);
    f->options.workloads = misdeeds_workloads;
    f->e = (struct experiment){
        .suite = &f->suite, .plan = &f->plan, .record = &f->record, .progress = &f->progress, .options = &f->options};
    *state = f;
    return 0;
}

int experiment_tear_down(void **state)
{
    struct experiment_fixture *f = *state;
    char path[128];
    experiment_free(&f->e);
    record_close(&f->record);
    plan_free(&f->plan);
    suite_free(&f->suite);
    fclose(f->null);
    snprintf(path, sizeof path, "%s/results.jsonl", f->dir);
    unlink(path);
    rmdir(f->dir);
    free(f);
    return 0;
}

size_t experiment_stream_lines(const struct experiment_fixture *f, const char *text)
{
    char path[128], *line = NULL;
    size_t cap = 0, n = 0;
    snprintf(path, sizeof path, "%s/results.jsonl", f->dir);
    FILE *s = fopen(path, "r");
    assert_non_null(s);
    while (getline(&line, &cap, s) > 0)
        n += strstr(line, text) != NULL;
    free(line);
    fclose(s);
    return n;
}
