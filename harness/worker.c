/* The parent's side of a worker: start, call, reap. Every way in which a worker can end becomes one line of text. */
#include "harness/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/interrupt.h"
#include "harness/json_util.h"
#include "profiles/time_clock.h"

enum { MAX_LINE = 64 * 1024 * 1024, READ_STEP = 65536, HELLO_S = 60 };

struct worker {
    struct worker *next; /* of all that this process has started */
    pid_t pid;           /* -1: gone */
    int fd;
    char *buf;
    size_t used, cap;
};

static struct worker *started;

static void forget(struct worker *w)
{
    struct worker **at = &started;
    while (*at && *at != w)
        at = &(*at)->next;
    if (*at)
        *at = w->next;
}

/* ---- start ---------------------------------------------------------------------------------------------------------- */

/* The out-of-memory killer shall take the worker, not the process that keeps the results. Raising the score needs no right. */
static void offer_to_oom_killer(void)
{
    const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, "500", 3) != 3)
        fprintf(stderr, "bitjoule: worker keeps its out-of-memory score\n");
    close(fd);
}

/* Becomes another program, which finds the connection under the same number. */
static void become(const char *program, int fd)
{
    char number[16];
    snprintf(number, sizeof number, "%d", fd);
    fcntl(fd, F_SETFD, 0);
    execl(program, "bitjoule", "worker", "--fd", number, (char *)NULL);
    fprintf(stderr, "bitjoule: %s: %s\n", program, strerror(errno));
    _exit(127);
}

static void child_main(int fd, pid_t parent, const struct worker_options *opt, const char *program)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before prctl() */
        _exit(0);
    for (const struct worker *w = started; w; w = w->next) /* the connections of its siblings are none of its business */
        if (w->fd >= 0)
            close(w->fd);
    interrupt_reset();
    offer_to_oom_killer();
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO); /* stdout carries the parent's table */
    if (program)
        become(program, fd);
    worker_serve(fd, opt);
    _exit(0);
}

static int start(const struct worker_options *opt, const char *program, struct worker **out, char reason[WORKER_REASON_LEN])
{
    int fds[2] = {-1, -1};
    struct worker *w = calloc(1, sizeof *w);
    const pid_t parent = getpid();
    int rc = w ? 0 : -ENOMEM;
    if (!rc && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
        rc = -errno;
    if (!rc) {
        fflush(NULL);
        w->pid = fork();
        if (w->pid < 0)
            rc = -errno;
    }
    if (!rc && w->pid == 0) {
        close(fds[0]);
        child_main(fds[1], parent, opt, program);
    }
    if (fds[1] >= 0)
        close(fds[1]);
    if (rc) {
        snprintf(reason, WORKER_REASON_LEN, "cannot start a worker process: %s", strerror(-rc));
        if (fds[0] >= 0)
            close(fds[0]);
        free(w);
        return rc;
    }
    setpgid(w->pid, w->pid); /* both sides do it: neither may run ahead */
    w->fd = fds[0];
    w->next = started;
    started = w;
    *out = w;
    return 0;
}

bool worker_alive(const struct worker *w)
{
    return w && w->pid > 0;
}

/* ---- end ------------------------------------------------------------------------------------------------------------ */

static void describe_end(int status, char reason[WORKER_REASON_LEN])
{
    if (WIFSIGNALED(status)) {
        const int sig = WTERMSIG(status);
        const char *name = sigabbrev_np(sig);
        snprintf(reason, WORKER_REASON_LEN, "worker killed by SIG%s%s%s", name ? name : "?",
                 sig == SIGKILL ? " (out of memory?)" : "", WCOREDUMP(status) ? ", core dumped" : "");
    } else
        snprintf(reason, WORKER_REASON_LEN, "worker exited with status %d without an answer", WEXITSTATUS(status));
}

/* Kills the whole group, reaps, closes. A worker that is dead already keeps its own wait status, and as long as it is not reaped
 * its number cannot belong to anyone else. */
static int reap(struct worker *w)
{
    int status = 0;
    kill(-w->pid, SIGKILL);
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(w->fd);
    w->pid = -1;
    w->fd = -1;
    return status;
}

static bool dies_within(const struct worker *w, double seconds)
{
    const double deadline = time_now_s() + seconds;
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        if (!waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOWAIT | WNOHANG) && info.si_pid)
            return true;
        if (time_now_s() > deadline)
            return false;
        usleep(2000);
    }
}

