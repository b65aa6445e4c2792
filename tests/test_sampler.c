/* The sampler: greedy choice, the exact sets that top-k, top-p and min-p leave, frequencies against known probabilities, the
 * repetition penalty, and that a seed gives the same picks on every machine. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sampler.h"

enum { FOLD_VOCAB = 320 };

/* Everything off, temperature 1. */
static const struct sampler_options plain = {.temperature = 1, .top_p = 1, .repeat_penalty = 1, .seed = 1};

static struct sampler *make(const struct sampler_options *opt, size_t n)
{
    struct sampler *s = sampler_new(opt, n);
    assert_non_null(s);
    return s;
}

static int32_t pick_once(const struct sampler_options *opt, const float *logits, size_t n)
{
    struct sampler *s = make(opt, n);
    const int32_t id = sampler_pick(s, logits);
    sampler_free(s);
    return id;
}

/* Which ids come up in `draws` draws. */
static size_t seen_set(const struct sampler_options *opt, const float *logits, size_t n, size_t draws, bool *seen)
{
    struct sampler *s = make(opt, n);
    size_t distinct = 0;
    memset(seen, 0, n * sizeof *seen);
    for (size_t i = 0; i < draws; i++) {
        const int32_t id = sampler_pick(s, logits);
        assert_in_range(id, 0, n - 1);
        distinct += seen[id] ? 0 : 1;
        seen[id] = true;
    }
    sampler_free(s);
    return distinct;
}

/* ---- greedy ---- */

static void greedy(void **state)
{
    (void)state;
    struct sampler_options opt = plain;
    const float temperatures[] = {0, -1, NAN};
    for (size_t i = 0; i < 3; i++) {
        opt.temperature = temperatures[i];
        assert_int_equal(pick_once(&opt, (const float[]){1, 3, 3, 2}, 4), 1); /* a tie: the lowest id */
        assert_int_equal(pick_once(&opt, (const float[]){-5, -3, -4}, 3), 1);
        assert_int_equal(pick_once(&opt, (const float[]){NAN, 1, NAN, 2, NAN}, 5), 3);
        assert_int_equal(pick_once(&opt, (const float[]){NAN, -INFINITY}, 2), 1);
        assert_int_equal(pick_once(&opt, (const float[]){9, INFINITY, INFINITY}, 3), 1);
        assert_int_equal(pick_once(&opt, (const float[]){-INFINITY, -INFINITY}, 2), 0);
        assert_int_equal(pick_once(&opt, (const float[]){NAN, NAN}, 2), -1);
    }
}

static void odd_logits_when_drawing(void **state)
{
    (void)state;
    bool seen[4];
    struct sampler_options opt = sampler_defaults;
    for (int cut = 0; cut < 2; cut++) {
        assert_int_equal(seen_set(&opt, (const float[]){NAN, 0, NAN, 0}, 4, 100, seen), 2);
        assert_true(seen[1] && seen[3]);
        assert_int_equal(seen_set(&opt, (const float[]){5, INFINITY, 7, INFINITY}, 4, 100, seen), 2);
        assert_true(seen[1] && seen[3]);
        assert_int_equal(seen_set(&opt, (const float[]){-INFINITY, 1, -INFINITY, 1}, 4, 100, seen), 2);
        assert_true(seen[1] && seen[3]);
        assert_int_equal(seen_set(&opt, (const float[]){-INFINITY, -INFINITY, NAN, -INFINITY}, 4, 100, seen), 3);
        assert_int_equal(pick_once(&opt, (const float[]){NAN, NAN}, 2), -1);
        opt = plain;
        opt.temperature = INFINITY;
    }
}

static void low_temperature_is_greedy(void **state)
{
    (void)state;
    const float logits[] = {0.5f, 2.0f, 1.999f, -3, 1};
    const float temperatures[] = {1e-5f, 1e-30f, 1e-44f};
    bool seen[5];
    struct sampler_options opt = plain;
    for (size_t i = 0; i < 3; i++) {
        opt.temperature = temperatures[i];
        assert_int_equal(seen_set(&opt, logits, 5, 2000, seen), 1);
        assert_true(seen[1]);
    }
}

