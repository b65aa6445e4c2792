/* What to run: a suite file (strict INI), with the command line's settings on top.
 *
 * One table in suite_keys.c holds every key with its section, type and limits; the file and the flags both go through it, so they
 * take the same values. An unknown section or key, a key given twice and a bad value are errors with file:line. */
#ifndef BITJOULE_SUITE_H
#define BITJOULE_SUITE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/session.h"
#include "harness/lists.h"

enum { SUITE_ERR_LEN = 512, SUITE_NAME_LEN = 64 };

struct quality_suite {
    struct str_list models, formats;
    char *text;       /* path; NULL: no quality row */
    unsigned window;  /* targets per window */
    unsigned windows; /* at most */
};

struct lossless_suite {
    struct str_list models;
    char *text; /* path; NULL: no part "lossless" */
    unsigned prompts, prompt_tokens, tokens, window, windows;
};

/* A profile of machine and service; scenario.h. */
struct scenario {
    unsigned threads, memory_mb; /* 0: the suite has no scenario */
    char *priority, *loads;      /* of the words below */
    struct request_list request; /* one */
    unsigned requests, sequences, trials;
    double target_ttft_ms, target_tpot_ms, percentile, confidence; /* the last two in % */
    double max_memory_mb, max_cpu_percent, min_tokens_per_s, max_error_percent, max_latency_ms;
};
extern const char scenario_priorities[], scenario_loads[]; /* "a, b, c" */

/* Another program, measured in the same rounds. */
struct external_suite {
    char *name, *command; /* command NULL: none */
    char *time;           /* "llama-bench" or "wall" */
};

struct suite {
    char name[SUITE_NAME_LEN]; /* file name without folder and ".ini" */
    char *path;                /* NULL: made from the command line alone */
    char *description;         /* NULL: none */

    struct str_list models, formats;
    struct uint_list threads, prompt, gen, depth, batch, sequences;
    struct request_list requests;
    char *embedding; /* NULL: as in the file, or the format's usual one */
    enum kv_type kv;
    char *isa;                      /* NULL: the best this CPU has */
    char *counters, *counter_group; /* NULL: "perf", and the groups it counts by default (profiles/counters.h) */
    uint64_t seed;

    unsigned warmup;                /* repetitions before the first block */
    double block_s, block_energy_s; /* shortest block; the same where energy can be read */
    unsigned rounds;                /* exactly so many; 0: the rule below */
    unsigned min_rounds, max_rounds;
    unsigned repeats; /* disturbed blocks that a contest may void and repeat, for each of its cells; 0: they all count */
    double precision; /* half of the relative interval of a ratio that is narrow enough */
    double contest_s; /* time after which no further round begins, once there are min_rounds */
    unsigned passes;  /* through the whole suite, over which the rounds of each contest are spread */
    double timeout_s; /* for loading a model, and for all of a cell's blocks */

    double watch_hz; /* samples per second of watch.h; 0: no watch */

    struct scenario scenario;
    struct quality_suite quality;
    struct lossless_suite lossless;
    struct external_suite external;
    uint64_t given; /* bit per row of the key table: set by the source that is being read */
};

/* The defaults of configs/README.md. */
void suite_init(struct suite *s);
void suite_free(struct suite *s);

/* Reads `path` over s. 0, or a negative errno and "path:line: ..." in err. */
int suite_read(struct suite *s, const char *path, char err[SUITE_ERR_LEN]);
/* From here on suite_set() begins anew: the first value of a key replaces what the file said. */
void suite_begin_overrides(struct suite *s);
/* Sets one key; for a list, a second call appends. `key` must exist. 0, or a negative errno and a reason in err. */
int suite_set(struct suite *s, const char *section, const char *key, const char *value, char err[SUITE_ERR_LEN]);
/* s->passes, but not more than there are rounds at least, so that each has one. */
unsigned suite_passes(const struct suite *s);
/* What is missing or contradicts itself once all is set. */
int suite_check(const struct suite *s, char err[SUITE_ERR_LEN]);

/* All keys as they are now, {"section.key": "value"} with values that suite_set() takes, and back over defaults, so that a run can be
 * taken up again without its file. New reference, NULL: out of memory. 0, or a negative errno and a line in err. */
json_t *suite_values(const struct suite *s);
int suite_from_values(struct suite *s, const char *name, const char *path, const json_t *values, char err[SUITE_ERR_LEN]);

/* Path of a file that the suite names: as it is when it exists, else relative to the root that holds configs/suites/SUITE.ini. */
void suite_resolve(const struct suite *s, const char *name, char *buf, size_t len);

#endif
