/* Which cells are measured against each other, and which models are in memory at the same time.
 *
 * Cells that differ in nothing but the weight format (or, with two programs, in the program) form a contest: their blocks are
 * interleaved in rounds. A batch is a set of groups (model and format) whose workers live at once. All groups of a model are one batch
 * when they fit into memory together; otherwise the comparison base is part of every batch, the others are spread. A group that does not
 * fit even beside its base alone gets a batch with it in which the two are loaded by turns, block after block. */
#ifndef BITJOULE_SCHEDULE_H
#define BITJOULE_SCHEDULE_H

#include "harness/plan.h"

struct batch {
    size_t *groups, n_groups;
    double need_bytes; /* of all its workers at once; by turns: of the largest */
    bool by_turns;
};

struct contest {
    size_t batch;
    size_t *cells, n_cells; /* indices into plan.cells; never empty, none that is skipped */
};

struct schedule {
    struct batch *batches;
    size_t n_batches;
    struct contest *contests; /* in the order of running: batch after batch */
    size_t n_contests;
};

/* 0 or -ENOMEM. */
int schedule_make(const struct plan *p, struct schedule *out);
void schedule_free(struct schedule *s);

bool contest_has(const struct contest *c, size_t cell);
/* In how many contests a cell is: a base may be in several, one for each batch of its model. */
size_t schedule_contests_of(const struct schedule *s, size_t cell);
/* Passes through the contests: those of the suite; one where there is a single contest besides the quality rows, whose rounds would follow
 * each other in any case. */
unsigned schedule_passes(const struct plan *p, const struct schedule *s, const struct suite *suite);
/* Bytes when the models of all batches but the quality rows' are loaded at once; of what is loaded by turns, the largest. */
double schedule_need_bytes(const struct plan *p, const struct schedule *s);

#endif
