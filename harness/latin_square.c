/* Row i of the square is the zigzag 0, 1, n-1, 2, n-2, ... plus i, modulo n: neighbours differ by every amount once. */
#include "harness/latin_square.h"

#include <assert.h>

#include "engine/mix64.h"

size_t latin_period(size_t n)
{
    return n % 2 && n > 1 ? 2 * n : n;
}

static void shuffled(uint64_t seed, size_t n, size_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = i;
    for (size_t i = n; i > 1; i--) {
        const size_t k = (size_t)(random_at(seed, i) % i), swap = out[i - 1];
        out[i - 1] = out[k];
        out[k] = swap;
    }
}

static size_t zigzag(size_t n, size_t position)
{
    return position % 2 ? (position + 1) / 2 : (n - position / 2) % n;
}

void latin_order(uint64_t seed, size_t round, size_t n, size_t *order)
{
    size_t letters[LATIN_MAX], rows[2 * LATIN_MAX];
    assert(n >= 1 && n <= LATIN_MAX);
    const size_t period = latin_period(n);
    const uint64_t drawn = random_at(seed, round / period);
    shuffled(drawn, n, letters);
    shuffled(~drawn, period, rows);
    const size_t row = rows[round % period];
    for (size_t i = 0; i < n; i++) {
        const size_t position = row < n ? i : n - 1 - i; /* the second square runs backwards */
        order[i] = letters[(zigzag(n, position) + row) % n];
    }
}
