/* Memory for weights in huge pages, and how much memory the machine could still give. */
#ifndef BITJOULE_MEMORY_H
#define BITJOULE_MEMORY_H

#include <stddef.h>

/* MemAvailable of /proc/meminfo in bytes; SIZE_MAX when it cannot be read. Limits of a container are the harness's to know. */
size_t memory_available(void);

/* A mapping of its own between two without access: an overrun faults, and smaps tells of nothing else. */
struct huge_map {
    void *data;   /* aligned to a huge page, zeroed; pages come when they are touched, huge where the kernel has them */
    size_t bytes; /* whole huge pages */
    void *map;    /* with what is around it */
    size_t map_bytes;
};

/* 0 or a negative errno. */
int huge_map_new(size_t bytes, struct huge_map *a);
void huge_map_free(struct huge_map *a); /* an empty one is fine */

/* What of the mapping is in memory, and what of that in huge pages, as the kernel says (procfs smaps). 0, or -ENOENT where it
 * does not. */
int huge_map_pages(const struct huge_map *a, size_t *resident, size_t *huge);

#endif
