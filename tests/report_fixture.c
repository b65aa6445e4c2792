/* The command is called with its two outputs in files. PATH is empty unless a test asks for gnuplot, so that all else runs the same on
 * every machine. */
#include "tests/report_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "reports/report_cmds.h"
#include "reports/report_plots.h"

char fx_dir[64];
char *fx_out, *fx_err, *fx_text;
static char saved_path[4096]; /* PATH of the caller */
static bool had_path;

const char *fx_at(const char *name)
{
    static char path[8][256];
    static unsigned turn;
    char *p = path[turn++ % 8];
    snprintf(p, sizeof(path[0]), "%s/%s", fx_dir, name);
    return p;
}

void fx_slurp(const char *path, char **keep)
{
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s cannot be read", path);
    free(*keep);
    *keep = NULL;
    size_t cap = 0;
    const ssize_t n = getdelim(keep, &cap, '\0', f);
    fclose(f);
    if (n < 0) { /* empty; the buffer is there all the same */
        free(*keep);
        *keep = strdup("");
    }
}

const char *fx_file(const char *name)
{
    fx_slurp(fx_at(name), &fx_text);
    return fx_text;
}

void fx_spill(const char *path, const char *content)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(content, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Runs a command; fx_out and fx_err get what it printed. */
int run_command_args(int (*command)(int, char **), const char *const args[])
{
    char *argv[12] = {NULL}, *copy[12];
    int argc = 0;
    for (; args[argc]; argc++)
        argv[argc] = strdup(args[argc]);
    memcpy(copy, argv, sizeof(copy)); /* the command may reorder argv */
    fflush(NULL);
    const int keep1 = dup(1), keep2 = dup(2);
    const int f1 = open(fx_at("stdout"), O_CREAT | O_TRUNC | O_WRONLY, 0600),
              f2 = open(fx_at("stderr"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(f1, 1);
    dup2(f2, 2);
    const int status = command(argc, argv);
    fflush(NULL);
    dup2(keep1, 1);
    dup2(keep2, 2);
    close(f1);
    close(f2);
    close(keep1);
    close(keep2);
    for (int i = 0; i < argc; i++)
        free(copy[i]);
    fx_slurp(fx_at("stdout"), &fx_out);
    fx_slurp(fx_at("stderr"), &fx_err);
    return status;
}

void assert_has(const char *s, const char *part)
{
    if (!strstr(s, part))
        fail_msg("nowhere: %s", part);
}

void assert_lacks(const char *s, const char *part)
{
    const char *p = strstr(s, part);
    if (p)
        fail_msg("should not be there: %.80s", p);
}

size_t fx_count(const char *s, const char *part)
{
    size_t n = 0;
    for (; (s = strstr(s, part)) != NULL; s += strlen(part))
        n++;
    return n;
}

void assert_one_line(const char *s)
{
    if (fx_count(s, "\n") != 1 || s[strlen(s) - 1] != '\n')
        fail_msg("not one line: %s", s);
}

void assert_same_file(const char *a, const char *b)
{
    char *x = NULL, *y = NULL;
    fx_slurp(fx_at(a), &x);
    fx_slurp(fx_at(b), &y);
    if (strcmp(x, y) != 0)
        fail_msg("%s and %s differ", a, b);
    free(x);
    free(y);
}

void need_gnuplot(void)
{
    struct arena a = {0};
    setenv("PATH", saved_path, 1);
    const bool there = gnuplot_find(&a) != NULL;
    arena_free(&a);
    if (!there) {
        print_message("gnuplot is not installed\n");
        skip();
    }
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int fx_set_up(void **state)
{
    (void)state;
    if (!had_path) {
        snprintf(saved_path, sizeof(saved_path), "%s", getenv("PATH") ? getenv("PATH") : "");
        had_path = true;
    }
    setenv("PATH", "", 1);
    snprintf(fx_dir, sizeof(fx_dir), "/tmp/bitjoule-report-XXXXXX");
    return mkdtemp(fx_dir) ? 0 : -1;
}

int fx_tear_down(void **state)
{
    (void)state;
    setenv("PATH", saved_path, 1);
    free(fx_out);
    free(fx_err);
    free(fx_text);
    fx_out = fx_err = fx_text = NULL;
    return nftw(fx_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- records made here ------------------------------------------------------------------------------------------------------- */

json_t *new_cell(const char *model, const char *format, int threads, const char *test, double median, double lo, double hi)
{
    char id[200];
    snprintf(id, sizeof(id), "%s/%s/t%d/%s", model, format, threads, test);
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:[f,f,f,f,f,f], s:i, s:{s:f, s:f, s:f}, s:{s:I}}", "id", id, "model",
                     model, "format", format, "embedding", "f16", "threads", threads, "test", test, "status", "ok", "samples_s",
                     1.0, 1.0, 1.0, 1.0, 1.0, 1.0, "repetitions", 6, "tokens_per_s", "median", median, "lo", lo, "hi", hi, "shape",
                     "params", (json_int_t)1000000);
}

json_t *new_record(json_t *cells)
{
    return json_pack("{s:i, s:{s:s, s:s}, s:{s:s}, s:o}", "schema", 1, "run", "id", "made", "suite", "made", "host", "cpu_model",
                     "Made", "cells", cells);
}

/* Writes the record, frees it, makes the report in dir/r; status of the command. */
int report_of(json_t *record)
{
    assert_int_equal(json_dump_file(record, fx_at("results.json"), 0), 0);
    json_decref(record);
    return run_report(fx_at("results.json"), "-o", fx_at("r"));
}
