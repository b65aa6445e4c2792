/* How much memory the machine could still give. */
#ifndef BITJOULE_MEMORY_H
#define BITJOULE_MEMORY_H

#include <stddef.h>

/* MemAvailable of /proc/meminfo in bytes; SIZE_MAX when it cannot be read. Limits of a container are the harness's to know. */
size_t memory_available(void);

#endif
