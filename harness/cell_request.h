/* Latencies of a cell whose workload is a request (wl_request.c has the formulas). */
#ifndef BITJOULE_CELL_REQUEST_H
#define BITJOULE_CELL_REQUEST_H

#include <jansson.h>

#include "harness/cell_result.h"
#include "harness/workload.h"

/* Sets "request" of a cell's object: null for other workloads and cells without samples, else
 * {"ttft_s": {...}, "tpot_s": {...} | null, "e2e_s": {...}, "output_tokens_per_s", "definitions"}; "ttft_s" of the cell is then the
 * interval of the first, and "token_latency_s" is of the tokens after the first. 0 or -ENOMEM. */
int request_into_cell(json_t *cell, const struct cell *c, const struct cell_result *r);

#endif
