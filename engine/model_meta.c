/* Metadata for `synth` and `convert`. A synthetic model has a SentencePiece-style vocabulary of <unk>, <s>, </s>, the 256 bytes and
 * numbered words, so that every reader of GGUF accepts the file; the words mean nothing. */
#include "engine/model_meta.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TYPE_NORMAL = 1, TYPE_UNKNOWN = 2, TYPE_CONTROL = 3, TYPE_BYTE = 6, FIRST_BYTE = 3, FIRST_WORD = 259, WORD_LEN = 16 };

uint32_t meta_file_type(const struct format *fmt)
{
    static const struct {
        const char *name;
        uint32_t type;
    } types[] = {{"f32", 0}, {"f16", 1}, {"q4_0", 2}, {"q8_0", 7}, {"q6_k", 18}, {"tq1_0", 36}, {"tq2_0", 37}, {"i2_s", 40}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, fmt->name) == 0)
            return types[i].type;
    return 1024; /* "guessed" in llama.cpp's numbering */
}

static int put_u32(struct gguf_writer *w, const struct model *m, const char *key, size_t v)
{
    char full[128];
    snprintf(full, sizeof full, "%s.%s", m->hp.arch, key);
    return gguf_put_u32(w, full, (uint32_t)v);
}

static int put_f32(struct gguf_writer *w, const struct model *m, const char *key, float v)
{
    char full[128];
    snprintf(full, sizeof full, "%s.%s", m->hp.arch, key);
    return gguf_put_f32(w, full, v);
}

static int put_hparams(struct gguf_writer *w, const struct model *m)
{
    const struct hparams *hp = &m->hp;
    int rc = gguf_put_str(w, "general.architecture", hp->arch);
    rc = rc ? rc : gguf_put_str(w, "general.name", m->name);
    rc = rc ? rc : gguf_put_u32(w, "general.file_type", meta_file_type(m->format));
    rc = rc ? rc : gguf_put_u32(w, "general.quantization_version", 2);
    rc = rc ? rc : put_u32(w, m, "vocab_size", hp->n_vocab);
    rc = rc ? rc : put_u32(w, m, "context_length", hp->n_ctx_train);
    rc = rc ? rc : put_u32(w, m, "embedding_length", hp->n_embd);
    rc = rc ? rc : put_u32(w, m, "block_count", hp->n_layer);
    rc = rc ? rc : put_u32(w, m, "feed_forward_length", hp->n_ff);
    rc = rc ? rc : put_u32(w, m, "rope.dimension_count", hp->rope_dim);
    rc = rc ? rc : put_u32(w, m, "attention.head_count", hp->n_head);
    rc = rc ? rc : put_u32(w, m, "attention.head_count_kv", hp->n_head_kv);
    if (rc == 0 && hp->head_dim * hp->n_head != hp->n_embd) {
        rc = put_u32(w, m, "attention.key_length", hp->head_dim);
        rc = rc ? rc : put_u32(w, m, "attention.value_length", hp->head_dim);
    }
    rc = rc ? rc : put_f32(w, m, "attention.layer_norm_rms_epsilon", hp->rms_eps);
    return rc ? rc : put_f32(w, m, "rope.freq_base", hp->rope_theta);
}

static void word_of(size_t id, char word[WORD_LEN], int32_t *type)
{
    static const char *const special[FIRST_BYTE] = {"<unk>", "<s>", "</s>"};
    if (id < FIRST_BYTE) {
        snprintf(word, WORD_LEN, "%s", special[id]);
        *type = id == 0 ? TYPE_UNKNOWN : TYPE_CONTROL;
    } else if (id < FIRST_WORD) {
        snprintf(word, WORD_LEN, "<0x%02X>", (unsigned)(id - FIRST_BYTE));
        *type = TYPE_BYTE;
    } else {
        snprintf(word, WORD_LEN, "w%zu", id);
        *type = TYPE_NORMAL;
    }
}

static int put_vocabulary(struct gguf_writer *w, size_t n)
{
    char(*text)[WORD_LEN] = malloc(n * sizeof *text);
    const char **words = malloc(n * sizeof *words);
    float *scores = malloc(n * sizeof *scores);
    int32_t *types = malloc(n * sizeof *types);
    int rc = text && words && scores && types ? 0 : -ENOMEM;
    for (size_t i = 0; i < n && rc == 0; i++) {
        word_of(i, text[i], &types[i]);
        words[i] = text[i];
        scores[i] = -(float)i;
    }
    rc = rc ? rc : gguf_put_str(w, "tokenizer.ggml.model", "llama");
    rc = rc ? rc : gguf_put_str_array(w, "tokenizer.ggml.tokens", words, n);
    rc = rc ? rc : gguf_put_f32_array(w, "tokenizer.ggml.scores", scores, n);
    rc = rc ? rc : gguf_put_i32_array(w, "tokenizer.ggml.token_type", types, n);
    rc = rc ? rc : gguf_put_u32(w, "tokenizer.ggml.bos_token_id", 1);
    rc = rc ? rc : gguf_put_u32(w, "tokenizer.ggml.eos_token_id", 2);
    rc = rc ? rc : gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", 0);
    rc = rc ? rc : gguf_put_bool(w, "tokenizer.ggml.add_bos_token", true);
    free(text);
    free(words);
    free(scores);
    free(types);
    return rc;
}

int meta_put_synth(struct gguf_writer *w, const struct model *m)
{
    const int rc = put_hparams(w, m);
    return rc ? rc : put_vocabulary(w, m->hp.n_vocab);
}

int meta_put_copy(struct gguf_writer *w, const struct gguf *from, const struct format *fmt)
{
    static const char file_type[] = "general.file_type";
    int rc = gguf_put_u32(w, file_type, meta_file_type(fmt));
    for (size_t i = 0; i < gguf_n_keys(from) && rc == 0; i++) {
        enum gguf_value_type type;
        const struct gguf_str key = gguf_key_at(from, i, &type);
        if (key.len != strlen(file_type) || memcmp(key.ptr, file_type, key.len) != 0)
            rc = gguf_put_copy(w, from, i);
    }
    return rc;
}