/* ---- what is left ---- */

/* Probabilities 0.05 0.4 0.1 0.3 0.15 at temperature 1. Bit i of the result: id i can come up. */
static unsigned left_over(unsigned top_k, float top_p, float min_p, float temperature)
{
    const float logits[] = {logf(0.05f), logf(0.4f), logf(0.1f), logf(0.3f), logf(0.15f)};
    const struct sampler_options opt = {
        .temperature = temperature, .top_k = top_k, .top_p = top_p, .min_p = min_p, .repeat_penalty = 1, .seed = 3};
    bool seen[5];
    unsigned bits = 0;
    seen_set(&opt, logits, 5, 600, seen); /* 0.95^600 < 1e-13 */
    for (unsigned i = 0; i < 5; i++)
        bits |= (unsigned)seen[i] << i;
    return bits;
}

enum { P05 = 1, P40 = 2, P10 = 4, P30 = 8, P15 = 16, ALL = 31 };

static void cuts_leave_the_exact_sets(void **state)
{
    (void)state;
    const float temperatures[] = {1, 3}; /* the cuts look at temperature 1, whatever the draw uses */
    for (size_t i = 0; i < 2; i++) {
        const float t = temperatures[i];
        assert_int_equal(left_over(0, 1, 0, t), ALL);
        assert_int_equal(left_over(1, 1, 0, t), P40);
        assert_int_equal(left_over(2, 1, 0, t), P40 | P30);
        assert_int_equal(left_over(4, 1, 0, t), ALL & ~P05);
        assert_int_equal(left_over(5, 1, 0, t), ALL);
        assert_int_equal(left_over(99, 1, 0, t), ALL);
        assert_int_equal(left_over(0, 0.0f, 0, t), P40); /* never empty */
        assert_int_equal(left_over(0, 0.39f, 0, t), P40);
        assert_int_equal(left_over(0, 0.41f, 0, t), P40 | P30);
        assert_int_equal(left_over(0, 0.69f, 0, t), P40 | P30);
        assert_int_equal(left_over(0, 0.71f, 0, t), P40 | P30 | P15);
        assert_int_equal(left_over(0, 0.96f, 0, t), ALL);
        assert_int_equal(left_over(0, NAN, 0, t), ALL);
        assert_int_equal(left_over(0, 1, 0.38f, t), P40 | P30);       /* 0.375 and less go */
        assert_int_equal(left_over(0, 1, 0.37f, t), P40 | P30 | P15); /* 0.15 / 0.4 = 0.375 */
        assert_int_equal(left_over(0, 1, 0.24f, t), ALL & ~P05);
        assert_int_equal(left_over(0, 1, 2.0f, t), P40);
        assert_int_equal(left_over(3, 0.82f, 0, t), P40 | P30); /* of what top-k left: 0.7 / 0.85 = 0.8235 */
        assert_int_equal(left_over(3, 0.83f, 0, t), P40 | P30 | P15);
        assert_int_equal(left_over(4, 0.99f, 0.3f, t), P40 | P30 | P15);
    }
}

/* 600 equal tokens: half the probability is 300 of them, more than top-p looks at first, and ties go to the lower ids. */
static void top_p_over_many_tokens(void **state)
{
    (void)state;
    static float logits[600];
    static bool seen[600];
    struct sampler_options opt = plain;
    opt.top_p = 0.5f;
    assert_int_equal(seen_set(&opt, logits, 600, 4500, seen), 300);
    for (size_t i = 0; i < 600; i++)
        assert_int_equal(seen[i], i < 300);
}

static const float *sort_by;

static int likelier(const void *pa, const void *pb)
{
    const int32_t a = *(const int32_t *)pa, b = *(const int32_t *)pb;
    if (sort_by[a] != sort_by[b])
        return sort_by[a] > sort_by[b] ? -1 : 1;
    return (a > b) - (a < b);
}

