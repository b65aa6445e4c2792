/* Reading the small text files of /proc and /sys below a root that a test or --sysfs may have moved. */
#ifndef BITJOULE_SYSFILE_H
#define BITJOULE_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profiles/probe.h"

enum { SYSFILE_PATH_LEN = 512 };

const char *env_sysfs(const struct probe_env *env);  /* "/sys" unless the environment moves it; env may be NULL */
const char *env_procfs(const struct probe_env *env); /* "/proc" likewise */

/* Path = root "/" printf(fmt). Reads at most len - 1 bytes, ends them with NUL and cuts white space at the end.
 * Returns the number of characters or a negative errno; buf is then empty. */
int sysfile_text(char *buf, size_t len, const char *root, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The same for a file that holds one unsigned decimal number. -EINVAL when it holds something else. */
int sysfile_u64(uint64_t *out, const char *root, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A whole file of unknown size (cpuinfo, smaps) as a string for free(); NULL when it cannot be read. At most 16 MiB. */
char *sysfile_all(const char *root, const char *path);

bool sysfile_is_dir(const char *path);

/* A number in decimal, with nothing but white space after it. 0 or -EINVAL. */
int parse_u64(const char *text, uint64_t *out);

/* Finds the line "KEY<blanks>SEP<blanks>VALUE" and copies the value. sep: ':' for cpuinfo and status, '=' for os-release.
 * Returns 0 or -ENOENT; value is then empty. */
int text_field(const char *text, const char *key, char sep, char *value, size_t len);

#endif
