/* Reads finished records (results.json) back, for comparing, gating, history and merging. Nothing here runs a benchmark. */
#ifndef BITJOULE_SAVED_RECORD_H
#define BITJOULE_SAVED_RECORD_H

#include <jansson.h>

enum { SAVED_ERR_LEN = 512, SAVED_SCHEMA = 1 };

/* `path`: a results.json or the folder of a run. New reference; NULL: one line in err that names the file and what is wrong. */
json_t *saved_record_load(const char *path, char err[SAVED_ERR_LEN]);

/* Text at a member of an object, "" when it is not there or no text. Borrowed. */
const char *saved_text(const json_t *object, const char *key);
/* Number at a member, NAN when it is not there. */
double saved_number(const json_t *object, const char *key);

#endif
