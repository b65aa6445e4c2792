/* The registry of probes, and the set that opens and drives all of them together.
 *
 * A window is started in registry order and stopped in reverse: the last entry reads its counters closest to the work. So the
 * slow memory accounting stands first, then energy, and last the event counters, which wait for no update of theirs: the reads of
 * the energy counters are not among the events. What takes time is prepared before the first start. Knows nothing about any single
 * probe. */
#include "profiles/probe.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const struct probe *const probes[] = {&probe_memory, &probe_software, &probe_energy, &probe_counters, NULL};

enum { N_PROBES = sizeof probes / sizeof probes[0] - 1 };

struct probe_set {
    void *state[N_PROBES];
};

int probe_set_open(const struct probe_env *env, struct probe_set **out)
{
    struct probe_set *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    for (size_t i = 0; i < N_PROBES; i++) {
        int rc = probes[i]->open(env, &s->state[i]);
        if (rc) {
            while (i--)
                probes[i]->close(s->state[i]);
            free(s);
            return rc;
        }
    }
    *out = s;
    return 0;
}

void probe_set_start(struct probe_set *s)
{
    for (size_t i = 0; i < N_PROBES; i++)
        if (probes[i]->prepare)
            probes[i]->prepare(s->state[i]);
    for (size_t i = 0; i < N_PROBES; i++)
        probes[i]->start(s->state[i]);
}

void probe_set_stop(struct probe_set *s)
{
    for (size_t i = N_PROBES; i--;)
        probes[i]->stop(s->state[i]);
}

double probe_set_keep_alive(struct probe_set *s)
{
    double next_s = INFINITY;
    for (size_t i = 0; i < N_PROBES; i++)
        if (probes[i]->keep_alive)
            next_s = fmin(next_s, probes[i]->keep_alive(s->state[i]));
    return next_s;
}

size_t probe_set_read(struct probe_set *s, struct metric *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < N_PROBES; i++)
        n += probes[i]->read(s->state[i], out + n, cap - n);
    return n;
}

void *probe_set_state(const struct probe_set *s, const struct probe *p)
{
    for (size_t i = 0; i < N_PROBES; i++)
        if (probes[i] == p)
            return s->state[i];
    return NULL;
}

void probe_set_close(struct probe_set *s)
{
    if (!s)
        return;
    for (size_t i = N_PROBES; i--;)
        probes[i]->close(s->state[i]);
    free(s);
}

const char *metric_status_name(enum metric_status s)
{
    static const char *const names[] = {"measured", "derived", "estimated", "unavailable"};
    return names[s];
}

void metric_set(struct metric *m, const char *name, const char *unit, enum metric_status status, double value, const char *source)
{
    snprintf(m->name, sizeof m->name, "%s", name);
    snprintf(m->source, sizeof m->source, "%s", source);
    m->unit = unit;
    m->status = status;
    m->value = value;
    m->reason[0] = '\0';
}

void metric_unavailable(struct metric *m, const char *name, const char *unit, const char *source, const char *reason)
{
    metric_set(m, name, unit, METRIC_UNAVAILABLE, (double)NAN, source);
    snprintf(m->reason, sizeof m->reason, "%s", reason);
}
