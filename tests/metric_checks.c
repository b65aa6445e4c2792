/* Checks of metrics by name. */
#include "tests/metric_checks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct metric seen[SEEN_MAX];
size_t n_seen;

const struct metric *seen_find(const char *name)
{
    for (size_t i = 0; i < n_seen; i++)
        if (!strcmp(seen[i].name, name))
            return &seen[i];
    fail_msg("no metric %s", name);
    return NULL;
}

void check_value(const char *name, double value)
{
    const struct metric *x = seen_find(name);
    if (x->status == METRIC_UNAVAILABLE)
        fail_msg("%s is unavailable: %s", name, x->reason);
    if (!(fabs(x->value - value) <= 1e-6 * fabs(value)))
        fail_msg("%s is %g, not %g", name, x->value, value);
}

void check_lost(const char *name, const char *reason)
{
    const struct metric *x = seen_find(name);
    assert_int_equal(x->status, METRIC_UNAVAILABLE);
    assert_true(isnan(x->value));
    if (!strstr(x->reason, reason))
        fail_msg("%s: '%s' lacks '%s'", name, x->reason, reason);
}
