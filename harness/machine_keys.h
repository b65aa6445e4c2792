/* What must be the same in two records before their numbers are compared. Each key has a name, so that a difference can be allowed
 * on purpose (--allow-different KEY):
 *
 *     arch cpu_model cores governor turbo kernel hypervisor thp     the machine; cores: sockets, cores, threads; kernel: its major
 * number
 *     build          compiler, flags, instruction sets, sanitizers - not the commit: that is what gets compared
 *     isa            instruction sets allowed on the command line
 *     model          SHA-256 of the input files of the same name (models and shapes; not the suite)
 *     seed           of synthetic weights and token ids
 *     energy_source  the source's name and kind
 *     cpus kv        of cells with the same name: the CPUs they ran on, the type of the KV cache
 * Unknown on both sides is the same. */
#ifndef BITJOULE_MACHINE_KEYS_H
#define BITJOULE_MACHINE_KEYS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { MACHINE_TEXT_LEN = 200, MACHINE_KEYS_MAX = 16 };

struct machine_difference {
    const char *key;
    char base[MACHINE_TEXT_LEN], fresh[MACHINE_TEXT_LEN];
};

/* Differences between two records, at most MACHINE_KEYS_MAX; returns how many. */
size_t machine_differences(const json_t *base, const json_t *fresh, struct machine_difference out[MACHINE_KEYS_MAX]);

/* Whether there is such a key; names: all of them, separated by blanks. */
bool machine_key_known(const char *key);
const char *machine_key_names(void);

/* The machine and build keys of one record as "key=value" lines, for a fingerprint. Returns the length that it needs, as snprintf.
 * */
size_t machine_description(const json_t *record, char *buf, size_t len);

#endif
