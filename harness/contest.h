/* One contest: the cells that are compared with each other, measured in interleaved rounds.
 *
 * Every round visits each of them once, and the machine's peaks too, in an order that a seeded balanced Latin square gives. A block
 * that was disturbed is void and repeated at the end of its round, as long as the contest has repeats left (`repeats` for each cell and
 * one per ten blocks); after that a disturbed block counts, and the cell is warned about. The contest ends when
 *     "rounds"      the number of rounds that was asked for is done (-r), or it is a quality row, which needs one
 *     "precision"   every ratio to the base (without a base: every speed) is known to within `precision`, after min_rounds
 *     "max_rounds"  that is not so after max_rounds
 *     "time"        another round would end after contest_s
 *     "timeout"     another round would take a cell over timeout_s
 *     "interrupted" Ctrl-C
 *     "failed"      no cell is left
 * With several passes through the suite, a contest has a share of its rounds and of contest_s in each, and stops with
 *     "pass"        that is done, and there is another pass
 * Rounds that follow each other agree better with each other than with later ones, so each pass has its whole share, and "precision"
 * ends a contest only at the end of one, when half of them are complete and as many as tell how far they are apart (PAIRED_PASSES of
 * paired.h), or two where there are fewer. */
#ifndef BITJOULE_CONTEST_H
#define BITJOULE_CONTEST_H

#include "harness/experiment.h"

/* Runs contest `index` of the schedule in this pass (from 1); results, its contest_state, stop reasons and the line of the record are its
 * output. 0 or -ENOMEM. */
int contest_run(struct experiment *e, size_t index, unsigned pass);

#endif
