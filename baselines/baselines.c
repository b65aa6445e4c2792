/* The registry of the baseline formats: one line per format. It does not look anything up. */
#include "baselines/baselines.h"

const struct format *const baseline_formats[] = {
    &format_f32, &format_f16, &format_q8_0, &format_q4_0, &format_q6_k, NULL,
};
