/* Plays perf_event_open, read, ioctl and close of counters over a table of events. */
#include "tests/fake_perf.h"

#include <errno.h>
#include <string.h>

enum { FIRST_FD = 10000 };

struct event {
    bool open, on;
    struct perf_event_attr attr;
    pid_t pid;
    int leader;   /* index; its own: leads */
    size_t group; /* n-th group on its thread */
    uint64_t enabled_ns;
};

struct fake_perf fake;
static struct event events[FAKE_EVENTS];

void fake_reset(void)
{
    memset(&fake, 0, sizeof fake);
    memset(events, 0, sizeof events);
    fake.threads = FAKE_THREADS;
}

static const struct fake_rule *rule_of(uint32_t type, uint64_t config)
{
    static const struct fake_rule plain = {.per_ns = 1};
    for (size_t i = 0; i < fake.n_rules; i++)
        if (fake.rule[i].type == type && fake.rule[i].config == config)
            return &fake.rule[i];
    return &plain;
}

static int refusal(const struct perf_event_attr *attr, pid_t pid)
{
    if (fake.gone && pid == fake.gone)
        return ESRCH;
    if (fake.all_denied || (fake.kernel_denied && !attr->exclude_kernel))
        return EACCES;
    if (fake.limit && fake.n_open >= (size_t)fake.limit)
        return EMFILE;
    return rule_of(attr->type, attr->config)->refuse;
}

static size_t groups_of(pid_t pid)
{
    size_t n = 0;
    for (int i = 0; i < FAKE_EVENTS; i++)
        n += events[i].open && events[i].pid == pid && events[i].leader == i;
    return n;
}

static int play_open(const struct perf_event_attr *attr, pid_t pid, int cpu, int leader)
{
    const int why = refusal(attr, pid);
    int i = 0;
    if (why)
        return -why;
    if (cpu >= 0 && cpu < 64)
        fake.cpus |= (uint64_t)1 << cpu;
    fake.n_leaders += leader < 0;
    while (i < FAKE_EVENTS && events[i].open)
        i++;
    if (i == FAKE_EVENTS)
        return -EMFILE;
    const struct event *lead = leader >= FIRST_FD ? &events[leader - FIRST_FD] : NULL;
    fake.bad_calls += lead && (!lead->open || lead->pid != pid);
    fake.bad_calls += attr->size != sizeof *attr;
    fake.bad_calls += (attr->read_format & PERF_FORMAT_GROUP) && attr->inherit; /* old kernels refuse it */
    events[i] = (struct event){.open = true,
                               .attr = *attr,
                               .pid = pid,
                               .group = lead ? lead->group : groups_of(pid) % CHOOSE_GROUPS,
                               .leader = lead ? lead->leader : i};
    fake.last_flags =
        (attr->inherit ? 1u : 0) | (attr->disabled ? 2u : 0) | (attr->enable_on_exec ? 4u : 0) | (attr->exclude_kernel ? 8u : 0);
    fake.n_open++;
    fake.n_opened++;
    return FIRST_FD + i;
}

static int play_read(int fd, uint64_t value[3])
{
    struct event *e = &events[fd - FIRST_FD];
    const struct fake_rule *r = rule_of(e->attr.type, e->attr.config);
    const double share = fake.starve && e->attr.type != PERF_TYPE_SOFTWARE ? 0
                         : fake.share[e->group] > 0                        ? fake.share[e->group]
                                                                           : 1;
    fake.bad_calls += !e->open;
    if (r->unread)
        return -r->unread;
    value[1] = e->enabled_ns;
    value[2] = (uint64_t)((double)e->enabled_ns * share) + (fake.mad_times ? 1000 : 0);
    value[0] = (uint64_t)(r->per_ns * (double)value[2]) + fake.huge;
    return 0;
}

/* The leader's read: all that follow it, in the order in which they were opened. */
static int play_read_group(int fd, uint64_t *value, size_t n)
{
    uint64_t one[3] = {0};
    size_t found = 0;
    const int leader = fd - FIRST_FD;
    fake.bad_calls += !events[leader].open || !(events[leader].attr.read_format & PERF_FORMAT_GROUP);
    fake_run(fake.read_ns);
    for (int i = 0; i < FAKE_EVENTS; i++) {
        if (!events[i].open || events[i].leader != leader)
            continue;
        const int rc = play_read(FIRST_FD + i, one);
        if (rc)
            return rc;
        if (found < n)
            value[3 + found] = one[0];
        found++;
    }
    value[0] = found;
    value[1] = one[1];
    value[2] = one[2];
    return found == n ? 0 : -ENODATA;
}

static int play_control(int fd, unsigned long request)
{
    const int leader = fd - FIRST_FD;
    fake.bad_calls += !events[leader].open || events[leader].leader != leader;
    for (int i = 0; i < FAKE_EVENTS; i++)
        if (events[i].open && events[i].leader == leader)
            events[i].on = request == PERF_EVENT_IOC_ENABLE;
    return 0;
}

static void play_close(int fd)
{
    struct event *e = &events[fd - FIRST_FD];
    fake.bad_calls += !e->open;
    e->open = false;
    fake.n_open--;
}

static size_t play_threads(pid_t *tid, size_t cap)
{
    for (size_t i = 0; i < fake.threads && i < cap; i++)
        tid[i] = (pid_t)(100 + i);
    return fake.threads;
}

const struct counter_os fake_os = {.open = play_open,
                                   .read = play_read,
                                   .read_group = play_read_group,
                                   .control = play_control,
                                   .close = play_close,
                                   .threads = play_threads};

void fake_run(uint64_t ns)
{
    for (int i = 0; i < FAKE_EVENTS; i++)
        if (events[i].open && events[i].on)
            events[i].enabled_ns += ns;
}
