/* What the CPU has (cpu_detect.c asks it once), less what cpu_limit() excludes; and the names of features and of ISAs. */
#include "kernels/cpu.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum cpu_core cpu_core;
static uint32_t limit = UINT32_MAX;

static const struct {
    const char *name;
    uint32_t bit;
} features[] = {
    {"avx2", CPU_AVX2},         {"avxvnni", CPU_AVXVNNI}, {"avx512", CPU_AVX512}, {"avx512vnni", CPU_AVX512VNNI},
    {"avx512vbmi", CPU_AVX512VBMI}, {"neon", CPU_NEON}, {"dotprod", CPU_DOTPROD}, {"i8mm", CPU_I8MM}, {"fp16", CPU_FP16}, {"sve", CPU_SVE},
};
enum { N_FEATURES = sizeof features / sizeof features[0] };

uint32_t cpu_features(void)
{
    static uint32_t found;
    static bool done;
    if (!done) {
        found = cpu_detect();
        cpu_core = cpu_detect_core();
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
