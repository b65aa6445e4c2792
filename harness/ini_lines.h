/* inih with line numbers: which line a key stands in, and no line that is cut silently. */
#ifndef BITJOULE_INI_LINES_H
#define BITJOULE_INI_LINES_H

#include <stddef.h>

enum { INI_LINES_ERR_LEN = 512 };

/* One key; section is "" before the first. 0, or a negative errno and a reason without file and line. */
typedef int ini_lines_key(void *user, const char *section, const char *name, const char *value, char why[INI_LINES_ERR_LEN]);

/* Hands over every key of a file. 0, or the first error and "path:line: reason" in err. A key without a value, and a line that is
 * neither section, key nor comment, are errors. */
int ini_lines_read(const char *path, ini_lines_key *on_key, void *user, char err[INI_LINES_ERR_LEN]);

#endif
