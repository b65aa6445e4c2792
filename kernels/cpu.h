/* CPU feature detection: which kernels this machine can execute.
 *
 * One bit per feature that some kernel needs. Detection asks the CPU and the operating system once; cpu_limit()
 * narrows the answer, so that a test or a user (`--isa c`) can run every subset. */
#ifndef BITJOULE_CPU_H
#define BITJOULE_CPU_H

#include <stddef.h>
#include <stdint.h>

enum cpu_feature {
    CPU_AVX2 = 1u << 0, /* AVX2 + FMA + F16C, always used together */
    CPU_AVXVNNI = 1u << 1,
    CPU_AVX512 = 1u << 2, /* F + BW + VL + DQ */
    CPU_AVX512VNNI = 1u << 3,
    CPU_AVX512VBMI = 1u << 4,
    CPU_NEON = 1u << 8,
    CPU_DOTPROD = 1u << 9,
    CPU_I8MM = 1u << 10,
    CPU_FP16 = 1u << 11,
    CPU_SVE = 1u << 12,
};

/* What the CPU and the operating system say, asked anew: for cpu_features(). */
uint32_t cpu_detect(void);

/* Whose core this is, as far as that decides how memory is read ahead (x86/stream.h): set by the first call of cpu_features().
 * CPU_CORE_ZEN: AMD's Zen 2 and Zen 3. */
enum cpu_core { CPU_CORE_OTHER, CPU_CORE_INTEL, CPU_CORE_ZEN, CPU_CORE_ZEN5, CPU_CORE_LAST = CPU_CORE_ZEN5 };
extern enum cpu_core cpu_core;
enum cpu_core cpu_detect_core(void); /* what the CPU says, asked anew: for cpu_features() */

/* Features of this CPU, less those excluded by cpu_limit(). Not thread-safe on its first call. */
uint32_t cpu_features(void);

/* From now on report only features in `mask`; UINT32_MAX lifts the limit. Kernels already chosen stay as they are. */
void cpu_limit(uint32_t mask);

/* Writes the names of the features in `bits` ("avx2,avx512") into buf and returns buf; "c" when there are none. */
const char *cpu_feature_names(uint32_t bits, char *buf, size_t buf_len);

/* Mask of the features up to and including the ISA called `name` ("c", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512vbmi",
 * "neon", "dotprod", "i8mm", "sve"); -EINVAL when there is none of that name. */
int cpu_isa_mask(const char *name, uint32_t *mask);

/* Those names, of all architectures, as "c,avx2,..." into buf, which is returned: for messages. */
enum { CPU_ISA_NAMES_LEN = 96 };
const char *cpu_isa_names(char *buf, size_t len);

#endif
