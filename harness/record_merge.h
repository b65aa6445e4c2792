/* Several finished records into one: shards of a suite from one machine, or the same suite from many. */
#ifndef BITJOULE_RECORD_MERGE_H
#define BITJOULE_RECORD_MERGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { MERGE_LABEL_LEN = 64, MERGE_ERR_LEN = 512 };

struct merge_part {
    json_t *record;
    const char *path;
    char label[MERGE_LABEL_LEN]; /* what the machine is called in the merged record */
};

/* Sets the labels: records of the same machine and build (machine_keys.h) get the same one, else the folder's name; equal names of
 * different machines get a number. `fleet`: every record is another machine, although nodes of one kind look alike. Returns how many
 * machines there are. */
size_t merge_label(struct merge_part *parts, size_t n, bool fleet);

/* The merged record, new reference. From one machine: its cells together. From several: cells are called ID@LABEL and their models
 * MODEL@LABEL, so that every table and plot puts the machines side by side; "hosts" holds each machine's host, build and run.
 * NULL: a line in err, e.g. about a cell that two records of one machine have. */
json_t *merge_records(struct merge_part *parts, size_t n, char err[MERGE_ERR_LEN]);

#endif
