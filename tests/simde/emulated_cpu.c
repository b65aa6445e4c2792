/* The CPU of the emulated tests: has every feature, since no kernel of theirs is executed by the machine's own instructions, and is
 * nobody's. Stands for kernels/cpu_detect.c. */
#include "kernels/cpu.h"

uint32_t cpu_detect(void)
{
    return UINT32_MAX;
}

enum cpu_core cpu_detect_core(void)
{
    return CPU_CORE_OTHER;
}