/* Against a plain sort; only 40 different values, so that the edge usually lies among ties. A huge temperature makes all that
 * are left equally likely. */
static void top_k_against_sorting(void **state)
{
    (void)state;
    enum { N = 200 };
    static float logits[N];
    static bool seen[N];
    int32_t order[N];
    uint32_t x = 99;
    for (unsigned k = 1; k < 60; k += 4) {
        for (int32_t i = 0; i < N; i++) {
            x = x * 1664525u + 1013904223u;
            logits[i] = (float)((x >> 16) % 40);
            order[i] = i;
        }
        sort_by = logits;
        qsort(order, N, sizeof *order, likelier);
        struct sampler_options opt = plain;
        opt.temperature = 1e30f;
        opt.top_k = k;
        opt.seed = k;
        assert_int_equal(seen_set(&opt, logits, N, (size_t)k * 16, seen), k);
        for (unsigned i = 0; i < k; i++)
            assert_true(seen[order[i]]);
    }
}

/* ---- frequencies ---- */

/* Pearson's chi-square of n draws against probabilities p[8]. */
static double chi_square(const struct sampler_options *opt, const float *logits, const double *p, size_t n)
{
    struct sampler *s = make(opt, 8);
    size_t count[8] = {0};
    for (size_t i = 0; i < n; i++)
        count[sampler_pick(s, logits)]++;
    sampler_free(s);
    double sum = 0;
    for (int i = 0; i < 8; i++) {
        const double expected = p[i] * (double)n, off = (double)count[i] - expected;
        sum += off * off / expected;
    }
    return sum;
}

/* 7 degrees of freedom: a right sampler exceeds 24.32 once in 1000 seeds; the seeds are fixed. A wrong temperature gives
 * hundreds. */
static void frequencies(void **state)
{
    (void)state;
    const double p[8] = {0.02, 0.3, 0.01, 0.17, 0.2, 0.05, 0.15, 0.1};
    const double temperatures[] = {1, 0.5, 2};
    float logits[8];
    for (int i = 0; i < 8; i++)
        logits[i] = (float)log(p[i]) + 20;
    for (size_t k = 0; k < 3; k++) {
        double q[8], sum = 0;
        for (int i = 0; i < 8; i++)
            sum += q[i] = pow(p[i], 1 / temperatures[k]);
        for (int i = 0; i < 8; i++)
            q[i] /= sum;
        struct sampler_options opt = plain;
        opt.temperature = (float)temperatures[k];
        for (opt.seed = 1; opt.seed <= 3; opt.seed++) {
            const double chi = chi_square(&opt, logits, q, 20000);
            if (!(chi < 24.32))
                fail_msg("temperature %g, seed %d: chi-square %g", temperatures[k], (int)opt.seed, chi);
        }
        opt.top_k = 8; /* no cut, but another order inside */
        opt.top_p = 0.99999f;
        assert_true(chi_square(&opt, logits, q, 20000) < 24.32);
    }
}

/* ---- repetition penalty ---- */

static void repetition_penalty(void **state)
{
    (void)state;
    const float logits[] = {4, 3, -1, -1.5f};
    struct sampler_options opt = plain;
    opt.temperature = 0;
    opt.repeat_penalty = 2;
    opt.repeat_last = 2;
    struct sampler *s = make(&opt, 4);
    assert_int_equal(sampler_pick(s, logits), 0);
    sampler_accept(s, 0);
    assert_int_equal(sampler_pick(s, logits), 1); /* 4 / 2 < 3 */
    sampler_accept(s, 0);
    assert_int_equal(sampler_pick(s, logits), 1); /* twice in the window counts once: 4 / 2, ... */
    sampler_accept(s, 1);
    assert_int_equal(sampler_pick(s, logits), 0); /* ... 4 / 2 > 3 / 2 */
    sampler_accept(s, 1);
    sampler_accept(s, -1); /* no tokens */
    sampler_accept(s, 4);
    assert_int_equal(sampler_pick(s, logits), 0); /* 0 has left the window of two */
    sampler_free(s);
    s = make(&opt, 4); /* negative logits are multiplied: -1 becomes -2, below -1.5 */
    sampler_accept(s, 2);
    assert_int_equal(sampler_pick(s, (const float[]){-9, -9, -1, -1.5f}), 3);
    sampler_free(s);
    opt.repeat_last = 0; /* off */
    s = make(&opt, 4);
    sampler_accept(s, 0);
    assert_int_equal(sampler_pick(s, logits), 0);
    sampler_free(s);
}

