/* Taking up a run again that was cut off: from the lines of its stream to the state of an experiment.
 *
 * Everything that decides what comes next is in the stream: the header has the suite, the options and the memory that the plan was
 * made for, blocks say which rounds are done, "setup" lines what a worker said of its cell. So a run that is killed at any moment goes
 * on with the block that it was in, and what it had finished stays as it is. */
#ifndef BITJOULE_RESUME_H
#define BITJOULE_RESUME_H

#include "harness/experiment.h"
#include "harness/lists.h"

/* The lines that stay: all but those that say how an earlier attempt ended, and cells and contests that it was interrupted in. New
 * reference. */
json_t *resume_kept(const json_t *lines);

/* Whether the run may go on here: both are headers. Keys in `allow` ("host", "program", "inputs") may differ. 0; -EXDEV and a line in err
 * that names the first difference and its key. */
int resume_check(const json_t *then, const json_t *now, const struct str_list *allow, char err[RECORD_ERR_LEN]);
/* NULL, or what is wrong with a value of --allow-different. */
const char *resume_key_error(const char *key);

/* Fills results, schedule positions and peaks of an experiment that is about to run. 0, -ENOMEM; -EINVAL: a line does not fit the plan. */
int resume_restore(struct experiment *e, const json_t *lines);

#endif
