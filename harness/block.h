/* A block: one timed window of repetitions of one cell, the unit that rounds interleave and statistics count.
 *
 *     seconds per repetition = time_s / repetitions          the sample
 *     void        something disturbed it: it stays in the record, counts for nothing and was repeated
 *     disturbed   the same, but there was no repeat left: it counts, and the cell is warned about
 * The peaks of a block are what the machine could do in the same round. A block is made from a worker's answer, or read back from the
 * stream of an earlier run. */
#ifndef BITJOULE_BLOCK_H
#define BITJOULE_BLOCK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { BLOCK_REASON_LEN = 256 };

/* 1e9 bytes or multiply-adds per second; NAN: not measured */
struct block_peaks {
    double read_gb_s, int8_gmac_s, fma_gmac_s;
};

struct block {
    unsigned batch;           /* of the schedule */
    unsigned pass;            /* through the suite, from 1 */
    unsigned round, position; /* from 1; position in the round, the peaks included */
    double start_s;           /* since the run began */
    unsigned repetitions;
    double time_s;             /* all repetitions, nothing else */
    double window_s;           /* from the first to the last reading of the probes */
    double tokens;             /* of all repetitions */
    double energy_j, energy_s; /* headline joules of the window and its length by the source; NAN: none */
    struct block_peaks peaks;
    char void_reason[BLOCK_REASON_LEN], disturbed[BLOCK_REASON_LEN]; /* empty: not so */
    json_t *samples_s; /* time of single repetitions, of long series means of equal chunks */
    json_t *token_s;   /* times of decoded tokens, of some of the repetitions; NULL: none */
    json_t *metrics;   /* of the probes; NULL: none */
    json_t *state;     /* metrics of engine and workload at the end of the block; NULL: none */
};

/* From the worker's answer; batch, pass, round, position, start_s and peaks are the caller's. false: no block can be made of it. */
bool block_from_reply(const json_t *reply, double tokens_per_repetition, struct block *out);
/* The line of the stream without its cell; new reference. */
json_t *block_line_json(const struct block *b);
/* The entry of a cell's "blocks" in results.json; new reference. */
json_t *block_entry_json(const struct block *b);
/* From a line of the stream. false: it is none. */
bool block_from_line(const json_t *line, struct block *out);
void block_free(struct block *b);
void block_settle(struct block *b); /* frees the JSON in it, keeps the numbers */

static inline bool block_counts(const struct block *b)
{
    return !b->void_reason[0];
}
/* Seconds per repetition. */
static inline double block_sample_s(const struct block *b)
{
    return b->time_s / b->repetitions;
}

struct block_peaks block_no_peaks(void);
json_t *block_peaks_json(const struct block_peaks *p); /* null: none; new reference */
struct block_peaks block_peaks_from_json(const json_t *o);

#endif
