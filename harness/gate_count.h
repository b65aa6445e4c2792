/* Counts of a program that do not scatter: what it executes and allocates for a token, and its size. For machines whose clock says
 * nothing because neighbours share it.
 *
 * Valgrind runs `PROGRAM logits` with one thread and one token per pass on a small model, once with n tokens and once with 2n:
 * loading is in both, so the difference over n is a token's. Under valgrind a program uses the instruction sets that valgrind
 * knows (AVX2, no AVX-512). Timing says nothing there and is not looked at. */
#ifndef BITJOULE_GATE_COUNT_H
#define BITJOULE_GATE_COUNT_H

enum { GATE_COUNT_REASON_LEN = 256 };

struct gate_count {
    double instructions_per_token, allocations_per_token; /* NAN: see the reason */
    char reason[GATE_COUNT_REASON_LEN];
};

/* model: a .gguf file or synth:SHAPE; tokens: n. */
void gate_count_tokens(const char *program, const char *model, const char *format, unsigned tokens, struct gate_count *out);

/* Size of the file without its debug information and symbols, which vary with path names: the sum of its loaded segments. NAN: no
 * ELF file that can be read. */
double gate_binary_bytes(const char *program);

#endif
