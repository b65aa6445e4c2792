/* A source of energy: what every energy_NAME.c offers, and what energy_window.c, energy_metrics.c and energy.c make of it.
 *
 * A source finds channels: one channel is one counter or one power reading, with the domain it belongs to. Sources only find, open
 * and read; wraps, resets, stuck counters, integration, sums and words are shared. Internal to profiles/. */
#ifndef BITJOULE_ENERGY_SOURCE_H
#define BITJOULE_ENERGY_SOURCE_H

#include <glob.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profiles/probe.h"

/* Never compared with each other: a counter knows what was used between two reads, a series of power readings only guesses. */
enum energy_kind {
    ENERGY_COUNTER, /* joules counted by the hardware */
    ENERGY_POWER,   /* watts, sampled and integrated by us */
    ENERGY_RECORD   /* watts that another instrument wrote down with times */
};

/* What a channel stands for. Which contains which: psys holds pkg and often dram; pkg holds core and uncore; board holds all; dram
 * of servers lies outside of pkg. Only channels of one domain are ever added, and rails not even those. */
enum energy_domain {
    ENERGY_PKG,    /* a processor package */
    ENERGY_DRAM,   /* memory */
    ENERGY_CORE,   /* cores of a package: a part of PKG */
    ENERGY_UNCORE, /* graphics and the like: a part of PKG */
    ENERGY_PSYS,   /* platform or module: holds PKG */
    ENERGY_BOARD,  /* the whole board or computer */
    ENERGY_PMIC,   /* all outputs of a board's power chip; not what is fed beside it */
    ENERGY_RAIL,   /* one supply rail by its own name */
    ENERGY_DOMAINS
};

struct energy_channel {
    char label[48]; /* in messages and sources: "intel-rapl:0" */
    char name[40];  /* what the system calls it: "package-0", "VDD_CPU"; of a part: the package it belongs to */
    enum energy_domain domain;
    int socket, die;                 /* by name or topology, never by index; of CORE: die is the core */
    int rank;                        /* of two channels for one thing the lower rank is kept, when both can be read */
    double unit_j;                   /* counters: joules per count */
    uint64_t max_count;              /* counters: runs from 0 to this and then from 0 again; UINT64_MAX: never wraps */
    int fd;                          /* -1: none */
    uint64_t id;                     /* the source's own: register, CPU, index */
    char problem[METRIC_REASON_LEN]; /* why it cannot be used, and the remedy; empty: usable */
};

/* Why a whole source cannot be used. What exists but is denied is worth telling before what is not there. */
enum energy_trouble { ENERGY_FINE, ENERGY_ABSENT, ENERGY_DENIED };

struct energy_source;

/* Where a set of package counters can be read: a die, and one CPU of it. */
struct energy_place {
    int cpu, socket, die;
    char problem[METRIC_REASON_LEN]; /* the source's: why its counters cannot be read; empty: they can */
};

/* The channels of an opened source. */
struct energy_channels {
    const struct energy_source *source;
    const char *argument; /* after the colon of --source NAME:ARGUMENT, or NULL */
    struct probe_env env;
    struct energy_channel *ch; /* by domain, socket, die */
    size_t n;
    double grid_s;   /* documented time between updates; 0: not known */
    double period_s; /* power: time between samples */
    double keep_s;   /* longest time between reads, apart from what the channels' own ranges allow */
    bool relative;   /* counts begin at some moment after opening, so equal copies differ by a constant */
    void *own;       /* the source's */
    enum energy_trouble trouble;
    char problem[METRIC_REASON_LEN]; /* why there is no usable channel at all; empty: see the channels */
};

struct energy_source {
    const char *name;  /* for --source and the record: "powercap" */
    const char *title; /* one line for --list */
    enum energy_kind kind;
    bool ask_only; /* never chosen by itself */
    /* Fills c (env, argument and source are set, the rest is 0 or INFINITY); 0 or -ENOMEM. Finding nothing is no error. */
    int (*open)(struct energy_channels *c);
    void (*refresh)(
        struct energy_channels *c); /* NULL, or: reads all channels at once; count() and watts() then give these values */
    int (*count)(const struct energy_channels *c, size_t i, uint64_t *count); /* counters. 0 or negative errno */
    int (*watts)(const struct energy_channels *c, size_t i, double *watts);   /* power. 0 or negative errno */
    /* records. Joules between two times of CLOCK_REALTIME; false and a reason when the record does not cover them */
    bool (*record)(const struct energy_channels *c, double from_s, double to_s, double *joules, char reason[METRIC_REASON_LEN]);
    void (*close)(struct energy_channels *c); /* NULL, or: frees c->own; files of channels are closed by the caller */
};

