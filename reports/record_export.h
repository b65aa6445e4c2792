/* Records in the formats of other tools.
 *
 * Only cells with a result are written, and of these what the other format can say: the rest is counted, never bent. Text of the
 * record goes out escaped for its format. Memory from the set's arena; a failed allocation sets the buffer's or the arena's flag. */
#ifndef BITJOULE_RECORD_EXPORT_H
#define BITJOULE_RECORD_EXPORT_H

#include "reports/report_record.h"

struct export_format {
    const char *name, *help;
    /* Appends the cells of all runs to out; *left_out grows by the ok cells that have no form there. */
    void (*print)(struct report_set *set, struct textbuf *out, size_t *left_out);
};
/* csv, llama-bench, gobench, benchmark-action; the last has no name. */
extern const struct export_format export_formats[];

/* One array of objects as `llama-bench -o json` prints it: times in ns, one object for each ppN, tgN and ppN+tgM of one sequence.
 * Settings that only llama-bench has are left out; what the record does not know is null. */
void export_llama_bench(struct report_set *set, struct textbuf *out, size_t *left_out);
/* Go's benchmark format (golang.org/design/14313-benchmark-format), for benchstat: one line per sample. The iterations are 1, since
 * a line is one repetition; tokens are in the units: ns/token, tokens/s, and J/token where the sample has joules. */
void export_gobench(struct report_set *set, struct textbuf *out, size_t *left_out);
/* github-action-benchmark's customSmallerIsBetter: time and joules of a token and the peak memory of each cell. */
void export_benchmark_action(struct report_set *set, struct textbuf *out, size_t *left_out);

/* Tokens of a test's name: "pp128", "tg32" or "pp128+tg32". False for any other. */
bool export_test_tokens(const char *test, unsigned *n_prompt, unsigned *n_gen);
/* Adds a JSON value as text with a line break, and frees it; NULL sets out's flag. */
void export_put_json(struct textbuf *out, json_t *value);

#endif
