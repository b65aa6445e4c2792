/* Tries likwid in a forked child with a time limit; the answer comes through a pipe. */
#include "profiles/likwid_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRIAL_MS = 10000 };

static bool is_setuid_root(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_uid == 0 && (st.st_mode & S_ISUID) && (st.st_mode & S_IXOTH);
}

static bool has_daemon(void)
{
    static const char *const paths[] = {"/usr/sbin/likwid-accessD", "/usr/sbin/likwid/likwid-accessD",
                                        "/usr/local/sbin/likwid-accessD"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (is_setuid_root(paths[i]))
            return true;
    return false;
}

const char *likwid_denied(void)
{
    return geteuid() == 0 || has_daemon() ? NULL
                                          : "likwid-accessD is not setuid root. Let root type: chown root "
                                            "/usr/sbin/likwid-accessD && chmod u+s /usr/sbin/likwid-accessD";
}

/* In the child: the answer goes into the pipe. It ends by a signal, so that no exit handler of anybody runs. */
static void child(int (*try)(void *arg), void *arg, int answer)
{
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
        dup2(null, STDERR_FILENO);
    const int rc = try(arg);
    while (write(answer, &rc, sizeof rc) < 0 && errno == EINTR)
        ;
    for (;;)
        kill(getpid(), SIGKILL);
}

int likwid_trial(int (*try)(void *arg), void *arg)
{
    int answer[2], rc = -EIO;
    if (pipe2(answer, O_CLOEXEC))
        return -errno;
    const pid_t pid = fork();
    if (pid == 0)
        child(try, arg, answer[1]);
    close(answer[1]);
    struct pollfd wait = {.fd = answer[0], .events = POLLIN};
    if (pid < 0 || poll(&wait, 1, TRIAL_MS) <= 0 || read(answer[0], &rc, sizeof rc) != (ssize_t)sizeof rc)
        rc = -EIO;
    close(answer[0]);
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return rc;
}
