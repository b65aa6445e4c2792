/* The vocabulary of a GGUF file, and what both kinds of tokenizer have in common.
 *
 * tokenizer_new() copies pieces, types and scores, indexes the pieces that merging may produce in a hash table, sorts the special
 * tokens, and lets tok_bpe.c or tok_spm.c add its part. Encoding cuts the text at special tokens (leftmost, then longest) and hands
 * the fragments on; decoding is concatenation.
 * Metadata that contradicts itself (lengths that differ, ids outside the vocabulary, rules about unknown pieces) is an error, never
 * a guess. Control tokens are not in the hash table: plain text cannot become one. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gguf_internal.h"
#include "engine/tok_internal.h"

#define KEY(name) "tokenizer.ggml." name

int token_list_push(struct token_list *l, int32_t id)
{
    if (l->n == l->cap) {
        const size_t cap = l->cap ? l->cap * 2 : 64;
        int32_t *v = realloc(l->v, cap * sizeof *v);
        if (!v)
            return -ENOMEM;
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n++] = id;
    return 0;
}

/* ---- pieces by their bytes ---- */

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static size_t hash_bytes(const char *p, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)p[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

/* The slot of the piece with these bytes, or the empty one where it belongs. */
static size_t find_slot(const struct tokenizer *t, const char *bytes, size_t len)
{
    size_t i = hash_bytes(bytes, len) & t->slot_mask;
    for (; t->slot[i]; i = (i + 1) & t->slot_mask) {
        const struct gguf_str *p = &t->piece[t->slot[i] - 1];
        if (p->len == len && memcmp(p->ptr, bytes, len) == 0)
            break;
    }
    return i;
}

int32_t tok_find(const struct tokenizer *t, const char *bytes, size_t len)
{
    if (len == 0 || len > t->max_piece)
        return -1;
    return (int32_t)t->slot[find_slot(t, bytes, len)] - 1;
}

void tok_insert(struct tokenizer *t, int32_t id)
{
    const struct gguf_str p = t->piece[id];
    if (p.len == 0)
        return;
    uint32_t *slot = &t->slot[find_slot(t, p.ptr, p.len)];
    if (*slot)
        return;
    *slot = (uint32_t)id + 1;
    if (p.len > t->max_piece)
        t->max_piece = p.len;
}

/* ---- special tokens ---- */

static bool is_special(uint8_t type)
{
    return type == TOK_CONTROL || type == TOK_UNKNOWN || type == TOK_USER_DEFINED;
}

/* By text, a prefix before what it begins; then by id. */
static int compare_special(const void *pa, const void *pb, void *pt)
{
    const struct tokenizer *t = pt;
    const int32_t ia = *(const int32_t *)pa, ib = *(const int32_t *)pb;
    const struct gguf_str a = t->piece[ia], b = t->piece[ib];
    const int c = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    if (c)
        return c;
    return a.len != b.len ? (a.len < b.len ? -1 : 1) : (ia > ib) - (ia < ib);
}

static int index_special(struct tokenizer *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_vocab; i++)
        n += is_special(t->type[i]) && t->piece[i].len > 0;
    t->special = malloc((n + 1) * sizeof *t->special);
    if (!t->special)
        return -ENOMEM;
    n = 0;
    for (size_t i = 0; i < t->n_vocab; i++)
        if (is_special(t->type[i]) && t->piece[i].len > 0)
            t->special[n++] = (int32_t)i;
    qsort_r(t->special, n, sizeof *t->special, compare_special, t);
    for (size_t i = 0; i < n; i++) {
        const struct gguf_str p = t->piece[t->special[i]];
        const struct gguf_str last = t->n_special ? t->piece[t->special[t->n_special - 1]] : (struct gguf_str){"", 0};
        if (p.len != last.len || memcmp(p.ptr, last.ptr, p.len) != 0)
            t->special[t->n_special++] = t->special[i];
        t->special_first[(uint8_t)p.ptr[0]] = true;
    }
    return 0;
}

