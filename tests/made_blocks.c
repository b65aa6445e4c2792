/* See made_blocks.h. The window is as long as the repetitions; there are no peaks. */
#include "tests/made_blocks.h"

#include <stdlib.h>

void made_block(struct cell_result *r, unsigned round, unsigned repetitions, double sample_s, double joules)
{
    struct block b = {.batch = 1,
                      .pass = 1,
                      .round = round,
                      .position = 1,
                      .repetitions = repetitions,
                      .time_s = repetitions * sample_s,
                      .window_s = repetitions * sample_s,
                      .energy_j = joules,
                      .energy_s = repetitions * sample_s,
                      .peaks = block_no_peaks()};
    if (cell_result_add(r, &b))
        abort();
}
