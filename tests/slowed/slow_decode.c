/* Makes every pass of decode 5 % slower, for the test whether the gate finds that. It is linked by `make slowed` with
 * --wrap=session_decode: the code of the program itself has no hook for it. The time is spent as the engine would spend it, busy. */
#include <stddef.h>
#include <stdint.h>

#include "engine/session.h"
#include "profiles/time_clock.h"

int __real_session_decode(struct session *s, const size_t *seqs, const int32_t *ids, size_t n, float *logits);
int __wrap_session_decode(struct session *s, const size_t *seqs, const int32_t *ids, size_t n, float *logits);

static const double extra = 0.05; /* of a token's time */

int __wrap_session_decode(struct session *s, const size_t *seqs, const int32_t *ids, size_t n, float *logits)
{
    static double last_end; /* of the token before: choosing it counts too, waiting for the next command does not */
    const double began = time_now_s();
    const int rc = __real_session_decode(s, seqs, ids, n, logits);
    const double pass = time_now_s() - began, between = began - last_end;
    const double end = began + pass + extra * (pass + (between < pass ? between : 0));
    while (time_now_s() < end)
        ;
    last_end = time_now_s();
    return rc;
}