/* The stream has ended: the worker is dead, or will be soon. It may finish dying by itself, so that the status is its own. */
static void bury(struct worker *w, char reason[WORKER_REASON_LEN])
{
    const bool dead = dies_within(w, 10);
    const int status = reap(w);
    if (dead)
        describe_end(status, reason);
    else
        snprintf(reason, WORKER_REASON_LEN, "worker closed its connection without an answer");
}

void worker_stop(struct worker *w)
{
    if (!w)
        return;
    if (worker_alive(w)) {
        static const char quit[] = "{\"cmd\": \"quit\"}\n";
        if (send(w->fd, quit, sizeof quit - 1, MSG_NOSIGNAL) == (ssize_t)(sizeof quit - 1))
            dies_within(w, 5);
        reap(w);
    }
    forget(w);
    free(w->buf);
    free(w);
}

/* ---- call ----------------------------------------------------------------------------------------------------------- */

static int send_line(struct worker *w, const json_t *cmd)
{
    char *text = json_dumps(cmd, JSON_COMPACT);
    if (!text)
        return -ENOMEM;
    const size_t len = strlen(text);
    text[len] = '\n'; /* in place of the NUL */
    int rc = 0;
    for (size_t done = 0; !rc && done <= len;) {
        const ssize_t n = send(w->fd, text + done, len + 1 - done, MSG_NOSIGNAL);
        if (n < 0)
            rc = errno == EINTR ? 0 : -errno;
        else
            done += (size_t)n;
    }
    free(text);
    return rc;
}

/* 1: a line is in buf, its length (with the newline) in *len. 0: timeout. Negative: -EPIPE the stream ended, -EINTR, ... */
static int receive_line(struct worker *w, double timeout_s, size_t *len)
{
    const double deadline = time_now_s() + timeout_s;
    for (;;) {
        const char *end = w->used ? memchr(w->buf, '\n', w->used) : NULL;
        if (end) {
            *len = (size_t)(end - w->buf) + 1;
            return 1;
        }
        const double left = deadline - time_now_s();
        const int ready = interrupt_poll(w->fd, left);
        if (ready < 0 || (ready == 0 && left <= 0))
            return ready;
        if (ready == 0)
            continue;
        if (w->used + READ_STEP > w->cap) {
            char *grown = w->cap < MAX_LINE ? realloc(w->buf, w->cap + 4 * READ_STEP) : NULL;
            if (!grown)
                return -EMSGSIZE;
            w->buf = grown;
            w->cap += 4 * READ_STEP;
        }
        const ssize_t n = recv(w->fd, w->buf + w->used, READ_STEP, 0);
        if (n <= 0)
            return -EPIPE;
        w->used += (size_t)n;
    }
}

static void show_garbage(const char *line, size_t len, char reason[WORKER_REASON_LEN])
{
    char shown[61];
    size_t n = len - 1 < sizeof shown - 1 ? len - 1 : sizeof shown - 1;
    for (size_t i = 0; i < n; i++)
        shown[i] = line[i] >= ' ' && line[i] < 127 ? line[i] : '?';
    shown[n] = 0;
    snprintf(reason, WORKER_REASON_LEN, "worker answered with something that is no reply: '%s'", shown);
}

