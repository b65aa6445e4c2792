/* Results of llama-bench (`-o json` or `-o jsonl`) as cells of the record.
 *
 * Only what was measured is taken over: samples_ns of every entry. Mean and deviation of the file are not read: its deviation
 * overflows 64-bit integers with long samples (ggml-org/llama.cpp#22300), its avg_ts is a mean of speeds. Median and interval are
 * computed from the samples as for cells of our own. What llama-bench does not tell is null. */
#ifndef BITJOULE_LLAMA_BENCH_H
#define BITJOULE_LLAMA_BENCH_H

#include <jansson.h>
#include <stddef.h>

enum { LLAMA_BENCH_ERR_LEN = 512 };

/* What marks a cell as another program's. */
struct external_label {
    const char *program; /* "llama-bench": goes before the format, as in "llama-bench:iq2_bn" */
    const char *model;   /* name of the model in the record; NULL: name of the model's file without folder and ".gguf" */
    const char *source;  /* where the results are from: a path */
};

/* The entries in a text: one array, or one object after the other; lines before the first '[' or '{' at the start of a line are
 * taken for messages. New reference to an array of objects, each checked: tokens, threads and samples are there and make sense.
 * NULL: one line in err, which begins with `where`. */
json_t *llama_bench_parse(const char *text, size_t len, const char *where, char err[LLAMA_BENCH_ERR_LEN]);

/* The cell of a checked entry. New reference; NULL: out of memory. */
json_t *llama_bench_cell(const json_t *entry, const struct external_label *label);

/* The samples of a checked entry in seconds into v[n]; returns how many there are. v NULL: only that. */
size_t llama_bench_samples(const json_t *entry, double *v, size_t n);

/* "pp128", "tg32", "pp128+tg32"; and the tokens of one repetition. */
enum { LLAMA_BENCH_TEST_LEN = 48 };
double llama_bench_test(const json_t *entry, char name[LLAMA_BENCH_TEST_LEN]);

#endif
