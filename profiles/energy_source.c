/* What the energy sources share: the list of channels, one channel per thing, clocks, CPU topology.
 *
 * The same package can show up several times: through MSR, MMIO and TPMI zones, or as dies whose counters are copies of one. Such
 * copies are found here, once for all sources: by name where the names are equal, by their values where dies mirror a socket. */
#include "profiles/energy_source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "profiles/host_hypervisor.h"
#include "profiles/sysfile.h"
#include "profiles/time_clock.h"

/* ---- clocks and roots ---- */

double energy_now_s(const struct probe_env *env)
{
    return env->seam && env->seam->now_s ? env->seam->now_s() : time_now_s();
}

double energy_real_s(const struct probe_env *env)
{
    struct timespec t;
    if (env->seam && env->seam->now_s)
        return env->seam->now_s();
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void energy_sleep_s(const struct probe_env *env, double s)
{
    if (env->seam && env->seam->sleep_s)
        env->seam->sleep_s(s);
    else
        nanosleep(&(struct timespec){.tv_sec = (time_t)s, .tv_nsec = (long)(1e9 * (s - floor(s)))}, NULL);
}

bool energy_env_is_real(const struct probe_env *env)
{
    return !env->sysfs || strcmp(env->sysfs, "/sys") == 0;
}

/* ---- files ---- */

int energy_open_file(const struct probe_env *env, const char *fmt, ...)
{
    char path[SYSFILE_PATH_LEN];
    const int n = snprintf(path, sizeof path, "%s/", env_sysfs(env));
    va_list ap;
    va_start(ap, fmt);
    const int m = n < (int)sizeof path ? vsnprintf(path + n, sizeof path - (size_t)n, fmt, ap) : 0;
    va_end(ap);
    if (n + m >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, O_RDONLY | O_CLOEXEC);
}

int energy_read_file(int fd, uint64_t *out)
{
    char text[32];
    const ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    return parse_u64(text, out) ? -ENODATA : 0;
}

bool energy_glob(const struct probe_env *env, const char *pattern, glob_t *out)
{
    char full[2 * SYSFILE_PATH_LEN];
    size_t n = 0;
    for (const char *p = env_sysfs(env); *p && n + 2 < SYSFILE_PATH_LEN; p++) { /* the root is a name, not a pattern */
        if (strchr("*?[]\\", *p))
            full[n++] = '\\';
        full[n++] = *p;
    }
    snprintf(full + n, sizeof full - n, "/%s", pattern);
    if (glob(full, 0, NULL, out) == 0)
        return true;
    globfree(out);
    return false;
}

/* ---- channels ---- */

struct energy_channel *energy_add(struct energy_channels *c)
{
    struct energy_channel *bigger = realloc(c->ch, (c->n + 1) * sizeof *bigger);
    if (!bigger)
        return NULL;
    c->ch = bigger;
    c->ch[c->n] = (struct energy_channel){.fd = -1};
    return &c->ch[c->n++];
}

void energy_trouble(struct energy_channels *c, enum energy_trouble t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->problem, sizeof c->problem, fmt, ap);
    va_end(ap);
    c->trouble = t;
}

void energy_absent_x86(struct energy_channels *c, const char *what, const char *remedy)
{
    char hypervisor[64];
#if !defined(__x86_64__)
    remedy = "Energy counters of this kind exist on x86 only";
#endif
    if (host_hypervisor_name(&c->env, hypervisor, sizeof hypervisor))
        energy_trouble(c, ENERGY_ABSENT,
                       "%s. This is a virtual machine (%s), and those rarely get energy counters: measure on the host", what,
                       hypervisor);
    else
        energy_trouble(c, ENERGY_ABSENT, "%s. %s", what, remedy);
}

void energy_channels_free(struct energy_channels *c)
{
    if (c->source && c->source->close)
        c->source->close(c);
    for (size_t i = 0; i < c->n; i++)
        if (c->ch[i].fd >= 0)
            close(c->ch[i].fd);
    free(c->ch);
    c->ch = NULL;
    c->own = NULL;
    c->n = 0;
}

static int compare_ints(int a, int b)
{
    return (a > b) - (a < b);
}

/* By thing; of one thing the usable ones first, then by rank. */
static int by_thing(const void *pa, const void *pb)
{
    const struct energy_channel *a = pa, *b = pb;
    int d = compare_ints((int)a->domain, (int)b->domain);
    d = d ? d : compare_ints(a->socket, b->socket);
    d = d ? d : compare_ints(a->die, b->die);
    if (!d && a->domain == ENERGY_RAIL)
        d = strcmp(a->label, b->label);
    d = d ? d : compare_ints(a->problem[0] != '\0', b->problem[0] != '\0');
    d = d ? d : compare_ints(a->rank, b->rank);
    return d ? d : strcmp(a->label, b->label);
}