extern const struct energy_source energy_perf, energy_perf_core;    /* energy_perf.c */
extern const struct energy_source energy_powercap;                  /* energy_powercap.c */
extern const struct energy_source energy_hwmon, energy_hwmon_power; /* energy_hwmon.c */
extern const struct energy_source energy_likwid;                    /* energy_likwid.c */
extern const struct energy_source energy_papi;                      /* energy_papi.c */
extern const struct energy_source energy_msr;                       /* energy_msr.c */
extern const struct energy_source energy_scmi;                      /* energy_scmi.c */
extern const struct energy_source energy_jetson;                    /* energy_jetson.c */
extern const struct energy_source energy_rpi5;                      /* energy_rpi5.c */
extern const struct energy_source energy_battery;                   /* energy_battery.c */
extern const struct energy_source energy_meter;                     /* energy_meter_csv.c */

struct papi_api;
struct likwid_api;

/* For tests: a clock that moves as they like (then no thread is started) and stand-ins for what no simulated tree can hold.
 * Every member may be NULL. */
struct energy_seam {
    double (*now_s)(void);
    void (*sleep_s)(double s);
    int (*perf_open)(uint32_t type, uint64_t config, int cpu); /* a file descriptor, or a negative errno */
    int (*perf_read)(int fd, uint64_t value[3]);               /* count, time enabled, time running */
    const struct papi_api *papi;
    const struct likwid_api *likwid;
};

double energy_now_s(const struct probe_env *env);
double energy_real_s(const struct probe_env *env); /* seconds since 1970 */
void energy_sleep_s(const struct probe_env *env, double s);
/* False when sysfs is a simulation: then nothing of this machine that lies outside of the tree may be read. */
bool energy_env_is_real(const struct probe_env *env);

/* Appends a zeroed channel with fd -1; NULL: no memory. */
struct energy_channel *energy_add(struct energy_channels *c);
/* Sets c->problem and c->trouble. */
void energy_trouble(struct energy_channels *c, enum energy_trouble t, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Opens a file below the sysfs root for repeated reads; -1 and errno when it cannot. */
int energy_open_file(const struct probe_env *env, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The number in an open file, read anew. 0 or negative errno; -ENODATA: it holds no number. */
int energy_read_file(int fd, uint64_t *out);
/* Paths below the sysfs root that match a pattern, sorted; globfree() them. False: none. */
bool energy_glob(const struct probe_env *env, const char *pattern, glob_t *out);
/* "no energy counters here" with what to do on this kind of machine, for sources of x86. */
void energy_absent_x86(struct energy_channels *c, const char *what, const char *remedy);
/* Sorts; of several channels for one thing keeps one. Counters that mirror each other (multi-die CPUs) are counted once, which
 * takes 15 ms where a socket has several dies, because mirrors show only over time. */
void energy_settle(struct energy_channels *c);
void energy_channels_free(struct energy_channels *c);

/* CPU vendor by cpuinfo: 'I'ntel, 'A'MD or Hygon, 0 other; family and model -1 when not known. */
char energy_cpu_vendor(const struct probe_env *env, int *family, int *model);
/* "package-1" or "package-1-die-0", nothing else. */
bool energy_parse_package(const char *name, int *socket, int *die);
/* Socket, die and core of a CPU by the topology files; 0 for what they do not tell. */
void energy_cpu_place(const struct probe_env *env, int cpu, int *socket, int *die, int *core);
/* Every die of every package, by topology, with its lowest online CPU; in the order of the CPUs. Free *out. Returns how many, at
 * least 1, or -ENOMEM. */
int energy_places(const struct probe_env *env, struct energy_place **out);
/* Sums must not leave a die out: where one place has a kind of counter and another has not, the other gets a channel with its
 * problem instead. Of a platform there is one only. 0 or -ENOMEM. */
int energy_add_missing(struct energy_channels *c, const struct energy_place *place, int n);
/* The CPUs of a list as the kernel writes it ("0,28", "0-3,8"); how many, at most cap; -1 when it is no such list. */
int energy_cpu_list(const char *text, int *cpus, int cap);

const char *energy_domain_name(enum energy_domain d); /* "pkg" as in energy_pkg_j */
const char *energy_kind_name(enum energy_kind k);     /* "counter", "integrated power", "external meter" */

#endif
