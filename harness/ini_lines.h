/* inih with line numbers: which line a key stands in, and no line that is cut silently. */
#ifndef BITJOULE_INI_LINES_H
#define BITJOULE_INI_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum { INI_LINES_ERR_LEN = 512 };

/* What a reader says of a key that it does not know; its argument is the section. */
#define INI_LINES_UNKNOWN "unknown key in section [%.80s]: configs/README.md lists the keys"

struct ini_line {
    const char *section; /* "" before the first */
    const char *name, *value;
    bool continued; /* the line begins with a blank: more of the value before, under the same name */
};

/* One key. 0, or a negative errno and a reason without file, line and name. */
typedef int ini_lines_key(void *user, const struct ini_line *line, char why[INI_LINES_ERR_LEN]);

/* Hands over every key of a file. 0, or the first error and "path:line: reason" in err. A key without a value, and a line that is
 * neither section, key nor comment, are errors. */
int ini_lines_read(const char *path, ini_lines_key *on_key, void *user, char err[INI_LINES_ERR_LEN]);

#endif
