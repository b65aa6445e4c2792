/* Runs against each other: value by value, and by the rules of a gate.
 *
 * The statistics and the rules are those of `bitjoule compare` and `bitjoule gate`, in harness/. A report may not reach up there, so
 * main() plugs both in here; a program that does not has reports without comparisons. */
#ifndef BITJOULE_REPORT_COMPARE_H
#define BITJOULE_REPORT_COMPARE_H

#include "reports/report_record.h"

enum { JUDGE_REFUSED = 1 };

struct report_judges {
    /* 0 and the object that `compare -o json` prints; JUDGE_REFUSED when the two are not alike; negative errno. base == fresh: the
     * two arms of one record. `allow`: keys that may differ, or NULL. A line in err, or an empty one if it has been printed. */
    int (*compare)(json_t *base, json_t *fresh, const char *allow, json_t **out, char err[REPORT_ERR_LEN]);
    /* 0 and the object that `gate --json` writes, or negative errno and a line. `rules`: a gate file, or the name of one. */
    int (*gate)(json_t *base, json_t *fresh, const char *rules, json_t **out, char err[REPORT_ERR_LEN]);
};
extern struct report_judges report_judges;

/* Fills set->pairs: the first run is the base of all others; a single run is compared when it has two arms. `gate`: NULL, rules as
 * above, or the .json file of a verdict. 0, or negative errno and a line: a gate that cannot be read, or with nothing to judge. */
int report_compare_runs(struct report_set *set, const char *gate, const char *allow, char err[REPORT_ERR_LEN]);

bool report_has_arms(const struct report_run *run);

#endif
