/* How much memory the last-level caches hold, so that a loop can stay out of them. */
#ifndef BITJOULE_LAST_LEVEL_H
#define BITJOULE_LAST_LEVEL_H

#include <jansson.h>
#include <stddef.h>

/* Bytes of all last-level caches together: of the record's "host" object or as the C library has it, whichever is more, since under a
 * hypervisor they differ; a guess where neither tells. */
size_t last_level_bytes(const json_t *host);

#endif
