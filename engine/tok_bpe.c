/* Byte-level BPE (Sennrich 2016; over bytes as in GPT-2): Llama 3, BitNet 2B4T, Falcon3.
 *
 * A pre-tokenizer, one regular expression, cuts the text into words; inside a word the bytes are joined by the merge rules,
 * lowest rank first. Rules are kept as (left id, right id) -> result id, so joining compares numbers, not text.
 * White space in the expressions is Unicode's White_Space property, written out: PCRE2's \s also takes U+180E.
 * Bytes that are not UTF-8 end a word and become one byte token each. Every byte must have a token and every rule must lead
 * from tokens to a token, or the file is refused. No normalisation, no dropout. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gguf_internal.h"
#include "engine/tok_internal.h"

#define KEY_PRE    "tokenizer.ggml.pre"
#define KEY_MERGES "tokenizer.ggml.merges"
#define SPACE      "\\p{Z}\\t\\n\\x0b\\f\\r\\x{85}"

static const char regex_llama3[] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
                                   "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
                                   "|\\p{N}{1,3}"
                                   "| ?[^" SPACE "\\p{L}\\p{N}]+[\\r\\n]*"
                                   "|[" SPACE "]*[\\r\\n]+"
                                   "|[" SPACE "]+(?![^" SPACE "])"
                                   "|[" SPACE "]+";
static const char regex_gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d"
                                 "| ?\\p{L}+"
                                 "| ?\\p{N}+"
                                 "| ?[^" SPACE "\\p{L}\\p{N}]+"
                                 "|[" SPACE "]+(?![^" SPACE "])"
                                 "|[" SPACE "]+";

static const struct pre_tokenizer {
    const char *name, *regex;
    bool whole_words;
} pre_tokenizers[] = {
    {"llama-bpe", regex_llama3, true}, /* the first one is for files that name none */
    {"llama3", regex_llama3, true},    {"llama-v3", regex_llama3, true}, {"falcon3", regex_llama3, true},
    {"falcon_e", regex_llama3, true},  {"gpt-2", regex_gpt2, false},     {"default", regex_gpt2, false},
};
enum { N_PRE = sizeof pre_tokenizers / sizeof *pre_tokenizers };

/* GPT-2 writes the bytes 33..126, 161..172 and 174..255 as the characters of the same number and the other 68, in order, as
 * U+0100..U+0143. */
static int unmap_char(unsigned c)
{
    if ((c >= 33 && c <= 126) || (c >= 161 && c <= 172) || (c >= 174 && c <= 255))
        return (int)c;
    if (c >= 256 && c < 256 + 33)
        return (int)c - 256; /* 0..32 */
    if (c >= 289 && c < 289 + 34)
        return (int)c - 289 + 127; /* 127..160 */
    return c == 323 ? 173 : -1;
}

ptrdiff_t bpe_unmap(struct gguf_str s, char *out)
{
    ptrdiff_t n = 0;
    for (size_t i = 0; i < s.len;) {
        const int step = utf8_step(s.ptr + i, s.len - i);
        if (step != 1 && step != 2)
            return -1;
        const uint8_t a = (uint8_t)s.ptr[i];
        const unsigned c = step == 1 ? a : ((a & 0x1fu) << 6 | ((uint8_t)s.ptr[i + 1] & 0x3fu));
        const int byte = unmap_char(c);
        if (byte < 0)
            return -1;
        out[n++] = (char)byte;
        i += (size_t)step;
    }
    return n;
}

/* ---- construction ---- */

static int unknown_pre(const struct gguf *g, struct gguf_str name, char err[GGUF_ERR_LEN])
{
    char known[160] = "";
    size_t n = 0;
    for (size_t i = 0; i < N_PRE; i++)
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", pre_tokenizers[i].name);
    assert(n < sizeof known);
    return gguf_error(err, -EINVAL, gguf_path(g), "%s: %s is not supported; known are %s", KEY_PRE, gguf_quote(name).text, known);
}

static int choose_pre(const struct gguf *g, const struct pre_tokenizer **pre, char err[GGUF_ERR_LEN])
{
    struct gguf_str name;
    const int rc = gguf_get_str(g, KEY_PRE, &name);
    *pre = &pre_tokenizers[0];
    if (rc == -ENOENT)
        return 0;
    if (rc)
        return gguf_error(err, rc, gguf_path(g), "%s: not a string", KEY_PRE);
    for (size_t i = 0; i < N_PRE; i++) {
        *pre = &pre_tokenizers[i];
        if (strlen((*pre)->name) == name.len && memcmp((*pre)->name, name.ptr, name.len) == 0)
            return 0;
    }
    return unknown_pre(g, name, err);
}

