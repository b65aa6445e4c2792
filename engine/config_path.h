/* Where the data files of configs/ are: beside the executable, or installed. */
#ifndef BITJOULE_CONFIG_PATH_H
#define BITJOULE_CONFIG_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* Path of configs/<folder>/<name>.ini. A name that contains '/' or ends in ".ini" is taken as a path as it is. Looked for in
 * $BITJOULE_CONFIGS, ../configs beside the executable, ../share/bitjoule/configs, ./configs. 0, or -ENOENT when there is no such
 * file anywhere, -ENAMETOOLONG. */
int config_path(const char *folder, const char *name, char *buf, size_t len);

/* Names (without ".ini") in configs/<folder>, sorted, joined with ", ", for messages; "none" when the folder is missing. */
void config_names(const char *folder, char *buf, size_t len);
/* The same of one folder that is given by its path; false when it holds none. */
bool config_names_in(const char *dir, char *buf, size_t len);

#endif
