/* CPU feature detection. x86: the compiler's cpuid helpers, which also check that the operating system saves the registers.
 * ARM: the kernel's auxiliary vector. Tests that emulate instruction sets have a cpu_detect() of their own instead of this file. */
#include "kernels/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdbool.h>

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

/* Compilers that know Zen 5 by name are younger than those of Debian 12. */
static unsigned cpu_family(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) ? ((a >> 8) & 0xf) + ((a >> 20) & 0xff) : 0;
}

enum cpu_core cpu_detect_core(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_is("intel"))
        return CPU_CORE_INTEL;
    if (__builtin_cpu_is("amd") && cpu_family() == 26)
        return CPU_CORE_ZEN5;
    return __builtin_cpu_is("znver2") || __builtin_cpu_is("znver3") ? CPU_CORE_ZEN : CPU_CORE_OTHER;
}

uint32_t cpu_detect(void)
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
#include <sys/auxv.h>

enum cpu_core cpu_detect_core(void)
{
    return CPU_CORE_OTHER;
}

/* Bits of AT_HWCAP and AT_HWCAP2 as in the kernel's uapi/asm/hwcap.h. */
uint32_t cpu_detect(void)
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