/* Anchored: every character starts a match, so the words lie end to end. */
static int compile_regex(struct tok_bpe *b, const char *regex, char err[GGUF_ERR_LEN])
{
    int code;
    PCRE2_SIZE at;
    b->regex = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED, &code, &at, NULL);
    if (!b->regex) {
        PCRE2_UCHAR why[128];
        pcre2_get_error_message(code, why, sizeof why);
        snprintf(err, GGUF_ERR_LEN, "PCRE2 refuses the pre-tokenizer at character %zu: %s; its library needs Unicode support", at,
                 (const char *)why);
        return -EINVAL;
    }
    pcre2_jit_compile(b->regex, PCRE2_JIT_COMPLETE); /* where it fails the interpreter gives the same matches */
    b->match_limit = 100 * 1000 * 1000;              /* steps per word; white space costs the interpreter about one a character */
    return 0;
}

static size_t merge_slot(const struct tok_bpe *b, int32_t left, int32_t right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(h >> 32) & b->merge_mask;
    while (b->merge[i].left >= 0 && (b->merge[i].left != left || b->merge[i].right != right))
        i = (i + 1) & b->merge_mask;
    return i;
}

/* One rule, "left right" as GPT-2 characters. Of two equal rules the first counts. `buf` takes s.len bytes. */
static int add_merge(struct tokenizer *t, struct gguf_str s, uint32_t rank, char *buf)
{
    const char *gap = s.len > 1 ? memchr(s.ptr + 1, ' ', s.len - 1) : NULL;
    if (!gap)
        return -EINVAL;
    const size_t n = (size_t)(gap - s.ptr);
    const ptrdiff_t a = bpe_unmap((struct gguf_str){s.ptr, n}, buf);
    const ptrdiff_t b = a < 0 ? -1 : bpe_unmap((struct gguf_str){gap + 1, s.len - n - 1}, buf + a);
    if (b < 0)
        return -EINVAL;
    const int32_t left = tok_find(t, buf, (size_t)a), right = tok_find(t, buf + a, (size_t)b),
                  both = tok_find(t, buf, (size_t)(a + b));
    if (left < 0 || right < 0 || both < 0)
        return -EINVAL;
    struct bpe_merge *m = &t->bpe.merge[merge_slot(&t->bpe, left, right)];
    if (m->left < 0)
        *m = (struct bpe_merge){.left = left, .right = right, .result = both, .rank = rank};
    return 0;
}

static int alloc_merges(struct tok_bpe *b, uint64_t n)
{
    size_t slots = 16;
    while (slots < n + n / 3) /* at least a quarter stays empty */
        slots *= 2;
    b->merge = malloc(slots * sizeof *b->merge);
    if (!b->merge)
        return -ENOMEM;
    for (size_t i = 0; i < slots; i++)
        b->merge[i].left = -1;
    b->merge_mask = slots - 1;
    return 0;
}

static int read_merges(const struct gguf *g, struct tokenizer *t, char err[GGUF_ERR_LEN])
{
    enum gguf_value_type elem = GGUF_STRING;
    uint64_t n = 0;
    int rc = gguf_get_array(g, KEY_MERGES, &elem, &n);
    if (rc || (n > 0 && elem != GGUF_STRING) || n > INT32_MAX)
        return gguf_error(err, -EINVAL, gguf_path(g), "%s: %s; byte-level BPE needs an array of strings 'left right'", KEY_MERGES,
                          rc == -ENOENT ? "missing" : "not such an array");
    const size_t longest = 2 * t->max_piece + 1; /* a GPT-2 character takes at most 2 bytes */
    char *buf = malloc(longest);
    rc = buf ? alloc_merges(&t->bpe, n) : -ENOMEM;
    if (rc)
        gguf_error(err, rc, gguf_path(g), "out of memory for %llu merge rules", (unsigned long long)n);
    struct gguf_str s;
    size_t pos = 0;
    for (uint32_t rank = 0; rc == 0 && rank < n && gguf_next_str(g, KEY_MERGES, &pos, &s); rank++) {
        rc = s.len <= longest ? add_merge(t, s, rank, buf) : -EINVAL;
        if (rc)
            gguf_error(err, rc, gguf_path(g), "%s[%u]: %s is not 'left right' with both, and the two together, in the vocabulary",
                       KEY_MERGES, rank, gguf_quote(s).text);
    }
    free(buf);
    return rc;
}

