/* The machine: description for the record, warnings about it, and how much memory may be used. */
#ifndef BITJOULE_HOST_INFO_H
#define BITJOULE_HOST_INFO_H

#include <jansson.h>
#include <stddef.h>

#include "profiles/probe.h"

/* The "host" object of the record (harness/README.md). Every key is there; null where the machine does not tell. New reference,
 * NULL when out of memory. env may be NULL: the real /sys and /proc. */
json_t *host_info_json(const struct probe_env *env);

/* The "warnings" array: {"severity": "info" | "warn" | "block", "check": "governor", "message": "..."}.
 * info: worth knowing; warn: the numbers will be noisier or not comparable; block: they mean nothing. */
json_t *host_warnings_json(const struct probe_env *env);

/* Bytes that this process may still take without swapping or being killed: MemAvailable, limited by the memory limits of its
 * control groups (versions 1 and 2). 0 when the kernel does not tell. */
size_t host_mem_available(const struct probe_env *env);

#endif