static void drop(struct energy_channels *c, size_t i)
{
    if (c->ch[i].fd >= 0)
        close(c->ch[i].fd);
    c->n--;
    memmove(&c->ch[i], &c->ch[i + 1], (c->n - i) * sizeof c->ch[0]);
}

/* Sorted, so two channels of one thing are neighbours and the better one comes first. Power sources may have several parts
 * of one package (core and SoC regulators), so only counters are looked at. */
static void drop_same_thing(struct energy_channels *c)
{
    for (size_t i = 1; i < c->n;) {
        const struct energy_channel *a = &c->ch[i - 1], *b = &c->ch[i];
        if (a->domain != ENERGY_RAIL && a->domain == b->domain && a->socket == b->socket && a->die == b->die)
            drop(c, i);
        else
            i++;
    }
}

/* ---- mirrored dies ---- */

enum { MIRROR_ROUNDS = 6 };
static const double mirror_pause_s = 0.0025;
/* Two copies of one counter are updated about every 1 ms and not at the same instant: 2 kW for 2 ms. */
static const double mirror_slack_j = 4.0;

static bool read_pair(struct energy_channels *c, size_t a, size_t b, uint64_t *x, uint64_t *y)
{
    if (c->source->refresh)
        c->source->refresh(c);
    return !c->source->count(c, a, x) && !c->source->count(c, b, y);
}

/* True when b shows a's counter. Absolute counters: equal in at least one round and never further apart than the slack; two
 * independent microjoule counters that happen to run this close are equal in a given round with a chance below 1e-4.
 * Relative ones: most of the steps between rounds are equal to the last count, and not all of them 0. */
static bool mirrors(struct energy_channels *c, size_t a, size_t b)
{
    uint64_t x[MIRROR_ROUNDS], y[MIRROR_ROUNDS];
    int equal = 0, moved = 0, same = 0;
    for (int i = 0; i < MIRROR_ROUNDS; i++) {
        if (!read_pair(c, a, b, &x[i], &y[i]))
            return false;
        const uint64_t apart = x[i] > y[i] ? x[i] - y[i] : y[i] - x[i], around = c->ch[a].max_count - apart;
        const double apart_j = c->ch[a].unit_j * (double)(apart < around ? apart : around);
        if (!c->relative && apart_j > mirror_slack_j)
            return false;
        equal += apart == 0;
        moved += i && x[i] != x[i - 1];
        same += i && x[i] - x[i - 1] == y[i] - y[i - 1];
        energy_sleep_s(&c->env, mirror_pause_s);
    }
    return c->relative ? moved >= 2 && same >= MIRROR_ROUNDS / 2 : equal > 0;
}

static void drop_mirrored_dies(struct energy_channels *c)
{
    for (size_t i = 0; i < c->n; i++)
        for (size_t j = i + 1; j < c->n;) {
            const struct energy_channel *a = &c->ch[i], *b = &c->ch[j];
            const bool one_socket = a->domain == b->domain && a->socket == b->socket && !a->problem[0] && !b->problem[0];
            const bool of_dies = a->domain <= ENERGY_UNCORE && c->source != &energy_perf_core; /* whose dies are cores */
            if (one_socket && of_dies && a->max_count == b->max_count && mirrors(c, i, j))
                drop(c, j);
            else
                j++;
        }
}

void energy_settle(struct energy_channels *c)
{
    if (c->n == 0)
        return;
    qsort(c->ch, c->n, sizeof c->ch[0], by_thing);
    if (c->source->kind != ENERGY_COUNTER)
        return;
    drop_same_thing(c);
    drop_mirrored_dies(c);
}

/* ---- CPUs ---- */

char energy_cpu_vendor(const struct probe_env *env, int *family, int *model)
{
    char vendor[32] = "", number[16] = "";
    uint64_t v;
    char *text = sysfile_all(env_procfs(env), "cpuinfo");
    text_field(text, "vendor_id", ':', vendor, sizeof vendor);
    text_field(text, "cpu family", ':', number, sizeof number);
    *family = parse_u64(number, &v) || v > 4096 ? -1 : (int)v;
    text_field(text, "model", ':', number, sizeof number);
    *model = parse_u64(number, &v) || v > 4096 ? -1 : (int)v;
    free(text);
    if (strcmp(vendor, "GenuineIntel") == 0)
        return 'I';
    return strcmp(vendor, "AuthenticAMD") == 0 || strcmp(vendor, "HygonGenuine") == 0 ? 'A' : '\0';
}

