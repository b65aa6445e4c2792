/* Counters for `bitjoule run`: the profile's, behind the engine's interface. */
#ifndef BITJOULE_RUN_COUNTERS_H
#define BITJOULE_RUN_COUNTERS_H

#include "engine/run_meter.h"

extern const struct run_meter run_counters;

#endif
