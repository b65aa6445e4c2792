/* Programs that a report starts when they are installed: gnuplot, and a converter to PDF. Without a shell, in the C locale. */
#ifndef BITJOULE_REPORT_CHILD_H
#define BITJOULE_REPORT_CHILD_H

#include "reports/report_text.h"

enum { CHILD_SAID_LEN = 300 };

struct child {
    const char *file;        /* full path */
    const char *const *argv; /* ended by NULL */
    const char *dir;         /* where it runs */
    unsigned limit_s;        /* it is killed after that */
};

/* Full path of a program, or NULL: looks through the absolute folders of PATH. */
const char *child_find(struct arena *a, const char *name);

/* Runs it with no input. 0, its exit status (128 for a signal) with the last line that it wrote in `said`, or a negative errno:
 * -ETIMEDOUT when it had to be killed. */
int child_run(const struct child *c, char said[CHILD_SAID_LEN]);

#endif
