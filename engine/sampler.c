/* Greedy and random choice of the next token.
 *
 * Probabilities are exp(logit - largest) by the engine's own exp, summed in double in a fixed order, so the same seed picks the
 * same tokens on every machine. Nothing sorts the whole vocabulary: top-k keeps the k best in a heap whose root is the worst of
 * them, top-p does so with growing k until the sum is reached, min-p is a threshold.
 * Not here: beam search, mirostat, bans of single tokens. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/mix64.h"
#include "engine/sampler.h"
#include "kernels/ops.h"

enum { TOP_P_FIRST = 256 }; /* how many of the likeliest tokens top-p looks at first */

const struct sampler_options sampler_defaults = {
    .temperature = 0.8f,
    .top_k = 40,
    .top_p = 0.95f,
    .min_p = 0.05f,
    .repeat_penalty = 1.0f,
    .repeat_last = 64,
    .seed = 0,
};

struct candidate {
    float logit;
    int32_t id;
};

struct sampler {
    struct sampler_options opt;
    size_t n_vocab;
    uint64_t state[4];
    struct candidate *cand; /* [n_vocab] */
    int32_t *recent;        /* [opt.repeat_last] ring of the last tokens */
    size_t n_recent, next_recent;
    uint32_t *seen; /* [n_vocab] how often each is in the ring */
};

/* ---- the generator ---- */

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

/* xoshiro256** */
static uint64_t next_u64(uint64_t s[4])
{
    const uint64_t result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

/* ---- construction ---- */

struct sampler *sampler_new(const struct sampler_options *opt, size_t n_vocab)
{
    struct sampler *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->opt = *opt;
    s->n_vocab = n_vocab;
    s->cand = malloc((n_vocab + 1) * sizeof *s->cand);
    s->seen = calloc(n_vocab + 1, sizeof *s->seen);
    s->recent = malloc(((size_t)opt->repeat_last + 1) * sizeof *s->recent);
    if (!s->cand || !s->seen || !s->recent) {
        sampler_free(s);
        return NULL;
    }
    for (uint64_t i = 0; i < 4; i++)
        s->state[i] = random_at(opt->seed, i);
    return s;
}

void sampler_free(struct sampler *s)
{
    if (!s)
        return;
    free(s->cand);
    free(s->seen);
    free(s->recent);
    free(s);
}

void sampler_accept(struct sampler *s, int32_t id)
{
    if (id < 0 || (size_t)id >= s->n_vocab || s->opt.repeat_last == 0)
        return;
    if (s->n_recent == s->opt.repeat_last)
        s->seen[s->recent[s->next_recent]]--;
    else
        s->n_recent++;
    s->recent[s->next_recent] = id;
    s->next_recent = (s->next_recent + 1) % s->opt.repeat_last;
    s->seen[id]++;
}

/* ---- candidates ---- */

/* Likelier first; ties: the lower id. */
static bool before(struct candidate a, struct candidate b)
{
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

/* All tokens but those whose logit is NaN, with the penalty applied, in the order of their ids. Returns how many. */
static size_t collect(struct sampler *s, const float *logits)
{
    const float penalty = s->opt.repeat_penalty;
    const bool penalise = penalty > 0 && penalty != 1.0f;
    size_t n = 0;
    for (size_t i = 0; i < s->n_vocab; i++) {
        float x = logits[i];
        if (penalise && s->seen[i])
            x = x > 0 ? x / penalty : x * penalty;
        s->cand[n] = (struct candidate){x, (int32_t)i};
        n += isnan(x) ? 0 : 1;
    }
    return n;
}

/* Restores the heap c[0..n), worst at the root, below i. */
static void sift_down(struct candidate *c, size_t n, size_t i)
{
    const struct candidate x = c[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(c[child], c[child + 1]))
            child++;
        if (!before(x, c[child]))
            break;
        c[i] = c[child];
    }
    c[i] = x;
}

/* Moves the k best of c[0..n) to the front, best first; the others follow in no order. k <= n. */
static void select_best(struct candidate *c, size_t n, size_t k)
{
    for (size_t i = k / 2; i-- > 0;)
        sift_down(c, k, i);
    for (size_t i = k; i < n; i++) {
        if (before(c[i], c[0])) {
            const struct candidate out = c[0];
            c[0] = c[i];
            c[i] = out;
            sift_down(c, k, 0);
        }
    }
    for (size_t end = k; end-- > 1;) { /* heap sort: the worst goes last */
        const struct candidate worst = c[0];
        c[0] = c[end];
        c[end] = worst;
        sift_down(c, end, 0);
    }
}

static float largest(const struct candidate *c, size_t n)
{
    float max = c[0].logit;
    for (size_t i = 1; i < n; i++)
        max = c[i].logit > max ? c[i].logit : max;
    return max;
}

/* exp((logit - max) / temperature). Infinite logits: equal ones are 0 apart. */
static float weight(float logit, float max, float temperature)
{
    const float below = logit == max ? 0.0f : logit - max;
    return below == -INFINITY ? 0.0f : canonical_expf(below / temperature);
}

static double weight_sum(const struct candidate *c, size_t n, float max, float temperature)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)weight(c[i].logit, max, temperature);
    return sum;
}

/* Leaves the fewest likeliest candidates that make up top_p, best first. `sorted`: they already are best first. */
static size_t cut_top_p(struct candidate *c, size_t n, bool sorted, float top_p)
{
    const float max = largest(c, n);
    const double enough = (double)top_p * weight_sum(c, n, max, 1.0f);
    double sum = 0;
    for (size_t known = sorted ? n : 0, i = 0; i < n; i++) {
        if (i == known) { /* select_best(c + i, ...) continues the order: what is before i is better */
            known = known ? known * 8 : TOP_P_FIRST;
            known = known < n ? known : n;
            select_best(c + i, n - i, known - i);
        }
        sum += (double)weight(c[i].logit, max, 1.0f);
        if (sum >= enough)
            return i + 1;
    }
    return n;
}

/* Leaves those at least min_p times as likely as the likeliest, in their order. */
static size_t cut_min_p(struct candidate *c, size_t n, float min_p)
{
    const float max = largest(c, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (c[i].logit == max || weight(c[i].logit, max, 1.0f) >= min_p)
            c[kept++] = c[i];
    return kept;
}

static int32_t draw(struct sampler *s, const struct candidate *c, size_t n)
{
    const float max = largest(c, n), temperature = s->opt.temperature;
    /* the top 53 bits: uniform in [0, 1) */
    const double u = (double)(next_u64(s->state) >> 11) * 0x1p-53;
    const double target = u * weight_sum(c, n, max, temperature);
    double sum = 0;
    int32_t id = -1;
    for (size_t i = 0; i < n; i++) {
        const double w = (double)weight(c[i].logit, max, temperature);
        if (w > 0) {
            id = c[i].id;
            sum += w;
            if (sum > target)
                break;
        }
    }
    return id;
}

int32_t sampler_pick(struct sampler *s, const float *logits)
{
    const struct sampler_options *o = &s->opt;
    struct candidate *c = s->cand;
    size_t n = collect(s, logits);
    if (n == 0)
        return -1;
    if (!(o->temperature > 0)) {
        select_best(c, n, 1);
        return c[0].id;
    }
    const bool sorted = o->top_k > 0 && o->top_k < n;
    if (sorted) {
        select_best(c, n, o->top_k);
        n = o->top_k;
    }
    if (o->top_p < 1.0f)
        n = cut_top_p(c, n, sorted, o->top_p);
    if (o->min_p > 0.0f)
        n = cut_min_p(c, n, o->min_p);
    return draw(s, c, n);
}
