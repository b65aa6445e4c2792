/* Blocks made by hand, for tests of what is computed from them. */
#ifndef BITJOULE_MADE_BLOCKS_H
#define BITJOULE_MADE_BLOCKS_H

#include "harness/cell_result.h"

/* Appends the block of that round: `repetitions` of sample_s each; joules: of its window, NAN for none. */
void made_block(struct cell_result *r, unsigned round, unsigned repetitions, double sample_s, double joules);

#endif
