/* Writes the record of a run: results.jsonl line by line as things happen, results.json whole at the end (README.md, "The record").
 *
 * Every line is handed to the kernel at once, so that it survives the end of this process, and to the disk at most a second later.
 * The directory is locked against a second run, and what an earlier run left there is moved into DIR/previous/, so that two runs
 * never mix. The first write error sticks: later calls do nothing and return it again. */
#ifndef BITJOULE_RECORD_H
#define BITJOULE_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum { RECORD_ERR_LEN = 512 };

struct record {
    char *dir;
    int lock_fd;
    FILE *stream;    /* results.jsonl */
    json_t *root;    /* what results.json will hold */
    double synced_s; /* clock of the last fdatasync() */
    int rc;          /* first error */
    char err[RECORD_ERR_LEN];
};

/* Makes the directory (with its parents), checks that it can be written, starts the stream. 0, or a negative errno and a line. */
int record_open(const char *dir, struct record *out, char err[RECORD_ERR_LEN]);
/* Locks the directory of an earlier run and reads its stream: *lines is an array of its objects, without a torn last line. Nothing is
 * changed yet. 0, or a negative errno and a line. */
int record_reopen(const char *dir, struct record *out, json_t **lines, char err[RECORD_ERR_LEN]);
/* After that: the stream becomes these lines (written beside and renamed) and goes on behind them; root gets what is in them. */
int record_continue(struct record *r, const json_t *lines);
/* Whether the file system has room for so many bytes. 0, or -ENOSPC and a line in err. */
int record_need_space(const struct record *r, double bytes, char err[RECORD_ERR_LEN]);
/* The header's fields go to the top of results.json. Takes `header` over. */
int record_header(struct record *r, json_t *header);
/* One line of the stream. Peaks, contests, cells, scenarios and "lossless" also go into results.json, other types only into the
 * stream. Takes `object` over. */
int record_line(struct record *r, const char *type, json_t *object);
/* The footer's fields complete those of the header ("run" is merged). Then results.json, written beside and renamed. Takes
 * `footer` over. */
int record_finish(struct record *r, json_t *footer);
void record_close(struct record *r);

#endif
