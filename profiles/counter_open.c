/* Opens the events of a group, and puts the kernel's refusals into words.
 *
 * The events of a group are on the counters at the same time or not at all: the first leads, the others follow. Units outside of
 * the cores cannot do that (some refuse a group, some have fewer counters than a group has events), so there each event leads
 * itself. */
#include "profiles/counter_open.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "profiles/host_hypervisor.h"
#include "profiles/perf_call.h"
#include "profiles/sysfile.h"

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

const struct counter_os *counter_os_of(const struct counters *c)
{
    static const struct counter_os real = {.open = perf_call_open,
                                           .read = perf_call_read,
                                           .read_group = perf_call_read_group,
                                           .control = real_control,
                                           .close = real_close,
                                           .threads = counter_threads};
    const struct counter_seam *seam = c->env.counter_seam;
    return seam && seam->os ? seam->os : &real;
}

/* ---- names ---- */

void perf_group_encode(const struct counters *c, size_t g, const char *pmu, struct perf_group *out)
{
    const struct counter_group *group = c->choice[g].group;
    for (size_t i = 0; i < group->n_events; i++)
        out->named[i] = !counter_encode(&c->tables, pmu, group->event[i].name, &out->code[i], out->problem[i]);
}

void perf_group_renew(struct perf_group *pg)
{
    pg->user_only = false;
    for (size_t i = 0; i < GROUP_EVENTS; i++)
        if (pg->named[i])
            pg->problem[i][0] = '\0';
}

/* ---- refusals ---- */

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

/* The highest kernel.perf_event_paranoid with which this may be counted. */
static int paranoid_for(const struct counter_code *code, enum counter_scope scope)
{
    return scope == SCOPE_MACHINE ? 0 : code->in_kernel ? 1 : 2;
}

static void explain(const struct counters *c, const struct counter_code *code, enum counter_scope scope, int err,
                    char out[METRIC_REASON_LEN])
{
    char paranoid[16], absent[200];
    sysfile_text(paranoid, sizeof paranoid, env_procfs(&c->env), "sys/kernel/perf_event_paranoid");
    switch (err) {
    case EACCES:
    case EPERM:
        snprintf(out, METRIC_REASON_LEN,
                 "permission denied (perf_event_paranoid is %s). Let root type: sysctl kernel.perf_event_paranoid=%d, or: setcap "
                 "cap_perfmon=ep on the bitjoule program",
                 paranoid[0] ? paranoid : "not known", paranoid_for(code, scope));
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

/* ---- opening ---- */

static struct perf_event_attr attributes(const struct counter_code *code, enum counter_scope scope, bool leads, bool user_only)
{
    const bool alone = scope == SCOPE_MACHINE || scope == SCOPE_LAPS;
    const bool user = user_only || (scope == SCOPE_LAPS && !code->software); /* the reads are the kernel's work */
    return (struct perf_event_attr){.size = sizeof(struct perf_event_attr),
                                    .type = code->type,
                                    .config = code->config,
                                    .config1 = code->config1,
                                    .config2 = code->config2,
                                    .disabled = leads,
                                    .inherit = !alone,
                                    .enable_on_exec = leads && scope == SCOPE_CHILD,
                                    .exclude_kernel = user,
                                    .exclude_hv = user,
                                    .read_format = PERF_CALL_FORMAT | (scope == SCOPE_LAPS ? PERF_FORMAT_GROUP : 0)};
}

/* All events on one lane. -EAGAIN: to be done again in user mode. */
static int open_events(const struct counters *c, size_t g, struct perf_group *pg, const struct perf_target *t,
                       struct perf_lane *lane)
{
    const struct counter_os *os = counter_os_of(c);
    const struct counter_group *group = c->choice[g].group;
    for (size_t i = 0; i < group->n_events; i++) {
        if (!pg->named[i])
            continue;
        if (pg->user_only && pg->code[i].in_kernel) {
            explain(c, &pg->code[i], t->scope, EACCES, pg->problem[i]);
            continue;
        }
        const int leader = lane->apart ? -1 : lane->leader;
        const struct perf_event_attr attr = attributes(&pg->code[i], t->scope, leader < 0, pg->user_only);
        const int fd = os->open(&attr, t->pid, t->cpu, leader);
        if (fd == -ESRCH)
            return fd;
        if ((fd == -EACCES || fd == -EPERM) && !pg->user_only && t->scope != SCOPE_MACHINE) {
            pg->user_only = true;
            return -EAGAIN;
        }
        if (fd < 0) {
            explain(c, &pg->code[i], t->scope, -fd, pg->problem[i]);
            continue;
        }
        lane->fd[i] = fd;
        if (lane->leader < 0)
            lane->leader = fd;
    }
    return 0;
}

int perf_lane_control(const struct counter_os *os, const struct perf_lane *lane, unsigned long request)
{
    int rc = 0;
    for (size_t i = 0; i < GROUP_EVENTS && !rc; i++)
        if (lane->fd[i] >= 0 && (lane->apart || lane->fd[i] == lane->leader))
            rc = os->control(lane->fd[i], request);
    return rc;
}

void perf_lane_close(const struct counter_os *os, struct perf_lane *lane)
{
    for (size_t i = GROUP_EVENTS; i--;) { /* the leader last */
        if (lane->fd[i] >= 0)
            os->close(lane->fd[i]);
        lane->fd[i] = -1;
    }
    lane->leader = -1;
}

/* The first refusal to watch the kernel turns the whole group to user mode. */
int perf_group_open(const struct counters *c, size_t g, struct perf_group *pg, const struct perf_target *t, struct perf_lane *lane)
{
    *lane = (struct perf_lane){.leader = -1, .apart = c->choice[g].group->uncore.n > 0};
    memset(lane->fd, 0xff, sizeof lane->fd); /* all -1 */
    int rc = open_events(c, g, pg, t, lane);
    if (rc == -EAGAIN) {
        perf_lane_close(counter_os_of(c), lane);
        rc = open_events(c, g, pg, t, lane);
    }
    if (rc)
        perf_lane_close(counter_os_of(c), lane);
    return rc;
}
