/* A report from a set of records: the one entry for the command line and the tests. */
#ifndef BITJOULE_REPORT_MAKE_H
#define BITJOULE_REPORT_MAKE_H

#include "reports/report_record.h"

struct report_result {
    char notice[REPORT_ERR_LEN]; /* one line about missing plots, or empty */
    bool plots_broken;           /* gnuplot is installed and failed */
    bool no_png;                 /* set by the caller: plots as SVG only */
};

/* Writes report.md, report.html, results.csv and plots/ into `dir`, which is created if need be (not its parents). The set must
 * have at least one run. 0, or negative errno and one line in err. */
int report_make(struct report_set *set, const char *dir, struct report_result *result, char err[REPORT_ERR_LEN]);

#endif
