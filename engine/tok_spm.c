/* SentencePiece-style merging (Kudo, Richardson 2018, BPE model): the vocabulary of Llama 2 and of the 1bitLLM models.
 *
 * The text is split into characters, and the two neighbours that make the piece of the highest score are joined, until none do.
 * A character that ends up in no piece becomes one <0xNN> token per byte, or the unknown token when the vocabulary
 * does not have all 256 of these.
 * SentencePiece writes the space as U+2581; here both are a space, in pieces and in the text, so U+2581 in a text decodes to a
 * space, as it does there. Unless the file says no, a space goes before the text and after each special token.
 * No normalisation of characters (the models in question use none), no sampling of segmentations. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gguf_internal.h"
#include "engine/tok_internal.h"

static const char space_mark[3] = {'\xe2', '\x96', '\x81'}; /* U+2581 */

size_t spm_unescape(struct gguf_str s, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; n++) {
        if (s.len - i >= sizeof space_mark && memcmp(s.ptr + i, space_mark, sizeof space_mark) == 0) {
            out[n] = ' ';
            i += sizeof space_mark;
        } else {
            out[n] = s.ptr[i++];
        }
    }
    return n;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int spm_byte_value(struct gguf_str s)
{
    if (s.len != 6 || memcmp(s.ptr, "<0x", 3) != 0 || s.ptr[5] != '>')
        return -1;
    const int hi = hex_digit(s.ptr[3]), lo = hex_digit(s.ptr[4]);
    return hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
}

int spm_new(const struct gguf *g, struct tokenizer *t, char err[GGUF_ERR_LEN])
{
    if (!t->score)
        return gguf_error(err, -EINVAL, gguf_path(g), "tokenizer.ggml.scores: missing; the model 'llama' merges by score");
    for (size_t i = 0; i < t->n_vocab; i++)
        if (isnan(t->score[i]))
            return gguf_error(err, -EINVAL, gguf_path(g), "tokenizer.ggml.scores[%zu]: not a number", i);
    for (int i = 0; i < 256; i++)
        t->byte_id[i] = -1;
    for (size_t i = t->n_vocab; i-- > 0;) /* of equal ones the first counts */
        if (t->type[i] == TOK_BYTE)
            t->byte_id[(uint8_t)t->piece[i].ptr[0]] = (int32_t)i;
    for (int i = 0; i < 256; i++) {
        if (t->byte_id[i] >= 0)
            continue;
        if (t->unk < 0)
            return gguf_error(err, -EINVAL, gguf_path(g),
                              "tokenizer.ggml.tokens: no token <0x%02X> and no tokenizer.ggml.unknown_token_id to stand in",
                              (unsigned)i);
        t->byte_fallback = false;
        return 0;
    }
    t->byte_fallback = true;
    return 0;
}

/* Floats in descending order as unsigned numbers in ascending order. */
static uint32_t descending(float score)
{
    uint32_t bits;
    score += 0.0f; /* -0 and 0 are equal */
    memcpy(&bits, &score, sizeof bits);
    return bits & 0x80000000u ? bits : ~bits & 0x7fffffffu;
}

static bool spm_pair(const struct tokenizer *t, const struct tok_work *w, const struct tok_sym *left, const struct tok_sym *right,
                     struct tok_pair *pair)
{
    (void)right; /* follows on the left one: pair->len is both */
    const int32_t id = tok_find(t, w->text + left->off, pair->len);
    if (id < 0)
        return false;
    pair->key = descending(t->score[id]);
    pair->id = id;
    return true;
}

static int emit(const struct tokenizer *t, const char *bytes, const struct tok_sym *sym, struct token_list *out)
{
    if (sym->id >= 0)
        return token_list_push(out, sym->id);
    if (!t->byte_fallback)
        return token_list_push(out, t->unk);
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < sym->len; i++)
        rc = token_list_push(out, t->byte_id[(uint8_t)bytes[sym->off + i]]);
    return rc;
}

/* One symbol per character; bytes that are not UTF-8 are one each. */
static int split(const struct tokenizer *t, struct tok_work *w, size_t len)
{
    int rc = 0;
    for (size_t pos = 0; rc == 0 && pos < len;) {
        const int step = utf8_step(w->text + pos, len - pos);
        const size_t n = step > 0 ? (size_t)step : 1;
        rc = tok_work_add(w, pos, n, tok_find(t, w->text + pos, n));
        pos += n;
    }
    return rc;
}

int spm_encode(const struct tokenizer *t, const char *text, size_t len, struct token_list *out)
{
    if (len == 0)
        return 0;
    if (len >= TOK_MAX_RUN)
        return -E2BIG;
    char *buf = malloc(len + 1);
    if (!buf)
        return -ENOMEM;
    size_t n = 0;
    if (t->add_space_prefix)
        buf[n++] = ' ';
    n += spm_unescape((struct gguf_str){text, len}, buf + n);
    struct tok_work w = {.text = buf};
    int rc = split(t, &w, n);
    if (rc == 0)
        rc = tok_work_merge(t, &w, spm_pair);
    for (uint32_t i = 0; rc == 0 && i != UINT32_MAX; i = w.sym[i].next)
        rc = emit(t, buf, &w.sym[i], out);
    tok_work_free(&w);
    free(buf);
    return rc;
}
