/* The simulated tree: plain files in a folder of mkdtemp.
 *
 * Counters are written with one pwrite of fixed width into an open file, so that a reader which keeps the file open (as the sources
 * do) never sees half a number. The ledger of what was counted is kept beside the files and is the truth for tests: it does not
 * depend on when the driver thread, or the reader of the simulated clock, got to run. */
#include "tests/sim_sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "profiles/time_clock.h"

enum { MAX_ZONES = 32, PATH_LEN = 512 };

struct zone {
    enum sim_view view;
    int fd, mirror_of; /* mirror_of: -1 or the zone that is shown instead */
    uint64_t offset, range, value, total;
    double unit_j;
    double watts, then_watts, after_s, noise, grid_s;
    double joules; /* the truth: what the power profile gave so far */
    uint64_t step; /* updates so far */
    uint32_t random;
};

struct sim {
    char root[64];
    struct zone zone[MAX_ZONES];
    int n;
    double clock_s;
    pthread_mutex_t lock;
    pthread_t thread;
    bool driving, quit;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "simulated tree: %s: %s\n", what, strerror(errno));
    abort();
}

struct sim *sim_new(void)
{
    struct sim *s = calloc(1, sizeof *s);
    must(s != NULL, "memory");
    snprintf(s->root, sizeof s->root, "/tmp/bitjoule-sim-XXXXXX");
    must(mkdtemp(s->root) != NULL, s->root);
    must(chmod(s->root, 0755) == 0, s->root); /* readable for a test that gave up its rights */
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

const char *sim_root(const struct sim *s)
{
    return s->root;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void sim_free(struct sim *s)
{
    sim_stop(s);
    for (int i = 0; i < s->n; i++)
        if (s->zone[i].fd >= 0)
            close(s->zone[i].fd);
    must(nftw(s->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0, s->root);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static void full_path(const struct sim *s, const char *path, char out[PATH_LEN])
{
    must(snprintf(out, PATH_LEN, "%s/%s", s->root, path) < PATH_LEN, path);
}

/* Makes the folders above the last '/'. */
static void make_parents(char *path, size_t root_len)
{
    for (char *p = strchr(path + root_len + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        must(mkdir(path, 0755) == 0 || errno == EEXIST, path);
        *p = '/';
    }
}

void sim_write(const struct sim *s, const char *path, const char *fmt, ...)
{
    char full[PATH_LEN];
    full_path(s, path, full);
    make_parents(full, strlen(s->root));
    FILE *f = fopen(full, "w");
    must(f != NULL, full);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    must(fclose(f) == 0, full);
}

void sim_mkdir(const struct sim *s, const char *path)
{
    char full[PATH_LEN];
    full_path(s, path, full);
    make_parents(full, strlen(s->root));
    unlink(full);
    must(mkdir(full, 0755) == 0, full);
}

void sim_unlink(const struct sim *s, const char *path)
{
    char full[PATH_LEN];
    full_path(s, path, full);
    must(unlink(full) == 0, full);
}

void sim_chmod(const struct sim *s, const char *path, unsigned mode)
{
    char full[PATH_LEN];
    full_path(s, path, full);
    must(chmod(full, (mode_t)mode) == 0, full);
}

/* ---- zones ---- */

static double power_at(const struct zone *z, double t)
{
    return t < z->after_s ? z->watts : z->then_watts;
}

static void show(const struct sim *s, const struct zone *z)
{
    char text[32];
    const struct zone *shown = z->mirror_of >= 0 ? &s->zone[z->mirror_of] : z;
    const double watts = power_at(z, (double)z->step * z->grid_s);
    const uint64_t number = z->view == SIM_POWER_TEXT ? (uint64_t)(watts / z->unit_j + 0.5) : shown->value;
    const int n = snprintf(text, sizeof text, "%020" PRIu64 "\n", number);
    if (z->view == SIM_COUNT_MSR)
        must(pwrite(z->fd, &shown->value, 8, (off_t)z->offset) == 8, "msr");
    else if (z->view != SIM_COUNT_ONLY)
        must(pwrite(z->fd, text, (size_t)n, 0) == n, "counter");
}

int sim_meter(struct sim *s, enum sim_view view, const char *path, uint64_t offset, double unit_j, uint64_t range, uint64_t start)
{
    char full[PATH_LEN];
    must(s->n < MAX_ZONES, "too many zones");
    struct zone *z = &s->zone[s->n];
    *z = (struct zone){.view = view,
                       .fd = -1,
                       .mirror_of = -1,
                       .offset = offset,
                       .range = range,
                       .value = start,
                       .unit_j = unit_j,
                       .grid_s = 0.001,
                       .random = 1 + (uint32_t)s->n};
    if (path) {
        full_path(s, path, full);
        make_parents(full, strlen(s->root));
        z->fd = open(full, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        must(z->fd >= 0, full);
    }
    show(s, z);
    return s->n++;
}

int sim_zone(struct sim *s, const char *dir, const char *name, uint64_t range_uj, uint64_t start_uj)
{
    char path[PATH_LEN];
    snprintf(path, sizeof path, "class/powercap/%s/name", dir);
    sim_write(s, path, "%s\n", name);
    snprintf(path, sizeof path, "class/powercap/%s/max_energy_range_uj", dir);
    sim_write(s, path, "%" PRIu64 "\n", range_uj);
    snprintf(path, sizeof path, "class/powercap/%s/energy_uj", dir);
    return sim_meter(s, SIM_COUNT_TEXT, path, 0, 1e-6, range_uj, start_uj);
}

void sim_zone_mirror(struct sim *s, int z, int of)
{
    s->zone[z].mirror_of = of;
    show(s, &s->zone[z]);
}

static void advance_locked(struct sim *s, struct zone *z, uint64_t counts)
{
    z->total += counts;
    z->value = z->range == UINT64_MAX ? z->value + counts : (z->value + counts) % (z->range + 1);
    show(s, z);
    for (int i = 0; i < s->n; i++)
        if (s->zone[i].mirror_of >= 0 && &s->zone[s->zone[i].mirror_of] == z)
            show(s, &s->zone[i]);
}

void sim_advance(struct sim *s, int z, uint64_t counts)
{
    pthread_mutex_lock(&s->lock);
    advance_locked(s, &s->zone[z], counts);
    pthread_mutex_unlock(&s->lock);
}

void sim_set(struct sim *s, int z, uint64_t count)
{
    s->zone[z].value = count;
    show(s, &s->zone[z]);
}

void sim_vanish(struct sim *s, int z)
{
    must(ftruncate(s->zone[z].fd, 0) == 0, "counter");
}

/* ---- power ---- */

void sim_power(struct sim *s, int z, double watts, double then_watts, double after_s)
{
    s->zone[z].watts = watts;
    s->zone[z].then_watts = then_watts;
    s->zone[z].after_s = after_s;
    show(s, &s->zone[z]);
}

void sim_noise(struct sim *s, int z, double share)
{
    s->zone[z].noise = share;
}

void sim_grid(struct sim *s, int z, double grid_s)
{
    s->zone[z].grid_s = grid_s;
}

/* From -1 to 1. */
static double next_random(struct zone *z)
{
    z->random = z->random * 1664525u + 1013904223u;
    return (double)z->random / 2147483648.0 - 1;
}

/* Brings a zone to time t: all updates of its grid up to then, shown once. A late caller loses nothing. */
static void bring_to(struct sim *s, struct zone *z, double t)
{
    const uint64_t step = (uint64_t)(t / z->grid_s);
    if (z->watts <= 0 || step <= z->step)
        return;
    const uint64_t before = (uint64_t)(z->joules / z->unit_j);
    for (; z->step < step; z->step++)
        z->joules += z->grid_s * power_at(z, ((double)z->step + 0.5) * z->grid_s) * (1 + z->noise * next_random(z));
    advance_locked(s, z, (uint64_t)(z->joules / z->unit_j) - before);
}

static void *drive(void *arg)
{
    struct sim *s = arg;
    double start_s = time_now_s();
    for (bool quit = false; !quit;) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        pthread_mutex_lock(&s->lock);
        for (int i = 0; i < s->n; i++)
            bring_to(s, &s->zone[i], time_now_s() - start_s);
        quit = s->quit;
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

void sim_drive(struct sim *s)
{
    s->quit = false;
    must(pthread_create(&s->thread, NULL, drive, s) == 0, "thread");
    s->driving = true;
}

void sim_stop(struct sim *s)
{
    if (!s->driving)
        return;
    pthread_mutex_lock(&s->lock);
    s->quit = true;
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    s->driving = false;
}

/* ---- the simulated clock ---- */

static struct sim *clock_sim;

void sim_sleep(struct sim *s, double seconds)
{
    s->clock_s += seconds;
    for (int i = 0; i < s->n; i++)
        bring_to(s, &s->zone[i], s->clock_s);
}

static double clock_now_s(void)
{
    sim_sleep(clock_sim, 20e-6);
    return clock_sim->clock_s;
}

static void clock_sleep_s(double s)
{
    sim_sleep(clock_sim, s);
}

const struct energy_seam *sim_clock(struct sim *s)
{
    static const struct energy_seam seam = {.now_s = clock_now_s, .sleep_s = clock_sleep_s};
    clock_sim = s;
    return &seam;
}

double sim_time_s(const struct sim *s)
{
    return s->clock_s;
}

/* ---- the truth ---- */

uint64_t sim_total(struct sim *s, int z)
{
    pthread_mutex_lock(&s->lock);
    const uint64_t total = s->zone[z].total;
    pthread_mutex_unlock(&s->lock);
    return total;
}

double sim_joules(struct sim *s, int z)
{
    return s->zone[z].view == SIM_POWER_TEXT ? s->zone[z].joules : s->zone[z].unit_j * (double)sim_total(s, z);
}

uint64_t sim_count(struct sim *s, int z)
{
    const struct zone *at = &s->zone[z];
    return at->mirror_of >= 0 ? s->zone[at->mirror_of].value : at->value;
}
