/* What the files of the tokenizer share: the vocabulary in memory, and the merging of neighbouring symbols that byte-level BPE
 * and SentencePiece have in common.
 *
 * tokenizer.c reads the vocabulary and cuts special tokens out of a text; the fragments between them go to tok_bpe.c or
 * tok_spm.c, which turn them into symbols and let tok_merge.c join these. A built tokenizer is never written again, so several
 * threads may encode with it. Only files engine/tok*.c and the tests of the tokenizer include this. */
#ifndef BITJOULE_TOK_INTERNAL_H
#define BITJOULE_TOK_INTERNAL_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "engine/tokenizer.h"

enum tok_model { TOK_BPE, TOK_SPM };

/* tokenizer.ggml.token_type */
enum tok_type { TOK_UNDEFINED, TOK_NORMAL, TOK_UNKNOWN, TOK_CONTROL, TOK_USER_DEFINED, TOK_UNUSED, TOK_BYTE, TOK_TYPES };

enum {
    TOK_NAMED_STOPS = 4,
    TOK_MAX_RUN = 1 << 24 /* bytes merged as one run; 40 bytes of work memory for each. Longer ones are refused (-E2BIG) */
};

/* A rule "left right": the two ids become `result`. The rule's index in the file is its rank; a lower rank goes first. */
struct bpe_merge {
    int32_t left, right, result; /* left < 0: empty slot */
    uint32_t rank;
};

struct tok_bpe {
    pcre2_code *regex; /* pre-tokenizer */
    bool whole_words;  /* a pre-token that is in the vocabulary is taken as it is (Llama 3) */
    uint32_t match_limit;
    struct bpe_merge *merge; /* hash table, merge_mask + 1 slots */
    size_t merge_mask;
};

struct tokenizer {
    enum tok_model model;
    size_t n_vocab;
    char *pool;             /* bytes of all pieces */
    struct gguf_str *piece; /* [n_vocab] decoded bytes; control tokens: their text */
    uint8_t *type;          /* [n_vocab] enum tok_type */
    float *score;           /* [n_vocab]; SentencePiece only */

    uint32_t *slot; /* hash table from the bytes of mergeable pieces to id + 1, slot_mask + 1 entries; 0: empty */
    size_t slot_mask;
    size_t max_piece;     /* bytes of the longest piece in the hash table */
    int32_t byte_id[256]; /* token of a single byte, or -1 */

    int32_t *special; /* [n_special] control, unknown and user-defined tokens, by text; one per text */
    size_t n_special;
    bool special_first[256]; /* first bytes of their texts */

    int32_t bos, eos, eot, unk; /* -1: none */
    int32_t end_of_turn, start_header, end_header;
    int32_t stop[2 + TOK_NAMED_STOPS]; /* eos, end_of_turn and those found by name */
    size_t n_stop;
    bool add_bos, header_chat;
    bool add_space_prefix, byte_fallback; /* SentencePiece only */
    struct tok_bpe bpe;
};

/* The id whose bytes are exactly these, among pieces that merging may produce; -1: none. */
int32_t tok_find(const struct tokenizer *t, const char *bytes, size_t len);
/* Puts piece `id` into the table that tok_find searches; of equal pieces the first one stays. */
void tok_insert(struct tokenizer *t, int32_t id);
/* The id of a special token by its text; -1: none. */
int32_t tok_find_special(const struct tokenizer *t, const char *text);

/* ---- tok_merge.c: joining neighbours, best pair first ---- */

/* A piece of the text that has not been joined with its neighbours yet; a doubly linked list in an array. */
struct tok_sym {
    uint32_t off, len;   /* in the text; len 0: swallowed by its left neighbour */
    uint32_t prev, next; /* UINT32_MAX: none */
    int32_t id;          /* -1: these bytes are no token */
};

/* A pair that could be joined. Smaller key first, then the leftmost. */
struct tok_pair {
    uint32_t key, left, right, len;
    int32_t id;
};

struct tok_work {
    const char *text; /* what the offsets refer to */
    struct tok_sym *sym;
    size_t n_sym, cap_sym;
    struct tok_pair *heap;
    size_t n_heap, cap_heap;
};

/* Whether two neighbours may be joined: then pair->key and pair->id are set. */
typedef bool (*tok_pair_fn)(const struct tokenizer *t, const struct tok_work *w, const struct tok_sym *left,
                            const struct tok_sym *right, struct tok_pair *pair);

/* Appends one symbol; 0 or -ENOMEM. */
int tok_work_add(struct tok_work *w, size_t off, size_t len, int32_t id);
/* Joins until no pair is left: sym[0], then .next, are the result. O(n log n). 0 or -ENOMEM. */
int tok_work_merge(const struct tokenizer *t, struct tok_work *w, tok_pair_fn pair);
void tok_work_free(struct tok_work *w);

/* ---- tok_bpe.c, tok_spm.c ---- */

int bpe_new(const struct gguf *g, struct tokenizer *t, char err[GGUF_ERR_LEN]);
void bpe_free(struct tok_bpe *b);
int bpe_encode(const struct tokenizer *t, const char *text, size_t len, struct token_list *out);
/* Undoes GPT-2's writing of bytes as printable characters. Returns the length, or -1 when the text is not written that way.
 * `out` takes at least s.len bytes. */
ptrdiff_t bpe_unmap(struct gguf_str s, char *out);

/* Checks what only this model needs, and finds the byte tokens. */
int spm_new(const struct gguf *g, struct tokenizer *t, char err[GGUF_ERR_LEN]);
int spm_encode(const struct tokenizer *t, const char *text, size_t len, struct token_list *out);
/* U+2581 -> space; returns the length, at most s.len. */
size_t spm_unescape(struct gguf_str s, char *out);
/* The byte that "<0x41>" stands for, or -1. */
int spm_byte_value(struct gguf_str s);

/* ---- utf8_stream.c ---- */

/* The character at p, n >= 1 bytes there. Well-formed (Unicode 15, table 3-7): its length 1..4. Cut off by the end, but right so
 * far: 0. Ill-formed: minus the length of the longest wrong piece that began well, at least 1 (Unicode 15, section 3.9, U+FFFD
 * substitution of maximal subparts). */
int utf8_step(const char *p, size_t n);

#endif
