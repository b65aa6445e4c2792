/* Takes the times of a request's tokens apart: n_gen of each repetition, the first of which is the prompt's. Only times of whole
 * repetitions are there. */
#include "harness/cell_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/json_util.h"
#include "harness/latency_stats.h"

static const char definitions[] =
    "TTFT: prompt, lm_head and argmax; TPOT = (E2E - TTFT) / (tokens - 1); E2E: request to last token";

struct parts {
    double *ttft, *tpot, *e2e; /* [n] */
    double *later;             /* [n, n_gen - 1] */
    size_t n, n_later;
};

static void take_apart(const double *token_s, unsigned n_gen, struct parts *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const double *t = token_s + i * n_gen;
        p->ttft[i] = t[0];
        p->e2e[i] = t[0];
        for (unsigned k = 1; k < n_gen; k++) {
            p->e2e[i] += t[k];
            p->later[p->n_later++] = t[k];
        }
        p->tpot[i] = (p->e2e[i] - t[0]) / (n_gen > 1 ? n_gen - 1 : 1);
    }
}

static json_t *interval_or_null(const double *v, size_t n)
{
    struct interval i;
    if (stats_median_interval(v, n, &i))
        return NULL;
    return json_pack("{s:f, s:o, s:o}", "median", i.value, "lo", json_number_or_null(i.lo), "hi", json_number_or_null(i.hi));
}

static int set_fields(json_t *cell, const struct parts *p, unsigned n_gen)
{
    const double e2e = latency_quantile(p->e2e, p->n, 0.5);
    json_t *tpot = n_gen > 1 ? latency_stats_json(p->tpot, p->n, false) : json_null();
    json_t *request =
        json_pack("{s:o, s:o, s:o, s:f, s:s}", "ttft_s", latency_stats_json(p->ttft, p->n, true), "tpot_s", tpot, "e2e_s",
                  latency_stats_json(p->e2e, p->n, true), "output_tokens_per_s", (double)n_gen / e2e, "definitions", definitions);
    const int rc = json_object_set_new(cell, "request", request);
    return rc | json_object_set_new(cell, "ttft_s", interval_or_null(p->ttft, p->n)) |
           json_object_set_new(cell, "token_latency_s", latency_stats_json(p->later, p->n_later, true));
}

int request_into_cell(json_t *cell, const struct cell *c, const struct cell_result *r)
{
    if (strcmp(c->workload, workload_request.name) || r->status != CELL_OK || r->token_s.n < c->n_gen)
        return json_object_set_new(cell, "request", json_null()) ? -ENOMEM : 0;
    const size_t n = r->token_s.n / c->n_gen;
    double *v = malloc((3 * n + r->token_s.n) * sizeof *v);
    if (!v)
        return -ENOMEM;
    struct parts p = {.ttft = v, .tpot = v + n, .e2e = v + 2 * n, .later = v + 3 * n, .n = n};
    take_apart(r->token_s.v, c->n_gen, &p);
    const int rc = set_fields(cell, &p, c->n_gen);
    free(v);
    return rc ? -ENOMEM : 0;
}
