/* CPU feature detection. x86: the compiler's cpuid helpers, which also check that the operating system saves the registers.
 * ARM: the kernel's auxiliary vector. The limit set by cpu_limit() is applied to what was found. */
#include "kernels/cpu.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

static uint32_t limit = UINT32_MAX;

static const struct {
    const char *name;
    uint32_t bit;
} features[] = {
    {"avx2", CPU_AVX2},         {"avxvnni", CPU_AVXVNNI}, {"avx512", CPU_AVX512}, {"avx512vnni", CPU_AVX512VNNI},
    {"avx512vbmi", CPU_AVX512VBMI}, {"neon", CPU_NEON}, {"dotprod", CPU_DOTPROD}, {"i8mm", CPU_I8MM}, {"fp16", CPU_FP16}, {"sve", CPU_SVE},
};
enum { N_FEATURES = sizeof features / sizeof features[0] };

#if defined(__x86_64__)
#include <cpuid.h>

/* Two bits that not every compiler's __builtin_cpu_supports knows. */
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & (1u << 29)) != 0;
}

static bool has_avxvnni(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & (1u << 4)) != 0;
}

static uint32_t detect(void)
{
    uint32_t found = 0;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c())
        found |= CPU_AVX2;
    if (found && has_avxvnni())
        found |= CPU_AVXVNNI;
    if (found && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        found |= CPU_AVX512;
    if ((found & CPU_AVX512) && __builtin_cpu_supports("avx512vnni"))
        found |= CPU_AVX512VNNI;
    if ((found & CPU_AVX512) && __builtin_cpu_supports("avx512vbmi"))
        found |= CPU_AVX512VBMI;
    return found;
}
#elif defined(__aarch64__)
/* Bits of AT_HWCAP and AT_HWCAP2 as in the kernel's uapi/asm/hwcap.h. */
static uint32_t detect(void)
{
    const unsigned long cap = getauxval(AT_HWCAP), cap2 = getauxval(AT_HWCAP2);
    uint32_t found = CPU_NEON;
    if (cap & (1ul << 20))
        found |= CPU_DOTPROD;
    if (cap & (1ul << 10))
        found |= CPU_FP16;
    if (cap & (1ul << 22))
        found |= CPU_SVE;
    if (cap2 & (1ul << 13))
        found |= CPU_I8MM;
    return found;
}
#else
#error "bitjoule supports x86-64 and aarch64"
#endif

uint32_t cpu_features(void)
{
    static uint32_t found;
    static bool done;
    if (!done) {
        found = detect();
        done = true;
    }
    return found & limit;
}

void cpu_limit(uint32_t mask)
{
    limit = mask;
}

const char *cpu_feature_names(uint32_t bits, char *buf, size_t buf_len)
{
    size_t used = 0;
    if (buf_len == 0)
        return buf;
    snprintf(buf, buf_len, "c");
    for (size_t i = 0; i < N_FEATURES; i++) {
        if (!(bits & features[i].bit) || used >= buf_len)
            continue;
        const int n = snprintf(buf + used, buf_len - used, "%s%s", used ? "," : "", features[i].name);
        used += n > 0 ? (size_t)n : 0;
    }
    return buf;
}

/* What each ISA name allows: itself and what it builds on. */
static const struct {
    const char *name;
    uint32_t mask;
} isas[] = {
    {"c", 0},
    {"avx2", CPU_AVX2},
    {"avxvnni", CPU_AVX2 | CPU_AVXVNNI},
    {"avx512", CPU_AVX2 | CPU_AVX512},
    {"avx512vnni", CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI},
    {"avx512vbmi", CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI | CPU_AVX512VBMI},
    {"neon", CPU_NEON},
    {"dotprod", CPU_NEON | CPU_DOTPROD},
    {"i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM},
    {"sve", CPU_NEON | CPU_DOTPROD | CPU_SVE},
};
enum { N_ISAS = sizeof isas / sizeof isas[0] };

int cpu_isa_mask(const char *name, uint32_t *mask)
{
    for (size_t i = 0; i < N_ISAS; i++) {
        if (strcmp(name, isas[i].name) == 0) {
            *mask = isas[i].mask;
            return 0;
        }
    }
    return -EINVAL;
}

const char *cpu_isa_names(char *buf, size_t len)
{
    size_t used = 0;
    for (size_t i = 0; i < N_ISAS && used < len; i++)
        used += (size_t)snprintf(buf + used, len - used, "%s%s", used ? "," : "", isas[i].name);
    return buf;
}
