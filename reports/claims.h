/* Published claims and the verdict on each: configs/claims/ (data) against records of runs.
 *
 * claims_registry.c reads the data, claims_find.c finds the cells that a claim speaks of, one claims_*.c per kind of figure judges
 * it. All strings live in the arena of the set. Nothing here runs or measures, and no reason is written by hand: each is put
 * together from numbers of the record and of the registry. */
#ifndef BITJOULE_CLAIMS_H
#define BITJOULE_CLAIMS_H

#include "reports/report_matrix.h"

enum claim_metric {
    CLAIM_SPEEDUP,          /* tokens/s of an arm over that of a base */
    CLAIM_TOKENS_PER_S,     /* of one arm */
    CLAIM_LATENCY_MS,       /* per token of decode, of one arm */
    CLAIM_LATENCY_RATIO,    /* latency of another model over that of the arm's */
    CLAIM_MEMORY_GB,        /* 10^9 bytes, without embedding */
    CLAIM_MEMORY_RATIO,     /* memory of another model over that of the arm's */
    CLAIM_BITS,             /* per weight of the linear layers */
    CLAIM_ENERGY_SAVING,    /* percent: 100 * (1 - J/token of the arm / J/token of the base) */
    CLAIM_JOULES_PER_TOKEN, /* of one arm */
    CLAIM_ENERGY_RATIO,     /* estimated energy of another model over that of the arm's */
    CLAIM_ENERGY_MODEL,     /* joules of a forward pass from operation counts and table constants */
    CLAIM_OPERATION_RATIO,  /* quotient of two table constants */
    CLAIM_LOSSLESS,         /* percent of outputs that are the reference's, token by token */
    CLAIM_PERPLEXITY_RATIO, /* perplexity of an arm over that of a base */
    N_CLAIM_METRICS
};

enum claim_kind { CLAIM_KIND_UNSET, CLAIM_MEASURED, CLAIM_ESTIMATED, CLAIM_NOT_STATED };

enum { CLAIM_BEST = 0, CLAIM_ANY = -1 }; /* struct claim.threads: each arm at its best; not stated */

struct claim_words {
    const char **v;
    size_t n;
};

struct claim_number {
    double lo, hi;  /* equal unless a range was published; NAN: not given */
    int decimals;   /* as printed: half a unit of the last one is the rounding */
    const char *as; /* as written in the registry */
};

struct claim_source {
    const char *title, *ref;
};

/* One published figure. What a claim leaves out it takes from the table above it. */
struct claim {
    const char *id, *file;
    unsigned line;
    const struct claim_source *source;
    const struct claim *table; /* NULL of a table itself */
    const char *title;         /* of the table */
    const char *says, *where, *row, *cpu, *arch, *note, *method;
    const char *test; /* "tg", "pp", or with a length: "tg128" */
    enum claim_metric metric;
    enum claim_kind kind;
    long long threads;
    bool headline, has_metric;
    struct claim_words models, arms, base, embedding;
    struct claim_number value, arm_value, base_value; /* arm_value / base_value: what a ratio was made from */
    double arm_speed, base_speed;                     /* published tokens/s of the two arms of an energy claim */
    double definition_bits;                           /* memory: bits per weight that the figure follows from */
    /* energy model: J = tokens * (linear_params * weight_pj + 2 * tokens * attention_width * layers * attention_pj) * 1e-12 */
    double tokens, linear_params, layers, attention_width, weight_pj, attention_pj;
};

/* A model of the claims, for what did not run: bytes per token follow from its parameters. */
struct claim_model {
    const char *name;
    double params, linear_params;
};

struct claim_registry {
    struct claim **claims; /* in the order of the files, then of their lines */
    size_t n;
    struct claim_model *models;
    size_t n_models;
};

/* Reads configs/claims/, or the .ini files in `dir` when it is not NULL. Strict: an unknown section or key, a key given twice, an
 * impossible value, a claim without a needed key is -EINVAL with file:line in err; -ENOENT: no registry. */
int claims_load(struct arena *a, const char *dir, struct claim_registry *reg, char err[REPORT_ERR_LEN]);

enum claim_verdict { VERDICT_HOLDS, VERDICT_IN_PART, VERDICT_FAILS, VERDICT_NOT_TESTABLE, VERDICT_NOT_MEASURED, N_VERDICTS };

struct claim_result {
    enum claim_verdict verdict;
    const char *detail;              /* where; measured and needed; what is missing; why. "" for HOLDS */
    const char *reason;              /* computed: what this machine could do at most, factors, definitions. May be "" */
    struct report_interval measured; /* in the unit of the claim; NAN: nothing measured */
    double needed;
    double ceiling; /* what the machine's bandwidth allows at most, in the unit of the claim; NAN: not known */
};

/* Of one claim: over all runs, and of each. */
struct claim_judgement {
    const struct claim *claim;
    struct claim_result overall;
    struct claim_result *runs; /* set->n_runs of them */
};

/* One judgement per claim, in the registry's order; NULL: out of memory. */
struct claim_judgement *claims_judge(const struct claim_registry *reg, const struct report_matrix *m);

const char *claims_verdict_name(enum claim_verdict v);                          /* "does not hold" */
const char *claims_verdict_text(struct arena *a, const struct claim_result *r); /* "does not hold (measured ...)" */
const char *claims_metric_name(enum claim_metric m);                            /* "speedup": the word of the registry */
const char *claims_unit(enum claim_metric m);                                   /* "x", "tokens/s", ... */
const char *claims_kind_name(enum claim_kind k);

#endif
