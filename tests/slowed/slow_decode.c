/* Makes every single-token pass of a program 5 % slower, for the test whether the gate finds that. It is linked by `make slowed`
 * with
 * --wrap=session_eval: the code of the program itself has no hook for it. The time is spent as the engine would spend it, busy. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/session.h"
#include "profiles/time_clock.h"

int __real_session_eval(struct session *s, const int32_t *ids, size_t n, bool all, float *logits);
int __wrap_session_eval(struct session *s, const int32_t *ids, size_t n, bool all, float *logits);

static const double extra = 0.05; /* of a token's time */

int __wrap_session_eval(struct session *s, const int32_t *ids, size_t n, bool all, float *logits)
{
    static double last_end; /* of the token before: choosing it counts too, waiting for the next command does not */
    const double began = time_now_s();
    const int rc = __real_session_eval(s, ids, n, all, logits);
    const double pass = time_now_s() - began, between = began - last_end;
    const double end = began + pass + (n == 1 ? extra * (pass + (between < pass ? between : 0)) : 0);
    while (time_now_s() < end)
        ;
    last_end = time_now_s();
    return rc;
}
