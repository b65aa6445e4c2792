/* Available memory, from the kernel's own estimate. */
#include "engine/memory.h"

#include <stdint.h>
#include <stdio.h>

size_t memory_available(void)
{
    char line[128];
    unsigned long long kib = 0;
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && kib == 0 && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) != 1)
            kib = 0;
    if (f)
        fclose(f);
    return kib ? (size_t)kib * 1024 : SIZE_MAX;
}
