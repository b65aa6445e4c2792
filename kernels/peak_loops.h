/* What a machine can do at most, as loops without any model: the rulers that kernels and whole models are measured against
 * (design.md 3). Read bandwidth, int8 multiply-add and float fused multiply-add, by ISA.
 *
 * The arithmetic ones run `iterations` of independent chains that fill the execution units; the sums must stay in registers, hence
 * PEAK_UNROLL: gcc -O2 would keep an array of them in memory and measure store forwarding. Each returns something that depends on
 * all of its work, so that nothing is optimised away. */
#ifndef BITJOULE_PEAK_LOOPS_H
#define BITJOULE_PEAK_LOOPS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __clang__
#define PEAK_UNROLL _Pragma("clang loop unroll(full)")
#else
#define PEAK_UNROLL _Pragma("GCC unroll 16")
#endif

struct peak_loops {
    const char *isa;
    uint32_t need;                         /* enum cpu_feature bits */
    int64_t (*int8)(uint64_t iterations);  /* int8 x int8 multiply-adds, summed as the best kernel would */
    double int8_macs;                      /* per iteration */
    int64_t (*fma)(uint64_t iterations);   /* float fused multiply-adds */
    double fma_macs;
    /* Reads `bytes` (a multiple of 4096) from memory, prefetching `ahead` bytes further on; 0: the hardware alone. */
    int64_t (*read)(const void *p, size_t bytes, size_t ahead);
};

extern const struct peak_loops peak_c, peak_avx2, peak_avxvnni, peak_avx512, peak_avx512vnni, peak_neon, peak_dotprod,
    peak_i8mm;

/* All that this build has, best first, plain C last, NULL-terminated. */
extern const struct peak_loops *const peak_tables[];
/* The first of them that needs nothing but `features`. Never NULL. */
const struct peak_loops *peak_loops_for(uint32_t features);

/* How many iterations of a loop take about `seconds` on the calling thread. */
uint64_t peak_calibrate(int64_t (*loop)(uint64_t), double seconds);
/* Prefetch distance of a round's read loop: which one is best differs between processors, so rounds take turns. */
enum { PEAK_AHEADS = 5 };
size_t peak_ahead(unsigned round);

#endif