/* Takes the line out of the buffer and looks at it. */
static enum worker_result take_reply(struct worker *w, size_t len, json_t **reply, char reason[WORKER_REASON_LEN])
{
    json_t *r = json_loadb(w->buf, len, JSON_REJECT_DUPLICATES, NULL);
    const char *error = json_string_value(json_object_get(r, "error"));
    enum worker_result result = WORKER_OK;
    if (!json_is_object(r) || w->used != len) { /* an answer nobody asked for is nonsense too */
        show_garbage(w->buf, len, reason);
        reap(w);
        result = WORKER_DIED;
    } else if (error) {
        snprintf(reason, WORKER_REASON_LEN, "%s", error);
        result = WORKER_REFUSED;
    }
    w->used = 0;
    if (result == WORKER_OK)
        *reply = r;
    else
        json_decref(r);
    return result;
}

enum worker_result worker_call(struct worker *w, json_t *cmd, double timeout_s, json_t **reply, char reason[WORKER_REASON_LEN])
{
    size_t len = 0;
    *reply = NULL;
    int rc = cmd ? send_line(w, cmd) : -ENOMEM;
    json_decref(cmd);
    if (!rc)
        rc = receive_line(w, timeout_s, &len);
    if (rc == 1)
        return take_reply(w, len, reply, reason);
    if (rc == -EPIPE || rc == -ECONNRESET) {
        bury(w, reason);
        return WORKER_DIED;
    }
    reap(w);
    if (rc == -EINTR) {
        snprintf(reason, WORKER_REASON_LEN, "interrupted");
        return WORKER_INTERRUPTED;
    }
    if (rc == 0) {
        snprintf(reason, WORKER_REASON_LEN, "timed out after %.3g s", timeout_s);
        return WORKER_TIMED_OUT;
    }
    if (rc == -EMSGSIZE)
        snprintf(reason, WORKER_REASON_LEN, "worker answered with a line of more than %d bytes", MAX_LINE);
    else
        snprintf(reason, WORKER_REASON_LEN, "cannot talk to the worker: %s", strerror(-rc));
    return WORKER_DIED;
}

/* ---- another program ------------------------------------------------------------------------------------------------ */

static json_t *hello_command(const struct worker_options *opt)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "cmd", "hello", "isa", json_text_or_null(opt->isa), "sysfs",
                     json_text_or_null(opt->env.sysfs), "procfs", json_text_or_null(opt->env.procfs), "energy_source",
                     json_text_or_null(opt->env.energy_source), "counters", json_text_or_null(opt->env.counters),
                     "counter_groups", json_text_or_null(opt->env.counter_groups));
}

/* What a program that cannot serve says, or how it ends, is wrapped into a line that says what was expected of it. */
static int greet(struct worker *w, const struct worker_options *opt, const char *program, char reason[WORKER_REASON_LEN])
{
    char why[WORKER_REASON_LEN];
    json_t *reply = NULL;
    const enum worker_result rc = worker_call(w, hello_command(opt), HELLO_S, &reply, why);
    const json_int_t protocol = json_integer_value(json_object_get(reply, "protocol"));
    json_decref(reply);
    if (rc == WORKER_INTERRUPTED) {
        snprintf(reason, WORKER_REASON_LEN, "interrupted");
        return -EINTR;
    }
    if (rc != WORKER_OK) {
        snprintf(reason, WORKER_REASON_LEN, "%.100s cannot serve as a worker of this program (protocol %d): %.90s", program,
                 WORKER_PROTOCOL, why);
        return -EPROTO;
    }
    if (protocol == WORKER_PROTOCOL)
        return 0;
    snprintf(reason, WORKER_REASON_LEN,
             "%.100s speaks worker protocol %lld, this program %d: build both from sources that have the same", program,
             (long long)protocol, WORKER_PROTOCOL);
    return -EPROTO;
}

int worker_start(const struct worker_options *opt, const char *program, struct worker **out, char reason[WORKER_REASON_LEN])
{
    int rc = start(opt, program, out, reason);
    if (!rc && program && (rc = greet(*out, opt, program, reason))) {
        worker_stop(*out);
        *out = NULL;
    }
    return rc;
}