/* First index in [lo, hi) whose byte number `at` is not below c. Their first `at` bytes are equal and all are longer. */
static size_t lower_bound(const struct tokenizer *t, size_t lo, size_t hi, size_t at, unsigned c)
{
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if ((uint8_t)t->piece[t->special[mid]].ptr[at] < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Length of the longest special token that text begins with, 0: none. Narrows the sorted list byte by byte. */
static size_t special_at(const struct tokenizer *t, const char *text, size_t len, bool control, int32_t *id)
{
    size_t lo = 0, hi = t->n_special, found = 0;
    for (size_t at = 0; lo < hi; at++) {
        const int32_t shortest = t->special[lo];
        if (t->piece[shortest].len == at) {
            if (control || t->type[shortest] == TOK_USER_DEFINED) {
                *id = shortest;
                found = at;
            }
            lo++;
        }
        if (at == len)
            break;
        const unsigned c = (uint8_t)text[at];
        lo = lower_bound(t, lo, hi, at, c);
        hi = lower_bound(t, lo, hi, at, c + 1);
    }
    return found;
}

int32_t tok_find_special(const struct tokenizer *t, const char *text)
{
    int32_t id = -1;
    const size_t len = strlen(text);
    return special_at(t, text, len, true, &id) == len ? id : -1;
}

/* ---- reading the metadata ---- */

static int read_bool(const struct gguf *g, const char *key, bool absent, bool *out, char err[GGUF_ERR_LEN])
{
    const int rc = gguf_get_bool(g, key, out);
    if (rc == -ENOENT)
        *out = absent;
    return rc == 0 || rc == -ENOENT ? 0 : gguf_error(err, -EINVAL, gguf_path(g), "%s: not true or false", key);
}

/* A token id; -1 when the key is absent. */
static int read_id(const struct gguf *g, const char *key, size_t n_vocab, int32_t *out, char err[GGUF_ERR_LEN])
{
    uint64_t v;
    const int rc = gguf_get_u64(g, key, &v);
    *out = -1;
    if (rc == -ENOENT)
        return 0;
    if (rc)
        return gguf_error(err, -EINVAL, gguf_path(g), "%s: not an unsigned number", key);
    if (v >= n_vocab)
        return gguf_error(err, -EINVAL, gguf_path(g), "%s: %llu is outside the vocabulary of %zu tokens", key,
                          (unsigned long long)v, n_vocab);
    *out = (int32_t)v;
    return 0;
}

static int read_model(const struct gguf *g, struct tokenizer *t, char err[GGUF_ERR_LEN])
{
    struct gguf_str s;
    const int rc = gguf_get_str(g, KEY("model"), &s);
    if (rc)
        return gguf_error(err, -EINVAL, gguf_path(g), "%s: %s; the file has no vocabulary to read text with", KEY("model"),
                          rc == -ENOENT ? "missing" : "not a string");
    if (s.len == 4 && memcmp(s.ptr, "gpt2", 4) == 0)
        t->model = TOK_BPE;
    else if (s.len == 5 && memcmp(s.ptr, "llama", 5) == 0)
        t->model = TOK_SPM;
    else
        return gguf_error(err, -EINVAL, gguf_path(g), "%s: %s is not supported; known are gpt2, llama", KEY("model"),
                          gguf_quote(s).text);
    return 0;
}

/* Checks that an array that goes with the tokens is there, holds numbers and is as long. -ENOENT: absent. */
static int check_parallel(const struct gguf *g, const char *key, size_t n_vocab, char err[GGUF_ERR_LEN])
{
    enum gguf_value_type elem;
    uint64_t n;
    const int rc = gguf_get_array(g, key, &elem, &n);
    if (rc == -ENOENT)
        return rc;
    if (rc || elem == GGUF_STRING || elem == GGUF_ARRAY || elem == GGUF_BOOL)
        return gguf_error(err, -EINVAL, gguf_path(g), "%s: not an array of numbers", key);
    if (n != n_vocab)
        return gguf_error(err, -EINVAL, gguf_path(g), "%s: %llu values for %zu tokens", key, (unsigned long long)n, n_vocab);
    return 0;
}

static int read_types(const struct gguf *g, struct tokenizer *t, char err[GGUF_ERR_LEN])
{
    t->type = malloc(t->n_vocab);
    if (!t->type)
        return gguf_error(err, -ENOMEM, gguf_path(g), "out of memory for %zu tokens", t->n_vocab);
    memset(t->type, TOK_NORMAL, t->n_vocab);
    const int rc = check_parallel(g, KEY("token_type"), t->n_vocab, err);
    if (rc == -ENOENT && t->model == TOK_SPM)
        return gguf_error(err, -EINVAL, gguf_path(g), "%s: missing; the model 'llama' needs it to tell its byte tokens",
                          KEY("token_type"));
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    for (size_t i = 0; i < t->n_vocab; i++) {
        int64_t v;
        if (gguf_array_i64(g, KEY("token_type"), i, &v) || v < 0 || v >= TOK_TYPES)
            return gguf_error(err, -EINVAL, gguf_path(g), "%s[%zu]: not a token type (0 to %d)", KEY("token_type"), i,
                              TOK_TYPES - 1);
        t->type[i] = (uint8_t)v;
    }
    return 0;
}

static int read_scores(const struct gguf *g, struct tokenizer *t, char err[GGUF_ERR_LEN])
{
    const int rc = check_parallel(g, KEY("scores"), t->n_vocab, err);
    if (rc || t->model != TOK_SPM)
        return rc == -ENOENT ? 0 : rc;
    t->score = malloc(t->n_vocab * sizeof *t->score);
    if (!t->score)
        return gguf_error(err, -ENOMEM, gguf_path(g), "out of memory for %zu scores", t->n_vocab);
    for (size_t i = 0; i < t->n_vocab; i++)
        if (gguf_array_f32(g, KEY("scores"), i, &t->score[i]))
            return gguf_error(err, -EINVAL, gguf_path(g), "%s[%zu]: does not fit a float", KEY("scores"), i);
    return 0;
}

/* What token i stands for, from the way the file writes it (s), into dst, which takes s.len bytes. Returns the length;
 * *mergeable: whether merging may produce this token. */
static size_t decode_piece(const struct tokenizer *t, size_t i, struct gguf_str s, char *dst, bool *mergeable)
{
    const uint8_t type = t->type[i];
    const bool plain = type == TOK_NORMAL || type == TOK_UNDEFINED;
    *mergeable = plain || type == TOK_USER_DEFINED;
    if (t->model == TOK_SPM) {
        const int byte = type == TOK_BYTE ? spm_byte_value(s) : -1;
        if (byte >= 0) {
            dst[0] = (char)byte;
            return 1;
        }
        if (*mergeable || type == TOK_UNUSED)
            return spm_unescape(s, dst);
    } else if (plain || type == TOK_UNUSED || type == TOK_BYTE) {
        const ptrdiff_t n = bpe_unmap(s, dst);
        if (n >= 0)
            return (size_t)n;
        *mergeable = false; /* not GPT-2's writing, so no text leads to it */
    }
    memcpy(dst, s.ptr, s.len);
    return s.len;
}

static int alloc_vocab(const struct gguf *g, struct tokenizer *t)
{
    size_t bytes = 0, pos = 0, slots = 512;
    struct gguf_str s;
    while (gguf_next_str(g, KEY("tokens"), &pos, &s))
        bytes += s.len;
    while (slots < 2 * t->n_vocab)
        slots *= 2;
    t->pool = malloc(bytes + 1);
    t->piece = calloc(t->n_vocab, sizeof *t->piece);
    t->slot = calloc(slots, sizeof *t->slot);
    t->slot_mask = slots - 1;
    return t->pool && t->piece && t->slot ? 0 : -ENOMEM;
}

static int read_tokens(const struct gguf *g, struct tokenizer *t, char err[GGUF_ERR_LEN])
{
    enum gguf_value_type elem;
    uint64_t n;
    int rc = gguf_get_array(g, KEY("tokens"), &elem, &n);
    if (rc || elem != GGUF_STRING || n == 0 || n > INT32_MAX)
        return gguf_error(err, -EINVAL, gguf_path(g), "%s: %s", KEY("tokens"),
                          rc == -ENOENT ? "missing" : "not an array of strings");
    t->n_vocab = (size_t)n;
    rc = read_types(g, t, err);
    if (rc == 0)
        rc = read_scores(g, t, err);
    if (rc)
        return rc;
    if (alloc_vocab(g, t))
        return gguf_error(err, -ENOMEM, gguf_path(g), "out of memory for %zu tokens", t->n_vocab);
    struct gguf_str s;
    char *dst = t->pool;
    size_t pos = 0;
    for (size_t i = 0; i < t->n_vocab && gguf_next_str(g, KEY("tokens"), &pos, &s); i++) {
        bool mergeable;
        if (t->model == TOK_SPM && t->type[i] == TOK_BYTE && spm_byte_value(s) < 0)
            return gguf_error(err, -EINVAL, gguf_path(g), "%s[%zu]: %s is marked as a byte but is not written <0xNN>",
                              KEY("tokens"), i, gguf_quote(s).text);
        t->piece[i] = (struct gguf_str){dst, decode_piece(t, i, s, dst, &mergeable)};
        dst += t->piece[i].len;
        if (mergeable)
            tok_insert(t, (int32_t)i);
    }
    return 0;
}

static void add_stop(struct tokenizer *t, int32_t id)
{
    if (id >= 0 && !tokenizer_is_stop(t, id))
        t->stop[t->n_stop++] = id;
}

/* Tokens with a role of their own: by key, or by the names they are published under. */
static int read_roles(const struct gguf *g, struct tokenizer *t, char err[GGUF_ERR_LEN])
{
    static const char *const stops[TOK_NAMED_STOPS] = {"<|end_of_text|>", "<|eom_id|>", "<|endoftext|>", "<|im_end|>"};
    int rc = read_id(g, KEY("bos_token_id"), t->n_vocab, &t->bos, err);
    if (rc == 0)
        rc = read_id(g, KEY("eos_token_id"), t->n_vocab, &t->eos, err);
    if (rc == 0)
        rc = read_id(g, KEY("unknown_token_id"), t->n_vocab, &t->unk, err);
    if (rc == 0)
        rc = read_id(g, KEY("eot_token_id"), t->n_vocab, &t->end_of_turn, err);
    if (rc == 0)
        rc = read_bool(g, KEY("add_bos_token"), true, &t->add_bos, err);
    if (rc == 0)
        rc = read_bool(g, KEY("add_space_prefix"), true, &t->add_space_prefix, err);
    if (rc)
        return rc;
    if (t->end_of_turn < 0)
        t->end_of_turn = tok_find_special(t, "<|eot_id|>");
    add_stop(t, t->eos);
    add_stop(t, t->end_of_turn);
    for (size_t i = 0; i < TOK_NAMED_STOPS; i++)
        add_stop(t, tok_find_special(t, stops[i]));
    static const char header[] = "<|start_header_id|>";
    struct gguf_str chat;
    t->start_header = tok_find_special(t, header);
    t->end_header = tok_find_special(t, "<|end_header_id|>");
    t->header_chat = t->start_header >= 0 && t->end_header >= 0 && gguf_get_str(g, "tokenizer.chat_template", &chat) == 0 &&
                     memmem(chat.ptr, chat.len, header, sizeof header - 1);
    return 0;
}

int tokenizer_new(const struct gguf *g, struct tokenizer **out, char err[GGUF_ERR_LEN])
{
    struct tokenizer *t = calloc(1, sizeof *t);
    *out = NULL;
    if (!t)
        return gguf_error(err, -ENOMEM, gguf_path(g), "out of memory for the tokenizer");
    int rc = read_model(g, t, err);
    if (rc == 0)
        rc = read_tokens(g, t, err);
    if (rc == 0 && index_special(t))
        rc = gguf_error(err, -ENOMEM, gguf_path(g), "out of memory for the special tokens");
    if (rc == 0)
        rc = read_roles(g, t, err);
    if (rc == 0)
        rc = t->model == TOK_BPE ? bpe_new(g, t, err) : spm_new(g, t, err);
    if (rc) {
        tokenizer_free(t);
        return rc;
    }
    *out = t;
    return 0;
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    bpe_free(&t->bpe);
    free(t->pool);
    free(t->piece);
    free(t->type);
    free(t->score);
    free(t->slot);
    free(t->special);
    free(t);
}

/* ---- use ---- */

size_t tokenizer_vocab_size(const struct tokenizer *t)
{
    return t->n_vocab;
}

int32_t tokenizer_bos(const struct tokenizer *t)
{
    return t->bos;
}

int32_t tokenizer_eos(const struct tokenizer *t)
{
    return t->eos;
}

bool tokenizer_add_bos(const struct tokenizer *t)
{
    return t->add_bos && t->bos >= 0;
}

bool tokenizer_is_stop(const struct tokenizer *t, int32_t id)
{
    for (size_t i = 0; i < t->n_stop; i++)
        if (t->stop[i] == id)
            return true;
    return false;
}

static int encode_fragment(const struct tokenizer *t, const char *text, size_t len, struct token_list *out)
{
    return t->model == TOK_BPE ? bpe_encode(t, text, len, out) : spm_encode(t, text, len, out);
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, bool parse_special, struct token_list *out)
{
    const size_t n = out->n;
    size_t start = 0; /* of the fragment before pos */
    int rc = 0;
    for (size_t pos = 0; rc == 0 && pos < len;) {
        int32_t id = -1;
        const size_t special = t->special_first[(uint8_t)text[pos]] ? special_at(t, text + pos, len - pos, parse_special, &id) : 0;
        if (special == 0) {
            pos++;
            continue;
        }
        rc = encode_fragment(t, text + start, pos - start, out);
        if (rc == 0)
            rc = token_list_push(out, id);
        pos += special;
        start = pos;
    }
    if (rc == 0)
        rc = encode_fragment(t, text + start, len - start, out);
    if (rc)
        out->n = n;
    return rc;
}

struct gguf_str tokenizer_piece(const struct tokenizer *t, int32_t id, bool special)
{
    const struct gguf_str nothing = {"", 0};
    if (id < 0 || (size_t)id >= t->n_vocab)
        return nothing;
    const bool hidden = t->type[id] == TOK_CONTROL || t->type[id] == TOK_UNKNOWN;
    return hidden && !special ? nothing : t->piece[id];
}

int tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, bool special, char **text, size_t *len)
{
    size_t bytes = 1;
    for (size_t i = 0; i < n; i++)
        bytes += tokenizer_piece(t, ids[i], special).len;
    char *p = *text = malloc(bytes);
    if (!p)
        return -ENOMEM;
    bool strip = t->model == TOK_SPM && t->add_space_prefix; /* spm_encode has put a space in here */
    for (size_t i = 0; i < n; i++) {
        const struct gguf_str s = tokenizer_piece(t, ids[i], special);
        const bool is_mark = ids[i] >= 0 && (size_t)ids[i] < t->n_vocab && is_special(t->type[ids[i]]);
        const size_t skip = strip && !is_mark && s.len > 0 && s.ptr[0] == ' ';
        memcpy(p, s.ptr + skip, s.len - skip);
        p += s.len - skip;
        strip = t->model == TOK_SPM && t->add_space_prefix && is_mark;
    }
    *p = '\0';
    *len = (size_t)(p - *text);
    return 0;
}
