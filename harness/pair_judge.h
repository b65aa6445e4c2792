/* `compare` and `gate` for a caller that holds two records already: the same tables, as JSON. main() gives both to the report, which
 * may not include anything of this folder. */
#ifndef BITJOULE_PAIR_JUDGE_H
#define BITJOULE_PAIR_JUDGE_H

#include <jansson.h>

enum { PAIR_ERR_LEN = 512, PAIR_REFUSED = 1 };

/* What `compare -o json` prints, with its defaults; base == fresh: the two arms of one record. `allow`: keys that may differ,
 * separated by commas, or NULL. 0; PAIR_REFUSED when the two are not alike or have nothing in common; negative errno. Each with a
 * line in err, which is empty when an unknown key has been complained about; *out is a new reference. */
int pair_compare(json_t *base, json_t *fresh, const char *allow, json_t **out, char err[PAIR_ERR_LEN]);

/* What `gate --json` writes. `rules`: a gate file or a name in configs/gates. Looks at no keys: pair_compare() has. 0, or negative
 * errno and a line in err; *out is a new reference. */
int pair_gate(json_t *base, json_t *fresh, const char *rules, json_t **out, char err[PAIR_ERR_LEN]);

#endif
