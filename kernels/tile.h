/* Loops over the tokens of a register tile, for the kernels of both kernels/ and baselines/.
 *
 * A tile function is inlined with a constant number of tokens and its loops over tokens must vanish: a sum that is an element of an
 * array with a variable index lives in memory. (Without UNROLL gcc 12 at -O2 keeps such loops: half of the speed, see the log.)
 * ISA_EMULATED is set by tests where functions stand for instructions: there are no registers to fill, and a copy of a function for
 * each would take minutes to compile. */
#ifndef BITJOULE_TILE_H
#define BITJOULE_TILE_H

#include <stddef.h>

#ifdef ISA_EMULATED
#define TILE static inline void
#define UNROLL
#elif defined(__clang__)
#define TILE static inline __attribute__((always_inline)) void
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define TILE static inline __attribute__((always_inline)) void
#define UNROLL _Pragma("GCC unroll 32")
#endif

/* Ties the old and the new value of a sum to one register; without it gcc 12 copies every sum in every step of an integer tile on x86. */
#if defined(ISA_EMULATED) || defined(__clang__)
#define KEEP(sum) ((void)0)
#elif defined(__aarch64__)
#define KEEP(sum) __asm__("" : "+w"(sum))
#else
#define KEEP(sum) __asm__("" : "+v"(sum))
#endif

/* Tokens are spread evenly over tiles: 7 as 4 + 3, not 6 + 1, since a tile of one leaves the multipliers waiting. */
static inline size_t next_tile(size_t tokens_left, size_t tile)
{
    const size_t tiles = (tokens_left + tile - 1) / tile;
    return (tokens_left + tiles - 1) / tiles;
}

/* Activations of so many bytes stay in the second-level cache (512 KB to 2 MB a core) while the rows of a matrix pass over them. */
enum { GEMM_ACTS_BYTES = 512 * 1024, GEMM_LEAST_TOKENS = 48 /* for which unpacking the weights again pays */ };

/* Tokens, of `bytes` activations each, that a gemm of whole rows takes at once, `most` or fewer */
static inline size_t gemm_chunk(size_t tokens_left, size_t bytes, size_t most)
{
    const size_t fit = GEMM_ACTS_BYTES / bytes, tokens = fit > GEMM_LEAST_TOKENS ? fit : GEMM_LEAST_TOKENS;
    return next_tile(tokens_left, tokens < most ? tokens : most);
}

/* switch (tokens) { TILE_CASES_n(CALL) }: runs CALL(tokens) with a constant, 1 .. n */
#define TILE_CASE(call, n) case n: call(n); break;
#define TILE_CASES_2(call) TILE_CASE(call, 1) default: call(2); break;
#define TILE_CASES_3(call) TILE_CASE(call, 1) TILE_CASE(call, 2) default: call(3); break;
#define TILE_CASES_4(call) TILE_CASE(call, 1) TILE_CASE(call, 2) TILE_CASE(call, 3) default: call(4); break;
#define TILE_CASES_6(call) \
    TILE_CASE(call, 1) TILE_CASE(call, 2) TILE_CASE(call, 3) TILE_CASE(call, 4) TILE_CASE(call, 5) default: call(6); break;
#define TILE_CASES_8(call) \
    TILE_CASE(call, 1) TILE_CASE(call, 2) TILE_CASE(call, 3) TILE_CASE(call, 4) TILE_CASE(call, 5) TILE_CASE(call, 6) \
    TILE_CASE(call, 7) default: call(8); break;
#define TILE_CASES_12(call) \
    TILE_CASE(call, 1) TILE_CASE(call, 2) TILE_CASE(call, 3) TILE_CASE(call, 4) TILE_CASE(call, 5) TILE_CASE(call, 6) \
    TILE_CASE(call, 7) TILE_CASE(call, 8) TILE_CASE(call, 9) TILE_CASE(call, 10) TILE_CASE(call, 11) default: call(12); break;

#endif
