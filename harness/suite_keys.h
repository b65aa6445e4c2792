/* The table of a suite's keys, and setting one of them from text. Internal to suite.c and suite_values.c. */
#ifndef BITJOULE_SUITE_KEYS_H
#define BITJOULE_SUITE_KEYS_H

#include "harness/suite.h"

enum suite_key_type {
    KEY_WORDS,
    KEY_FORMATS,
    KEY_UINTS,
    KEY_REQUESTS,
    KEY_UINT,
    KEY_U64,
    KEY_SECONDS,
    KEY_SHARE,
    KEY_REAL,
    KEY_PRIORITY,
    KEY_LOADS,
    KEY_TEXT,
    KEY_FORMAT,
    KEY_KV,
    KEY_ISA
};

struct suite_key {
    const char *section, *name;
    enum suite_key_type type;
    size_t offset;     /* in struct suite */
    unsigned min, max; /* of numbers */
    bool cores;        /* the words "all" and "pow2" stand for core counts */
};

extern const struct suite_key suite_keys[];
extern const size_t n_suite_keys;

/* NULL: there is no such key. */
const struct suite_key *suite_key_find(const char *section, const char *name);
/* Whether its values may be given in several lines or flags. */
bool suite_key_is_list(const struct suite_key *k);
/* Whether it was set since suite.given began anew. */
bool suite_key_given(const struct suite *s, const struct suite_key *k);
/* Sets it; of a list that was given, appends. 0, or a negative errno and a reason in err. */
int suite_key_set(struct suite *s, const struct suite_key *k, const char *value, char err[SUITE_ERR_LEN]);

/* *dst = a copy of value; frees the old one. 0, or -ENOMEM and a reason. */
int suite_set_text(char **dst, const char *value, char err[SUITE_ERR_LEN]);

#endif
