/* Back-end "perf": groups of events through perf_event_open().
 *
 * A lane is a thread, a command or a CPU. On each lane every group is one perf group: its events are on the counters at the same
 * time or not at all. The events of threads are opened anew before each window, since a session makes its own threads, and
 * inherit: threads and children that begin inside the window are counted too. Old kernels refuse one read of a whole group that
 * inherits, so every event is read by itself, with its own times; the group still keeps them together. An event that the machine
 * does not have is left out of its group and says why. Where the kernel may not be watched, user mode alone is counted, and
 * said. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "profiles/counter_backend.h"
#include "profiles/host_hypervisor.h"
#include "profiles/perf_call.h"
#include "profiles/sysfile.h"

enum { MAX_LANES = 4096 };

/* ---- the kernel ---- */

static int real_control(int fd, unsigned long request)
{
    return ioctl(fd, request, PERF_IOC_FLAG_GROUP) ? -errno : 0;
}

static void real_close(int fd)
{
    close(fd);
}

size_t counter_threads(pid_t *tid, size_t cap)
{
    size_t n = 0;
    DIR *dir = opendir("/proc/self/task");
    for (struct dirent *e; dir && (e = readdir(dir));) {
        const long id = strtol(e->d_name, NULL, 10);
        if (id > 0 && n++ < cap)
            tid[n - 1] = (pid_t)id;
    }
    if (dir)
        closedir(dir);
    return n;
}

static const struct counter_os real_os = {perf_call_open, perf_call_read, real_control, real_close, counter_threads};

/* ---- what is open ---- */

struct lane {
    int fd[CHOOSE_GROUPS][GROUP_EVENTS]; /* -1: not open */
    int leader[CHOOSE_GROUPS];           /* fd of the group's first event that could be opened; -1: none */
};

struct perf_group {
    struct counter_code code[GROUP_EVENTS];
    char problem[GROUP_EVENTS][METRIC_REASON_LEN]; /* the event cannot be named or opened */
    bool named[GROUP_EVENTS];
    bool user_only;
};

struct perf {
    const struct counter_os *os;
    struct perf_group group[CHOOSE_GROUPS];
    struct lane *lane;
    size_t n_lanes;
    enum counter_scope scope;
    char problem[METRIC_REASON_LEN]; /* of this window: lanes that could not be opened */
};

static int perf_open(struct counters *c)
{
    const struct counter_seam *seam = c->env.counter_seam;
    struct perf *p = calloc(1, sizeof *p);
    c->own = p;
    if (!p)
        return -ENOMEM;
    p->os = seam && seam->os ? seam->os : &real_os;
    for (size_t g = 0; g < c->n; g++)
        for (size_t i = 0; i < c->choice[g].group->n_events; i++)
            p->group[g].named[i] = !counter_encode(&c->tables, c->choice[g].pmu[0] ? c->choice[g].pmu : NULL,
                                                   c->choice[g].group->event[i].name, &p->group[g].code[i], p->group[g].problem[i]);
    return 0;
}

static void close_lanes(struct perf *p)
{
    for (size_t l = 0; l < p->n_lanes; l++)
        for (size_t k = 0; k < CHOOSE_GROUPS * GROUP_EVENTS; k++) {
            const int fd = p->lane[l].fd[k / GROUP_EVENTS][GROUP_EVENTS - 1 - k % GROUP_EVENTS]; /* leaders last */
            if (fd >= 0)
                p->os->close(fd);
        }
    free(p->lane);
    p->lane = NULL;
    p->n_lanes = 0;
}

/* ---- opening ---- */

void counter_explain_absent(const struct counters *c, char *out, size_t len)
{
    char hypervisor[64];
    if (host_hypervisor_name(&c->env, hypervisor, sizeof hypervisor))
        snprintf(out, len,
                 "virtual machine (%s), whose host does not pass the CPU's counters on. Measure on the host, or let it "
                 "switch the guest's PMU on (QEMU: -cpu host,pmu=on)",
                 hypervisor);
    else
        snprintf(out, len, "this CPU or its kernel does not offer it; bitjoule doctor shows what there is");
}

static void explain(const struct counters *c, const struct counter_code *code, int err, char out[METRIC_REASON_LEN])
{
    char paranoid[16], absent[200];
    sysfile_text(paranoid, sizeof paranoid, env_procfs(&c->env), "sys/kernel/perf_event_paranoid");
    switch (err) {
    case EACCES:
    case EPERM:
        snprintf(out, METRIC_REASON_LEN,
                 "permission denied (perf_event_paranoid is %s). Let root type: sysctl kernel.perf_event_paranoid=%d, or: setcap "
                 "cap_perfmon=ep on the bitjoule program",
                 paranoid[0] ? paranoid : "not known", code->in_kernel ? 1 : 2);
        break;
    case ENOENT:
    case ENODEV:
    case EOPNOTSUPP:
        counter_explain_absent(c, absent, sizeof absent);
        snprintf(out, METRIC_REASON_LEN, "no such counter here (%s): %s", strerror(err), absent);
        break;
    case EINVAL:
        snprintf(out, METRIC_REASON_LEN, "the kernel refuses it: unknown to this CPU, or more events than it can count at once");
        break;
    case EMFILE:
    case ENFILE:
        snprintf(out, METRIC_REASON_LEN, "too many open files: one per event and thread is needed. Type: ulimit -n 65536");
        break;
    case ENOSYS: snprintf(out, METRIC_REASON_LEN, "this kernel, or the emulator, has no perf_event_open"); break;
    case EBUSY: snprintf(out, METRIC_REASON_LEN, "another program has the counters for itself (EBUSY). End it"); break;
    default: snprintf(out, METRIC_REASON_LEN, "perf_event_open: %s", strerror(err));
    }
}