/* ---- the seed ---- */

/* 65536 equal tokens: a pick is the top 16 bits of the generator's output. From the authors' definitions of xoshiro256** and
 * splitmix64, worked out in another language. */
static void generator_is_xoshiro(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed;
        int32_t top[8];
    } known[] = {
        {0, {39404, 49006, 6751, 27301, 48037, 65519, 27670, 35104}},
        {42, {5496, 24836, 44567, 60600, 64998, 50445, 47137, 55706}},
    };
    float *logits = calloc(65536, sizeof *logits);
    assert_non_null(logits);
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        struct sampler_options opt = plain;
        opt.seed = known[k].seed;
        struct sampler *s = make(&opt, 65536);
        for (int i = 0; i < 8; i++)
            assert_int_equal(sampler_pick(s, logits), known[k].top[i]);
        sampler_free(s);
    }
    free(logits);
}

/* 1000 picks with everything on, folded by FNV-1a. The logits are exact fractions, so every machine starts from the same. */
static uint64_t fold_picks(const struct sampler_options *opt)
{
    static float logits[FOLD_VOCAB];
    struct sampler *s = make(opt, FOLD_VOCAB);
    uint64_t h = 0xcbf29ce484222325u;
    for (uint32_t round = 0; round < 1000; round++) {
        for (uint32_t i = 0; i < FOLD_VOCAB; i++)
            logits[i] = (float)((i * 2654435761u + round * 40503u) >> 12 & 0xffff) / 4096.0f - 8.0f;
        const int32_t id = sampler_pick(s, logits);
        sampler_accept(s, id);
        h = (h ^ (uint64_t)(uint32_t)id) * 0x100000001b3u;
    }
    sampler_free(s);
    return h;
}

static void same_seed_same_picks(void **state)
{
    (void)state;
    struct sampler_options opt = sampler_defaults;
    opt.repeat_penalty = 1.1f;
    assert_true(fold_picks(&opt) == 0xd50dcb3d4f5270f1u);
    opt.seed = 1;
    assert_true(fold_picks(&opt) == 0x58d3a9ea50aac74cu);
    opt.top_k = 0; /* top-p over the whole vocabulary */
    opt.min_p = 0;
    assert_true(fold_picks(&opt) == 0x99a4ba9efeb7fbadu);
}

static void logits_are_not_changed(void **state)
{
    (void)state;
    float logits[300], copy[300];
    for (int i = 0; i < 300; i++)
        logits[i] = copy[i] = (float)(i * 37 % 101);
    struct sampler_options opt = sampler_defaults;
    opt.repeat_penalty = 1.5f;
    struct sampler *s = make(&opt, 300);
    for (int i = 0; i < 50; i++)
        sampler_accept(s, sampler_pick(s, logits));
    assert_memory_equal(logits, copy, sizeof logits);
    sampler_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy),
        cmocka_unit_test(odd_logits_when_drawing),
        cmocka_unit_test(low_temperature_is_greedy),
        cmocka_unit_test(cuts_leave_the_exact_sets),
        cmocka_unit_test(top_p_over_many_tokens),
        cmocka_unit_test(top_k_against_sorting),
        cmocka_unit_test(frequencies),
        cmocka_unit_test(repetition_penalty),
        cmocka_unit_test(generator_is_xoshiro),
        cmocka_unit_test(same_seed_same_picks),
        cmocka_unit_test(logits_are_not_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
