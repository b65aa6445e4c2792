/* A checker for JSON Schema (draft 2020-12), as much of it as harness/record.schema.json uses. */
#ifndef BITJOULE_SCHEMA_CHECK_H
#define BITJOULE_SCHEMA_CHECK_H

#include <jansson.h>
#include <stddef.h>

/* Does `value` satisfy `schema`, whose "$ref"s point into `root`? 0, or -1 with the place and what is wrong there in err. A
 * keyword that this checker does not know is an error too, so that no rule of a schema is passed over in silence. */
int schema_check(const json_t *root, const json_t *schema, const json_t *value, char *err, size_t len);

#endif
