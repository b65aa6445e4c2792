/* The simulated tree: plain files in a folder of mkdtemp.
 *
 * Counters are written with one pwrite of fixed width into an open file, so that a reader which keeps the file open (as the probe
 * does) never sees half a number. The ledger of what was counted is kept beside the files and is the truth for tests: it does not
 * depend on when the driver thread got to run. */
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
    int fd, mirror_of; /* mirror_of: -1 or the zone that is shown instead */
    uint64_t range_uj, value_uj, total_uj;
    double watts, then_watts, after_s;
};

struct sim {
    char root[64];
    struct zone zone[MAX_ZONES];
    int n;
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

static void show(const struct sim *s, const struct zone *z)
{
    char text[32];
    uint64_t value_uj = z->mirror_of >= 0 ? s->zone[z->mirror_of].value_uj : z->value_uj;
    int n = snprintf(text, sizeof text, "%020" PRIu64 "\n", value_uj);
    must(pwrite(z->fd, text, (size_t)n, 0) == n, "energy_uj");
}

int sim_zone(struct sim *s, const char *dir, const char *name, uint64_t range_uj, uint64_t start_uj)
{
    char path[PATH_LEN], full[PATH_LEN];
    must(s->n < MAX_ZONES, "too many zones");
    snprintf(path, sizeof path, "class/powercap/%s/name", dir);
    sim_write(s, path, "%s\n", name);
    snprintf(path, sizeof path, "class/powercap/%s/max_energy_range_uj", dir);
    sim_write(s, path, "%" PRIu64 "\n", range_uj);
    snprintf(path, sizeof path, "class/powercap/%s/energy_uj", dir);
    full_path(s, path, full);
    struct zone *z = &s->zone[s->n];
    *z = (struct zone){
        .fd = open(full, O_RDWR | O_CREAT | O_CLOEXEC, 0644), .mirror_of = -1, .range_uj = range_uj, .value_uj = start_uj};
    must(z->fd >= 0, full);
    show(s, z);
    return s->n++;
}

void sim_zone_mirror(struct sim *s, int z, int of)
{
    s->zone[z].mirror_of = of;
    show(s, &s->zone[z]);
}

static void advance_locked(struct sim *s, struct zone *z, uint64_t uj)
{
    z->total_uj += uj;
    z->value_uj = (z->value_uj + uj) % (z->range_uj + 1);
    show(s, z);
    for (int i = 0; i < s->n; i++)
        if (s->zone[i].mirror_of >= 0 && &s->zone[s->zone[i].mirror_of] == z)
            show(s, &s->zone[i]);
}

void sim_advance(struct sim *s, int z, uint64_t uj)
{
    pthread_mutex_lock(&s->lock);
    advance_locked(s, &s->zone[z], uj);
    pthread_mutex_unlock(&s->lock);
}

void sim_set(struct sim *s, int z, uint64_t uj)
{
    s->zone[z].value_uj = uj;
    show(s, &s->zone[z]);
}

void sim_vanish(struct sim *s, int z)
{
    must(ftruncate(s->zone[z].fd, 0) == 0, "energy_uj");
}

void sim_power(struct sim *s, int z, double watts, double then_watts, double after_s)
{
    s->zone[z].watts = watts;
    s->zone[z].then_watts = then_watts;
    s->zone[z].after_s = after_s;
}

/* Joules of the power profile at time t: the integral, so a late thread loses nothing. */
static double profile_j(const struct zone *z, double t)
{
    return t < z->after_s ? z->watts * t : z->watts * z->after_s + z->then_watts * (t - z->after_s);
}

static void *drive(void *arg)
{
    struct sim *s = arg;
    double start_s = time_now_s();
    for (bool quit = false; !quit;) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        pthread_mutex_lock(&s->lock);
        for (int i = 0; i < s->n; i++) {
            struct zone *z = &s->zone[i];
            uint64_t target_uj = (uint64_t)(1e6 * profile_j(z, time_now_s() - start_s));
            if (z->watts > 0 && target_uj > z->total_uj)
                advance_locked(s, z, target_uj - z->total_uj);
        }
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

uint64_t sim_total_uj(struct sim *s, int z)
{
    pthread_mutex_lock(&s->lock);
    uint64_t uj = s->zone[z].total_uj;
    pthread_mutex_unlock(&s->lock);
    return uj;
}
