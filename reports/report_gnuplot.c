/* gnuplot: found in PATH, started without the user's start-up file. */
#include "reports/report_plots.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "reports/report_child.h"

enum { GNUPLOT_LIMIT_S = 300 };

const char *gnuplot_find(struct arena *a)
{
    return child_find(a, "gnuplot");
}

int gnuplot_run(const char *gnuplot, const char *dir, const char *script, bool no_png, char err[REPORT_ERR_LEN])
{
    const char *const argv[] = {"gnuplot", "-d", "-e", no_png ? "formats='svg'" : "formats='svg png'", script, NULL};
    const struct child c = {.file = gnuplot, .argv = argv, .dir = dir, .limit_s = GNUPLOT_LIMIT_S};
    char said[CHILD_SAID_LEN];
    const int rc = child_run(&c, said);
    if (rc < 0)
        snprintf(err, REPORT_ERR_LEN, "%s: cannot run %s: %s", script, gnuplot, strerror(-rc));
    else if (rc > 0)
        snprintf(err, REPORT_ERR_LEN, "%s: gnuplot ended with status %d: %s", script, rc, said);
    return rc > 0 ? -EIO : rc;
}