static struct perf_event_attr attributes(const struct counter_code *code, enum counter_scope scope, bool leads, bool user_only)
{
    return (struct perf_event_attr){.size = sizeof(struct perf_event_attr),
                                    .type = code->type,
                                    .config = code->config,
                                    .config1 = code->config1,
                                    .config2 = code->config2,
                                    .disabled = leads,
                                    .inherit = scope != SCOPE_MACHINE,
                                    .enable_on_exec = leads && scope == SCOPE_CHILD,
                                    .exclude_kernel = user_only,
                                    .exclude_hv = user_only,
                                    .read_format = PERF_CALL_FORMAT};
}

/* One thing to count: a thread or command, or a CPU. */
struct target {
    enum counter_scope scope;
    pid_t pid;
    int cpu;
};

static int open_event(const struct perf *p, const struct counter_code *code, const struct target *t, int leader, bool user_only)
{
    const struct perf_event_attr attr = attributes(code, t->scope, leader < 0, user_only);
    return p->os->open(&attr, t->pid, t->cpu, leader);
}

/* All events of a group on one lane. The first refusal to watch the kernel turns the whole group to user mode. -ESRCH: the thread
 * has ended; -EAGAIN: to be done again in user mode. */
static int open_group(struct counters *c, struct perf *p, size_t g, const struct target *t, struct lane *lane)
{
    struct perf_group *pg = &p->group[g];
    const size_t n = c->choice[g].group->n_events;
    for (size_t i = 0; i < n; i++) {
        if (!pg->named[i])
            continue;
        if (pg->user_only && pg->code[i].in_kernel) {
            explain(c, &pg->code[i], EACCES, pg->problem[i]);
            continue;
        }
        const int fd = open_event(p, &pg->code[i], t, lane->leader[g], pg->user_only);
        if (fd == -ESRCH)
            return fd;
        if ((fd == -EACCES || fd == -EPERM) && !pg->user_only && t->scope != SCOPE_MACHINE) {
            pg->user_only = true;
            return -EAGAIN;
        }
        if (fd < 0) {
            explain(c, &pg->code[i], -fd, pg->problem[i]);
            continue;
        }
        lane->fd[g][i] = fd;
        if (lane->leader[g] < 0)
            lane->leader[g] = fd;
    }
    return 0;
}

static void close_group(const struct perf *p, struct lane *lane, size_t g)
{
    for (size_t i = GROUP_EVENTS; i--;) {
        if (lane->fd[g][i] >= 0)
            p->os->close(lane->fd[g][i]);
        lane->fd[g][i] = -1;
    }
    lane->leader[g] = -1;
}

static void open_lane(struct counters *c, struct perf *p, const struct target *t)
{
    struct lane *lane = &p->lane[p->n_lanes++];
    memset(lane, 0xff, sizeof *lane); /* all -1 */
    for (size_t g = 0; g < c->n; g++) {
        int rc = open_group(c, p, g, t, lane);
        if (rc == -EAGAIN) {
            close_group(p, lane, g);
            rc = open_group(c, p, g, t, lane);
        }
        if (rc == -ESRCH)
            close_group(p, lane, g);
    }
}

static size_t find_targets(const struct perf *p, enum counter_scope scope, pid_t pid, struct target *t)
{
    static pid_t tid[MAX_LANES];
    size_t n = 1;
    if (scope == SCOPE_CHILD) {
        t[0] = (struct target){scope, pid, -1};
    } else if (scope == SCOPE_MACHINE) {
        const long cpus = sysconf(_SC_NPROCESSORS_CONF);
        n = cpus > 0 && cpus < MAX_LANES ? (size_t)cpus : 1;
        for (size_t i = 0; i < n; i++)
            t[i] = (struct target){scope, -1, (int)i};
    } else {
        n = p->os->threads(tid, MAX_LANES);
        for (size_t i = 0; i < n && i < MAX_LANES; i++)
            t[i] = (struct target){scope, tid[i], -1};
    }
    return n;
}

