/* Picks the next token from logits: greedy, or temperature with top-k, top-p, min-p and repetition penalty, from a seed.
 * Order: repetition penalty, top-k, top-p, min-p on the distribution at temperature 1, then temperature, then the draw.
 * top-p keeps the fewest likeliest tokens whose probabilities, among those that top-k left, sum to at least top_p. The likeliest
 * token is never cut.
 * The generator is xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64: the same seed gives the same text everywhere. */
#ifndef BITJOULE_SAMPLER_H
#define BITJOULE_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

struct sampler_options {
    float temperature;    /* <= 0: greedy */
    unsigned top_k;       /* 0: off */
    float top_p;          /* >= 1: off */
    float min_p;          /* <= 0: off; share of the likeliest token's probability */
    float repeat_penalty; /* 1: off; divides positive and multiplies negative logits of recent tokens (Keskar 2019) */
    unsigned repeat_last; /* how many recent tokens it looks at */
    uint64_t seed;
};
extern const struct sampler_options
    sampler_defaults; /* temperature 0.8, top_k 40, top_p 0.95, min_p 0.05, penalty 1, last 64, seed 0 */

struct sampler;
struct sampler *sampler_new(const struct sampler_options *opt, size_t n_vocab); /* NULL: out of memory */
void sampler_free(struct sampler *s);
/* Tells the sampler of a token of the context (prompt or own choice), for the repetition penalty. A token counts once, however
 * often it was seen. */
void sampler_accept(struct sampler *s, int32_t id);
/* The next token. `logits` [n_vocab] is not changed. Ties, also at the edge of top-k, go to the lowest id. NaN logits never win;
 * -1 when all are NaN. */
int32_t sampler_pick(struct sampler *s, const float *logits);

#endif