int bpe_new(const struct gguf *g, struct tokenizer *t, char err[GGUF_ERR_LEN])
{
    for (int i = 0; i < 256; i++) {
        const char c = (char)i;
        t->byte_id[i] = tok_find(t, &c, 1);
        if (t->byte_id[i] < 0)
            return gguf_error(err, -EINVAL, gguf_path(g),
                              "tokenizer.ggml.tokens: no token for byte 0x%02x; byte-level BPE needs all 256", (unsigned)i);
    }
    const struct pre_tokenizer *pre;
    int rc = choose_pre(g, &pre, err);
    if (rc == 0)
        rc = compile_regex(&t->bpe, pre->regex, err);
    if (rc)
        return rc;
    t->bpe.whole_words = pre->whole_words;
    return read_merges(g, t, err);
}

void bpe_free(struct tok_bpe *b)
{
    pcre2_code_free(b->regex);
    free(b->merge);
}

/* ---- encoding ---- */

struct bpe_run {
    const struct tokenizer *t;
    struct token_list *out;
    struct tok_work work;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

static bool bpe_pair(const struct tokenizer *t, const struct tok_work *w, const struct tok_sym *left, const struct tok_sym *right,
                     struct tok_pair *pair)
{
    (void)w;
    const struct bpe_merge *m = &t->bpe.merge[merge_slot(&t->bpe, left->id, right->id)];
    if (m->left < 0)
        return false;
    pair->key = m->rank;
    pair->id = m->result;
    return true;
}

static int encode_word(struct bpe_run *r, const char *word, size_t len)
{
    const struct tokenizer *t = r->t;
    const int32_t whole = t->bpe.whole_words ? tok_find(t, word, len) : -1;
    if (whole >= 0)
        return token_list_push(r->out, whole);
    if (len > TOK_MAX_RUN)
        return -E2BIG;
    int rc = 0;
    r->work.n_sym = 0;
    for (size_t i = 0; rc == 0 && i < len; i++)
        rc = tok_work_add(&r->work, i, 1, t->byte_id[(uint8_t)word[i]]);
    if (rc == 0)
        rc = tok_work_merge(t, &r->work, bpe_pair);
    for (uint32_t i = 0; rc == 0 && i != UINT32_MAX; i = r->work.sym[i].next)
        rc = token_list_push(r->out, r->work.sym[i].id);
    return rc;
}

static int match_error(int code)
{
    switch (code) {
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_JIT_STACKLIMIT: return -E2BIG;
    case PCRE2_ERROR_NOMEMORY: return -ENOMEM;
    default: return -EINVAL;
    }
}

/* Cuts valid UTF-8 into words. */
static int encode_valid(struct bpe_run *r, const char *text, size_t len)
{
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer(r->match);
    int rc = 0;
    for (size_t pos = 0; rc == 0 && pos < len; pos = span[1]) {
        const int found = pcre2_match(r->t->bpe.regex, (PCRE2_SPTR)text, len, pos, PCRE2_NO_UTF_CHECK, r->match, r->limits);
        rc = found < 0 ? match_error(found) : encode_word(r, text + pos, span[1] - pos);
    }
    return rc;
}

static int encode_mixed(struct bpe_run *r, const char *text, size_t len)
{
    int rc = 0;
    for (size_t pos = 0; rc == 0 && pos < len;) {
        size_t end = pos;
        for (int step; end < len && (step = utf8_step(text + end, len - end)) > 0;)
            end += (size_t)step;
        rc = encode_valid(r, text + pos, end - pos);
        if (rc == 0 && end < len) { /* not the start of a character: a byte token */
            rc = token_list_push(r->out, r->t->byte_id[(uint8_t)text[end]]);
            end++;
        }
        pos = end;
    }
    return rc;
}

int bpe_encode(const struct tokenizer *t, const char *text, size_t len, struct token_list *out)
{
    struct bpe_run r = {.t = t, .out = out, .match = pcre2_match_data_create(1, NULL), .limits = pcre2_match_context_create(NULL)};
    int rc = -ENOMEM;
    if (r.match && r.limits) {
        pcre2_set_match_limit(r.limits, t->bpe.match_limit);
        rc = encode_mixed(&r, text, len);
    }
    pcre2_match_context_free(r.limits);
    pcre2_match_data_free(r.match);
    tok_work_free(&r.work);
    return rc;
}
