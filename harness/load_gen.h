/* Load generators: requests that come to a model as in MLPerf Inference's scenarios, served with continuous batching.
 *
 *   single-stream   the next request comes when the one before has ended; one sequence
 *   offline         all requests are there at the beginning
 *   server          requests come at random moments: a Poisson process of `rate` per second, seeded
 *
 * One loop serves them all. While there is a free sequence and a request that has come, its prompt is run (alone, in passes of `chunk`
 * tokens), which gives its first token; else one pass gives a token to every active request (session_decode()). So prompts go
 * before decode, as in vLLM's default scheduler of its first version; an answer always has n_gen tokens (no end-of-text is looked for).
 *
 *   TTFT = first token - arrival, waiting included     TPOT = (end - first token) / (n_gen - 1)     E2E = end - arrival
 *
 * A request fails when the engine refuses it or it has not ended within timeout_s of the beginning. The tokens of a request depend on
 * nothing but its number and the seed: the hash of all tokens is the same for every load, rate and number of sequences. */
#ifndef BITJOULE_LOAD_GEN_H
#define BITJOULE_LOAD_GEN_H

#include <stddef.h>
#include <stdint.h>

#include "engine/model.h"
#include "engine/session.h"
#include "harness/sha256.h"

enum load_kind { LOAD_SINGLE_STREAM, LOAD_OFFLINE, LOAD_SERVER, LOAD_KINDS };
/* "single-stream", ...; LOAD_KINDS: no such name */
const char *load_name(enum load_kind k);
enum load_kind load_of_name(const char *name, size_t len);

struct load_options {
    enum load_kind kind;
    unsigned n_prompt, n_gen; /* tokens of each request; both above 0 */
    unsigned requests;
    unsigned sequences; /* at once; single-stream: 1 */
    double rate;        /* server: requests per second, above 0 */
    double timeout_s;
    uint64_t seed;
};

struct load_result {
    double *ttft_s, *tpot_s, *e2e_s; /* [n] of the requests that did not fail, in their order; tpot_s only when n_gen > 1 */
    size_t n, failed;
    double duration_s;                   /* from the beginning to the end of the last request that did not fail */
    uint64_t out_tokens;                 /* of those */
    double decode_passes, decode_tokens; /* passes over several sequences, and what they gave: their quotient is the mean batch */
    char output_sha256[SHA256_HEX_LEN];  /* "" when a request failed */
};

/* s has at least opt->sequences sequences of n_prompt + n_gen tokens, all empty. 0 or -ENOMEM; failed requests are part of the result. */
int load_run(const struct model *m, struct session *s, const struct load_options *opt, struct load_result *out);
void load_result_free(struct load_result *r);

/* n arrival times of a Poisson process, ascending: the gaps are -ln(1 - u) / rate. */
void load_arrivals(double *at_s, size_t n, double rate, uint64_t seed);

#endif
