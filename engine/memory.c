/* Weights take one mapping for all: many small tensors share huge pages. MADV_HUGEPAGE asks for them; the kernel gives what it
 * has. */
#include "engine/memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

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

static size_t whole_pages(size_t n)
{
    return (n + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

/* A huge page more than needed at either end, so that what is left over after aligning is at least a page on both sides. */
int huge_map_new(size_t bytes, struct huge_map *a)
{
    *a = (struct huge_map){.bytes = whole_pages(bytes ? bytes : 1)};
    a->map_bytes = a->bytes + 2 * (size_t)HUGE_PAGE;
    void *p = mmap(NULL, a->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        *a = (struct huge_map){.bytes = 0};
        return -errno;
    }
    a->map = p;
    const size_t ahead = whole_pages((uintptr_t)p + 1) - (uintptr_t)p;
    a->data = (char *)p + ahead;
    if (mprotect(a->data, a->bytes, PROT_READ | PROT_WRITE) != 0) {
        const int rc = -errno;
        huge_map_free(a);
        return rc;
    }
    madvise(a->data, a->bytes, MADV_HUGEPAGE); /* a hint: where it fails, pages are small */
    return 0;
}

void huge_map_free(struct huge_map *a)
{
    if (a->map)
        munmap(a->map, a->map_bytes);
    *a = (struct huge_map){.bytes = 0};
}

int huge_map_pages(const struct huge_map *a, size_t *resident, size_t *huge)
{
    char line[512];
    const uintptr_t begin = (uintptr_t)a->data, end = begin + a->bytes;
    unsigned long from, to, kib;
    int inside = 0, seen = 0;
    *resident = *huge = 0;
    FILE *f = fopen("/proc/self/smaps", "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = from < end && to > begin;
        else if (inside && sscanf(line, "Rss: %lu kB", &kib) == 1)
            *resident += (size_t)kib * 1024;
        else if (inside && sscanf(line, "AnonHugePages: %lu kB", &kib) == 1) {
            *huge += (size_t)kib * 1024;
            seen = 1;
        }
    }
    if (f)
        fclose(f);
    return seen ? 0 : -ENOENT;
}
