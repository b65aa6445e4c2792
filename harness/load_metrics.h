/* What loading a model took, and the pages its weights lie in: metrics of every cell. */
#ifndef BITJOULE_LOAD_METRICS_H
#define BITJOULE_LOAD_METRICS_H

#include "engine/model.h"
#include "profiles/probe.h"

enum { LOAD_METRICS = 4 };

/* load_s, load_read_s, load_repack_s, weights_huge_share */
void load_metrics(const struct model *m, struct metric out[LOAD_METRICS]);

#endif
