/* Another program as a workload: every repetition runs its command once and waits.
 *
 * {model}, {threads}, {n_prompt}, {n_gen} and {out} in the command are replaced, paths as shell words; /bin/sh runs it. Its time is the
 * mean of samples_ns in the llama-bench JSON on its standard output (or in the file {out}), so loading does not count; with
 * `time = wall` it is the time from start to exit. It ran in a process of its own: the peak of its memory is that of wait4(). */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/llama_bench.h"
#include "harness/workload.h"
#include "profiles/time_clock.h"

enum { COMMAND_LEN = 8192, RUNS_MAX = 4096, REPLY_MAX = 16 << 20 };

struct external {
    struct workload_params p;
    char command[COMMAND_LEN], out[64]; /* out: path of {out}; "": the command has none */
    double time_s, peak_bytes;          /* of the last run; the largest so far */
};

static void external_teardown(void *state)
{
    struct external *w = state;
    if (w && w->out[0])
        unlink(w->out);
    free(w);
}

/* Appends text, or false when there is no room. */
static bool put(char *dst, const char *text)
{
    const size_t at = strlen(dst), len = strlen(text);
    if (at + len >= COMMAND_LEN)
        return false;
    memcpy(dst + at, text, len + 1);
    return true;
}

/* A path as one word of the shell: '...' with every ' as '\''. */
static bool put_path(char *dst, const char *path)
{
    bool ok = put(dst, "'");
    for (; *path && ok; path++) {
        const char one[] = {*path, 0};
        ok = put(dst, *path == '\'' ? "'\\''" : one);
    }
    return ok && put(dst, "'");
}

static bool put_number(char *dst, unsigned v)
{
    char text[16];
    snprintf(text, sizeof text, "%u", v);
    return put(dst, text);
}

/* One placeholder at *s, or one byte. */
static bool put_next(struct external *w, const char **s)
{
    static const char *const names[] = {"{model}", "{out}", "{threads}", "{n_prompt}", "{n_gen}"};
    const unsigned numbers[] = {0, 0, w->p.threads, w->p.n_prompt, w->p.n_gen};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strncmp(*s, names[i], strlen(names[i]))) {
            *s += strlen(names[i]);
            return i == 0   ? put_path(w->command, w->p.model)
                   : i == 1 ? put_path(w->command, w->out)
                            : put_number(w->command, numbers[i]);
        }
    const char one[] = {*(*s)++, 0};
    return put(w->command, one);
}

static int external_setup(const struct model *m, struct session *s, const struct workload_params *p, void **state,
                          char err[MODEL_ERR_LEN])
{
    struct external *w = calloc(1, sizeof *w);
    (void)m, (void)s;
    if (!w)
        return -ENOMEM;
    w->p = *p;
    if (strstr(p->text, "{out}")) {
        snprintf(w->out, sizeof w->out, "/tmp/bitjoule-out-XXXXXX");
        const int fd = mkstemp(w->out);
        if (fd < 0 || close(fd)) {
            snprintf(err, MODEL_ERR_LEN, "%s: %s", w->out, strerror(errno));
            free(w);
            return -EIO;
        }
    }
    bool ok = true;
    for (const char *c = p->text; *c && ok;)
        ok = put_next(w, &c);
    if (!ok) {
        snprintf(err, MODEL_ERR_LEN, "[external] command: longer than %d bytes", COMMAND_LEN);
        external_teardown(w);
        return -EINVAL;
    }
    *state = w;
    return 0;
}

/* ---- one run -------------------------------------------------------------------------------------------------------- */

/* Runs the command with its standard output in `out`. 0 or a negative errno; -ECHILD: it failed. */
static int run_command(struct external *w, FILE *out)
{
    struct rusage use;
    int status = 0;
    const double before = time_now_s();
    const pid_t worker = getpid(), pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a run that is killed leaves nothing behind that would load the machine */
        if (getppid() != worker)
            _exit(127);
        dup2(fileno(out), STDOUT_FILENO);
        execl("/bin/sh", "sh", "-c", w->command, (char *)NULL);
        _exit(127);
    }
    while (wait4(pid, &status, 0, &use) < 0)
        if (errno != EINTR)
            return -errno;
    w->time_s = time_now_s() - before;
    w->peak_bytes = fmax(w->peak_bytes, (double)use.ru_maxrss * 1024);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static char *read_all(FILE *f, size_t *len)
{
    char *text = malloc(REPLY_MAX);
    rewind(f);
    *len = text ? fread(text, 1, REPLY_MAX, f) : 0;
    return text;
}

/* The entry of this test; its mean time. NAN: there is none. */
static double time_of(const struct external *w, const json_t *entries)
{
    size_t i;
    const json_t *e;
    json_array_foreach(entries, i, e)
    {
        double v[RUNS_MAX], sum = 0;
        const size_t all = llama_bench_samples(e, v, RUNS_MAX), n = all < RUNS_MAX ? all : RUNS_MAX;
        const bool mine = json_integer_value(json_object_get(e, "n_prompt")) == (json_int_t)w->p.n_prompt &&
                          json_integer_value(json_object_get(e, "n_gen")) == (json_int_t)w->p.n_gen;
        for (size_t k = 0; k < n; k++)
            sum += v[k];
        if (mine && n)
            return sum / (double)n;
    }
    return (double)NAN;
}

/* What the program itself says it took. */
static int take_time(struct external *w, FILE *out)
{
    char err[LLAMA_BENCH_ERR_LEN];
    size_t len = 0;
    FILE *f = w->out[0] ? fopen(w->out, "re") : out;
    char *text = f ? read_all(f, &len) : NULL;
    json_t *entries = text ? llama_bench_parse(text, len, "its output", err) : NULL;
    w->time_s = time_of(w, entries);
    if (f && f != out)
        fclose(f);
    free(text);
    json_decref(entries);
    return w->time_s > 0 ? 0 : -EPROTO;
}

static int external_run(void *state, double *token_s)
{
    struct external *w = state;
    (void)token_s;
    FILE *out = tmpfile();
    if (!out)
        return -errno;
    int rc = run_command(w, out);
    if (!rc && !w->p.wall_time)
        rc = take_time(w, out);
    fclose(out);
    return rc;
}

static double external_time(const void *state)
{
    return ((const struct external *)state)->time_s;
}

static void external_reset(void *state)
{
    (void)state;
}

static struct workload_work external_work(const void *state)
{
    const struct external *w = state;
    return (struct workload_work){.tokens = (double)w->p.n_prompt + w->p.n_gen, .int8_macs = NAN, .fma_macs = NAN, .bytes = NAN};
}

static const int32_t *external_output(const void *state, size_t *n)
{
    static const int32_t none;
    (void)state;
    *n = 0;
    return &none;
}

static size_t external_metrics(const void *state, struct metric *out, size_t cap)
{
    if (!cap)
        return 0;
    metric_set(out, "rss_peak_bytes", "bytes", METRIC_MEASURED, ((const struct external *)state)->peak_bytes, "wait4");
    return 1;
}

const struct workload workload_external = {
    .name = "external",
    .setup = external_setup,
    .run = external_run,
    .time_s = external_time,
    .reset = external_reset,
    .work = external_work,
    .output = external_output,
    .metrics = external_metrics,
    .teardown = external_teardown,
};
