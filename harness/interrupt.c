/* Signals are blocked except while ppoll() waits: check and wait are one atomic step. The handlers are installed even where the
 * shell ignores SIGINT for background jobs: whoever sends it means it. */
#include "harness/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

static volatile sig_atomic_t seen;
static const int handled[] = {SIGINT, SIGTERM, SIGHUP};
enum { N_HANDLED = sizeof handled / sizeof handled[0] };

static void on_signal(int sig)
{
    seen = sig;
}

static void handled_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < N_HANDLED; i++)
        sigaddset(set, handled[i]);
}

void interrupt_install(void)
{
    struct sigaction act = {.sa_handler = on_signal};
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < N_HANDLED; i++)
        sigaction(handled[i], &act, NULL);
    sigset_t set;
    handled_set(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void interrupt_reset(void)
{
    for (size_t i = 0; i < N_HANDLED; i++)
        signal(handled[i], SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    sigset_t set;
    handled_set(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

bool interrupt_seen(void)
{
    return seen != 0;
}

int interrupt_poll(int fd, double timeout_s)
{
    sigset_t during;
    sigprocmask(SIG_BLOCK, NULL, &during);
    for (size_t i = 0; i < N_HANDLED; i++)
        sigdelset(&during, handled[i]);
    if (seen)
        return -EINTR;
    if (timeout_s < 0)
        timeout_s = 0;
    struct timespec t = {.tv_sec = (time_t)timeout_s};
    t.tv_nsec = (long)((timeout_s - (double)t.tv_sec) * 1e9);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    const int n = ppoll(&p, 1, &t, &during);
    if (n < 0)
        return errno == EINTR && !seen ? 0 : -errno;
    return n;
}
