/* A child with its output in a pipe; nothing of the shell. */
#include "profiles/vcgencmd.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int read_output(int fd, char *text, size_t len)
{
    size_t n = 0;
    for (;;) {
        const ssize_t got = read(fd, text + n, len - 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    text[n] = '\0';
    return n ? 0 : -ENODATA;
}

int vcgencmd_run(const char *word, char *text, size_t len)
{
    char name[] = "vcgencmd", argument[32];
    char *argv[] = {name, argument, NULL};
    posix_spawn_file_actions_t actions;
    int out[2], status = 0;
    pid_t pid;
    size_t i = 0;
    for (; i < sizeof argument - 1 && word[i]; i++)
        argument[i] = word[i];
    argument[i] = '\0';
    if (pipe2(out, O_CLOEXEC))
        return -errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    const int err = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    int rc = err ? -err : read_output(out[0], text, len);
    close(out[0]);
    while (!err && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return rc || !status ? rc : -EIO;
}
