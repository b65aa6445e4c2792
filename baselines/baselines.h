/* The formats that ternary is compared with: f32, f16, int8, 4-bit, and 6-bit for embeddings. Each obeys kernels/format.h. */
#ifndef BITJOULE_BASELINES_H
#define BITJOULE_BASELINES_H

#include "kernels/format.h"

extern const struct format format_f32;  /* numerical oracle */
extern const struct format format_f16;  /* what published speed-ups are measured against */
extern const struct format format_q8_0; /* int8, one f16 scale per 32 weights */
extern const struct format format_q4_0; /* 4-bit, one f16 scale per 32 weights */
extern const struct format format_q6_k; /* 6-bit, int8 scale per 16 and f16 scale per 256 weights */

/* All of them, NULL-terminated. */
extern const struct format *const baseline_formats[];

#endif