bool energy_parse_package(const char *name, int *socket, int *die)
{
    int used = 0;
    *die = 0;
    if (sscanf(name, "package-%3d-die-%3d%n", socket, die, &used) == 2 && used > 0 && !name[used])
        return *socket >= 0 && *die >= 0;
    used = 0;
    return sscanf(name, "package-%3d%n", socket, &used) == 1 && used > 0 && !name[used] && *socket >= 0;
}

static int topology_number(const struct probe_env *env, int cpu, const char *file)
{
    uint64_t v;
    return sysfile_u64(&v, env_sysfs(env), "devices/system/cpu/cpu%d/topology/%s", cpu, file) || v > 65535 ? 0 : (int)v;
}

void energy_cpu_place(const struct probe_env *env, int cpu, int *socket, int *die, int *core)
{
    *socket = topology_number(env, cpu, "physical_package_id");
    *die = topology_number(env, cpu, "die_id");
    *core = topology_number(env, cpu, "core_id");
}

int energy_cpu_list(const char *text, int *cpus, int cap)
{
    int n = 0;
    while (*text && !isspace((unsigned char)*text)) {
        int first, last, used = 0;
        if (sscanf(text, "%5d%n", &first, &used) != 1 || first < 0)
            return -1;
        text += used;
        last = first;
        if (*text == '-') {
            if (sscanf(text, "-%5d%n", &last, &used) != 1 || last < first)
                return -1;
            text += used;
        }
        for (int cpu = first; cpu <= last && n < cap; cpu++)
            cpus[n++] = cpu;
        if (*text == ',')
            text++;
        else if (*text && !isspace((unsigned char)*text))
            return -1;
    }
    return n;
}

static bool known_place(const struct energy_place *p, int n, int socket, int die)
{
    for (int i = 0; i < n; i++)
        if (p[i].socket == socket && p[i].die == die)
            return true;
    return false;
}

int energy_places(const struct probe_env *env, struct energy_place **out)
{
    enum { MAX_CPUS = 8192 }; /* the most that a kernel of x86 can be built for */
    static int list[MAX_CPUS];
    char online[4096];
    int n = 0, cap = 0, socket, die, core;
    *out = NULL;
    if (sysfile_text(online, sizeof online, env_sysfs(env), "devices/system/cpu/online") < 0)
        snprintf(online, sizeof online, "0");
    const int n_cpus = energy_cpu_list(online, list, MAX_CPUS);
    for (int i = 0; i < n_cpus || n == 0; i++) {
        const int cpu = i < n_cpus ? list[i] : 0; /* no such list: CPU 0 */
        energy_cpu_place(env, cpu, &socket, &die, &core);
        if (known_place(*out, n, socket, die))
            continue;
        cap = n == cap ? 2 * cap + 4 : cap;
        struct energy_place *bigger = realloc(*out, (size_t)cap * sizeof *bigger);
        if (!bigger) {
            free(*out);
            *out = NULL;
            return -ENOMEM;
        }
        *out = bigger;
        bigger[n++] = (struct energy_place){.cpu = cpu, .socket = socket, .die = die};
    }
    return n;
}

static bool has_channel(const struct energy_channels *c, enum energy_domain d, const struct energy_place *p)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->ch[i].domain == d && (!p || (c->ch[i].socket == p->socket && c->ch[i].die == p->die)))
            return true;
    return false;
}

int energy_add_missing(struct energy_channels *c, const struct energy_place *place, int n)
{
    for (enum energy_domain d = 0; d < ENERGY_DOMAINS; d++)
        for (const struct energy_place *p = place; p < place + n; p++) {
            if (d == ENERGY_PSYS || !has_channel(c, d, NULL) || has_channel(c, d, p))
                continue;
            struct energy_channel *ch = energy_add(c);
            if (!ch)
                return -ENOMEM;
            snprintf(ch->label, sizeof ch->label, "%s cpu%d", c->source->name, p->cpu);
            snprintf(ch->name, sizeof ch->name, "package-%d", p->socket);
            ch->domain = d;
            ch->socket = p->socket;
            ch->die = p->die;
            snprintf(ch->problem, sizeof ch->problem, "%s (%s): %s", ch->label, ch->name,
                     p->problem[0] ? p->problem : "has no such counter that can be read, although another package has one");
        }
    return 0;
}

/* ---- names ---- */

const char *energy_domain_name(enum energy_domain d)
{
    static const char *const names[ENERGY_DOMAINS] = {"pkg", "dram", "core", "uncore", "psys", "board", "pmic", "rail"};
    return names[d];
}

const char *energy_kind_name(enum energy_kind k)
{
    static const char *const names[] = {"counter", "integrated power", "external meter"};
    return names[k];
}