static void perf_prepare(struct counters *c, enum counter_scope scope, pid_t pid)
{
    static struct target target[MAX_LANES];
    struct perf *p = c->own;
    close_lanes(p);
    p->scope = scope;
    p->problem[0] = '\0';
    for (size_t g = 0; g < c->n; g++) {
        p->group[g].user_only = false;
        for (size_t i = 0; i < GROUP_EVENTS; i++)
            if (p->group[g].named[i])
                p->group[g].problem[i][0] = '\0';
    }
    const size_t n = find_targets(p, scope, pid, target);
    if (n == 0 || n > MAX_LANES) {
        snprintf(p->problem, sizeof p->problem, n ? "more than %d threads" : "the threads of this process cannot be listed",
                 MAX_LANES);
        return;
    }
    p->lane = calloc(n, sizeof *p->lane);
    if (!p->lane) {
        snprintf(p->problem, sizeof p->problem, "out of memory");
        return;
    }
    for (size_t i = 0; i < n; i++)
        open_lane(c, p, &target[i]);
}

/* ---- the window ---- */

static void control_all(struct counters *c, unsigned long request)
{
    struct perf *p = c->own;
    for (size_t l = 0; l < p->n_lanes; l++)
        for (size_t g = 0; g < c->n; g++) {
            const int rc = p->lane[l].leader[g] >= 0 ? p->os->control(p->lane[l].leader[g], request) : 0;
            if (rc)
                snprintf(p->problem, sizeof p->problem, "the counters cannot be switched %s: %s",
                         request == PERF_EVENT_IOC_ENABLE ? "on" : "off", strerror(-rc));
        }
}

static void perf_start(struct counters *c)
{
    const struct perf *p = c->own;
    if (p->scope != SCOPE_CHILD) /* there the exec does it */
        control_all(c, PERF_EVENT_IOC_ENABLE);
}

static void perf_stop(struct counters *c)
{
    control_all(c, PERF_EVENT_IOC_DISABLE);
}

/* ---- the result ---- */

struct sum {
    double count, enabled, running;
    size_t lanes;
    bool starved; /* a lane ran without ever having the counters */
};

/* Adds one lane's reading, extrapolated by its own times. NULL, or what is wrong. */
static const char *add_lane(struct sum *s, const uint64_t value[3])
{
    if (value[0] > INT64_MAX)
        return "the count is beyond 2^63: the counter ran over or is broken";
    if (value[2] > value[1])
        return "the kernel's times contradict each other: on the counter for longer than switched on";
    s->lanes++;
    s->enabled += (double)value[1];
    s->running += (double)value[2];
    if (value[2])
        s->count += (double)value[0] * ((double)value[1] / (double)value[2]);
    else if (value[1])
        s->starved = true;
    return NULL;
}

static void sum_event(const struct perf *p, size_t g, size_t i, struct sum *s, char problem[METRIC_REASON_LEN])
{
    for (size_t l = 0; l < p->n_lanes; l++) {
        uint64_t value[3];
        const int fd = p->lane[l].fd[g][i];
        const int rc = fd < 0 ? 0 : p->os->read(fd, value);
        const char *wrong = fd < 0 || rc ? NULL : add_lane(s, value);
        if (rc || wrong) {
            snprintf(problem, METRIC_REASON_LEN, "%s", rc ? strerror(-rc) : wrong);
            return;
        }
    }
    if (s->starved)
        snprintf(problem, METRIC_REASON_LEN,
                 "was never on a counter although its thread ran: others hold them (as root: sysctl kernel.nmi_watchdog=0), "
                 "or the group needs more than there are");
    else if (!s->lanes)
        snprintf(problem, METRIC_REASON_LEN, "%s", p->n_lanes ? "no thread was left to count" : "no window was counted yet");
}

static void perf_counted(struct counters *c, size_t g, struct counted *out)
{
    const struct perf *p = c->own;
    const struct perf_group *pg = &p->group[g];
    double enabled = 0, running = 0;
    size_t have = 0;
    *out = (struct counted){.share = 1, .user_only = pg->user_only ? "perf_event_paranoid" : NULL};
    snprintf(out->problem, sizeof out->problem, "%s", p->problem);
    for (size_t i = 0; i < c->choice[g].group->n_events; i++) {
        struct sum s = {.count = 0};
        char *problem = out->event_problem[i];
        snprintf(problem, METRIC_REASON_LEN, "%s", pg->problem[i]);
        if (!problem[0] && !p->problem[0])
            sum_event(p, g, i, &s, problem);
        out->count[i] = problem[0] ? (double)NAN : s.count;
        enabled += s.enabled;
        running += s.running;
        have += !problem[0];
    }
    out->share = enabled > 0 ? running / enabled : 1;
    if (!have && !out->problem[0])
        snprintf(out->problem, sizeof out->problem, "%s", out->event_problem[0]);
}

static void perf_close(struct counters *c)
{
    struct perf *p = c->own;
    if (p)
        close_lanes(p);
    free(p);
}

const struct counter_backend counter_perf = {
    .name = "perf",
    .title = "the kernel's perf_event_open, events by their kernel or libpfm4 names",
    .default_groups = "basic,software",
    .open = perf_open,
    .prepare = perf_prepare,
    .start = perf_start,
    .stop = perf_stop,
    .counted = perf_counted,
    .close = perf_close,
};
