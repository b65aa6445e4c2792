/* posix_spawn with all output in a temporary file, of which the last words are kept for a message. */
#include "reports/report_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

const char *child_find(struct arena *a, const char *name)
{
    const char *path = getenv("PATH");
    for (const char *end; path && *path; path = *end ? end + 1 : end) {
        end = strchrnul(path, ':');
        const char *file = arena_fmt(a, "%.*s/%s", (int)(end - path), path, name);
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

/* In a process group of its own, so that a time-out ends its helpers, too. */
static int spawn_in_group(const struct child *c, int log, char **env, pid_t *pid)
{
    posix_spawn_file_actions_t act;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&act);
    if (rc)
        return rc;
    rc = posix_spawnattr_init(&attr);
    if (rc) {
        posix_spawn_file_actions_destroy(&act);
        return rc;
    }
    rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
    rc = rc ? rc : posix_spawn_file_actions_addopen(&act, 0, "/dev/null", O_RDONLY, 0);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(&act, log, 1);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(&act, log, 2);
    rc = rc ? rc : posix_spawn_file_actions_addchdir_np(&act, c->dir);
    rc = rc ? rc : posix_spawn(pid, c->file, &act, &attr, (char *const *)c->argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&act);
    return rc;
}

/* The last line that says something: gnuplot echoes the script and a caret before it names line and error. */
static void last_words(FILE *log, char said[CHILD_SAID_LEN])
{
    char line[CHILD_SAID_LEN];
    snprintf(said, CHILD_SAID_LEN, "no message");
    rewind(log);
    while (fgets(line, sizeof(line), log)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (strspn(line, " \t^") != strlen(line))
            snprintf(said, CHILD_SAID_LEN, "%s", line);
    }
}

/* 0 and *status, or a negative errno. There is no waitpid() with a limit; a look every few milliseconds costs nothing here. */
static int wait_for(pid_t pid, unsigned limit_s, int *status)
{
    const struct timespec nap = {.tv_nsec = 5000000};
    struct timespec now, start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        const pid_t got = waitpid(pid, status, WNOHANG);
        if (got == pid)
            return 0;
        if (got < 0 && errno != EINTR)
            return -errno;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - start.tv_sec > (time_t)limit_s) {
            kill(-pid, SIGKILL);
            while (waitpid(pid, status, 0) < 0 && errno == EINTR)
                ;
            return -ETIMEDOUT;
        }
        nanosleep(&nap, NULL);
    }
}

int child_run(const struct child *c, char said[CHILD_SAID_LEN])
{
    pid_t pid = 0;
    int status = 0;
    FILE *log = tmpfile();
    if (!log)
        return -errno;
    char **env = environment();
    int rc = env ? -spawn_in_group(c, fileno(log), env, &pid) : -ENOMEM;
    if (rc == 0)
        rc = wait_for(pid, c->limit_s, &status);
    if (rc == 0 && status != 0) {
        last_words(log, said);
        rc = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    }
    free(env);
    fclose(log);
    return rc;
}
