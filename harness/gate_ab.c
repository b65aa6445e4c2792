/* The experiment is the one of `bench`, as a process of its own: its exit status, interruption and record are then those of a
 * bench run. */
#include "harness/gate_ab.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/args.h"
#include "engine/config_path.h"
#include "harness/gate_count.h"
#include "harness/saved_record.h"

enum { PATH_LEN = 4096, EXIT_RUN_FAILED = 4 };

static int run_bench(const struct gate_config *g, const struct gate_ab *ab)
{
    int status = 0;
    char *const argv[] = {"bitjoule",        "bench",       "-c", (char *)g->suite, "--against", (char *)ab->base, "--program",
                          (char *)ab->fresh, "--no-report", "-o", (char *)ab->dir,  NULL};
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO); /* its table is progress here */
        execv("/proc/self/exe", argv);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

int gate_ab_run(const struct gate_config *g, const struct gate_ab *ab, json_t **record)
{
    char err[SAVED_ERR_LEN];
    const int status = run_bench(g, ab);
    if (status == EXIT_BAD_INPUT)
        return EXIT_BAD_INPUT;      /* it has said why */
    if (status != 0 && status != 1) /* 1: a cell failed, and the record tells which */
        return args_complain("gate", EXIT_RUN_FAILED, "the run of both programs ended with exit status %d", status);
    *record = saved_record_load(ab->dir, err);
    return *record ? 0 : args_complain("gate", EXIT_RUN_FAILED, "%s", err);
}

static int add(struct comparison_table *t, const char *cell, const char *metric, double base, double fresh, const char *reason)
{
    const double value[2] = {base, fresh};
    return comparison_add_exact(t, cell, metric, value, reason);
}

/* A model that the gate names: as it is when it exists, else beside configs/. */
static const char *model_path(const char *name, char path[PATH_LEN])
{
    char gate[PATH_LEN];
    if (!strncmp(name, "synth:", 6) || !access(name, R_OK) || config_path("gates", "ci", gate, sizeof gate))
        return name;
    char *configs = strstr(gate, "configs/gates/");
    snprintf(path, PATH_LEN, "%.*s%s", configs ? (int)(configs - gate) : 0, gate, name);
    return path;
}

static int count_format(const struct gate_config *g, const struct gate_ab *ab, const char *format, struct comparison_table *t)
{
    char cell[COMPARISON_CELL_LEN], path[PATH_LEN], reason[2 * GATE_COUNT_REASON_LEN];
    struct gate_count base, fresh;
    const char *model = model_path(g->count_model, path), *slash = strrchr(g->count_model, '/');
    snprintf(cell, sizeof cell, "%.120s/%.40s/count", slash ? slash + 1 : g->count_model, format);
    gate_count_tokens(ab->base, model, format, g->count_tokens, &base);
    gate_count_tokens(ab->fresh, model, format, g->count_tokens, &fresh);
    snprintf(reason, sizeof reason, "%s: %.250s", base.reason[0] ? "base" : "new", base.reason[0] ? base.reason : fresh.reason);
    int rc = 0;
    if (gate_config_metric(g, compared_metric_find("instructions_per_token")))
        rc = add(t, cell, "instructions_per_token", base.instructions_per_token, fresh.instructions_per_token, reason);
    if (!rc && gate_config_metric(g, compared_metric_find("allocations_per_token")))
        rc = add(t, cell, "allocations_per_token", base.allocations_per_token, fresh.allocations_per_token, reason);
    return rc;
}

int gate_ab_count(const struct gate_config *g, const struct gate_ab *ab, struct comparison_table *t)
{
    int rc = 0;
    for (size_t i = 0; g->count_model[0] && i < g->count_formats.n && !rc; i++)
        rc = count_format(g, ab, g->count_formats.v[i], t);
    if (!rc && gate_config_metric(g, compared_metric_find("binary_bytes")))
        rc = add(t, "program", "binary_bytes", gate_binary_bytes(ab->base), gate_binary_bytes(ab->fresh), "no ELF file");
    return rc;
}
