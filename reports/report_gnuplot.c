/* gnuplot as a child process: found in PATH, started without a shell and without the user's start-up file, in the C locale. */
#include "reports/report_plots.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

const char *gnuplot_find(struct arena *a)
{
    const char *path = getenv("PATH");
    for (const char *end; path && *path; path = *end ? end + 1 : end) {
        end = strchrnul(path, ':');
        const char *file = arena_fmt(a, "%.*s/gnuplot", (int)(end - path), path);
        if (file[0] == '/' && access(file, X_OK) == 0)
            return file;
    }
    return NULL;
}

/* The environment with LC_ALL=C, so that numbers have points everywhere. NULL: no memory. */
static char **environment(void)
{
    static char locale[] = "LC_ALL=C";
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **env = calloc(n + 2, sizeof(*env));
    if (!env)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "LC_ALL=", 7) != 0)
            env[kept++] = environ[i];
    env[kept] = locale;
    return env;
}

/* Starts it with all output in the file `log`. */
static int start(const char *gnuplot, const char *dir, const char *script, bool no_png, int log, pid_t *pid)
{
    char name[] = "gnuplot", defaults[] = "-d", run[] = "-e", all[] = "formats='svg png'", svg[] = "formats='svg'";
    char *file = strdup(script), **env = environment();
    char *argv[] = {name, defaults, run, no_png ? svg : all, file, NULL};
    posix_spawn_file_actions_t act;
    int rc = file && env ? posix_spawn_file_actions_init(&act) : ENOMEM;
    if (rc == 0) {
        rc = posix_spawn_file_actions_addopen(&act, 0, "/dev/null", O_RDONLY, 0);
        if (rc == 0)
            rc = posix_spawn_file_actions_adddup2(&act, log, 1);
        if (rc == 0)
            rc = posix_spawn_file_actions_adddup2(&act, log, 2);
        if (rc == 0)
            rc = posix_spawn_file_actions_addchdir_np(&act, dir);
        if (rc == 0)
            rc = posix_spawn(pid, gnuplot, &act, NULL, argv, env);
        posix_spawn_file_actions_destroy(&act);
    }
    free(file);
    free(env);
    return -rc;
}

/* The last line that says something: gnuplot echoes the script and a caret before it names line and error. */
static void last_words(FILE *log, char *out, size_t size)
{
    char line[300];
    snprintf(out, size, "no message");
    rewind(log);
    while (fgets(line, sizeof(line), log)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (strspn(line, " \t^") != strlen(line))
            snprintf(out, size, "%s", line);
    }
}

int gnuplot_run(const char *gnuplot, const char *dir, const char *script, bool no_png, char err[REPORT_ERR_LEN])
{
    pid_t pid = 0;
    int status = 0;
    char said[300];
    FILE *log = tmpfile();
    if (!log) {
        const int rc = -errno;
        snprintf(err, REPORT_ERR_LEN, "%s: no temporary file: %s", script, strerror(errno));
        return rc;
    }
    int rc = start(gnuplot, dir, script, no_png, fileno(log), &pid);
    if (rc != 0)
        snprintf(err, REPORT_ERR_LEN, "%s: cannot start %s: %s", script, gnuplot, strerror(-rc));
    while (rc == 0 && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            rc = -errno;
    if (rc == 0 && status != 0) {
        last_words(log, said, sizeof(said));
        snprintf(err, REPORT_ERR_LEN, "%s: gnuplot ended with status %d: %s", script, WIFEXITED(status) ? WEXITSTATUS(status) : 128,
                 said);
        rc = -EIO;
    }
    fclose(log);
    return rc;
}
