/* A model from a GGUF file: hyper-parameters from the metadata, then every tensor by its standard name, its shape checked
 * against them. The weights stay in the file's format unless the options ask for another. */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/arch.h"
#include "engine/model_build.h"
#include "engine/now.h"
#include "kernels/half.h"

static int fail(struct build *bld, const char *what, const char *why)
{
    snprintf(bld->err, MODEL_ERR_LEN, "%s: %s: %s", gguf_path(bld->m->gguf), what, why);
    return -EINVAL;
}

/* {arch}.{key} as a size in 1..max; `fallback` (0: none) where the key is absent. */
static int get_size(struct build *bld, const char *key, size_t max, size_t fallback, size_t *out)
{
    char full[128];
    uint64_t v = 0;
    snprintf(full, sizeof full, "%s.%s", bld->m->hp.arch, key);
    const int rc = gguf_get_u64(bld->m->gguf, full, &v);
    if (rc == -ENOENT && fallback) {
        *out = fallback;
        return 0;
    }
    if (rc != 0)
        return fail(bld, full, rc == -ENOENT ? "required key is missing" : "not a whole number");
    if (v < 1 || v > max)
        return fail(bld, full, "value is out of range");
    *out = (size_t)v;
    return 0;
}

static int get_real(struct build *bld, const char *key, float fallback, float *out)
{
    char full[128];
    snprintf(full, sizeof full, "%s.%s", bld->m->hp.arch, key);
    const int rc = gguf_get_f32(bld->m->gguf, full, out);
    if (rc == -ENOENT && fallback > 0.0f)
        *out = fallback;
    else if (rc != 0)
        return fail(bld, full, rc == -ENOENT ? "required key is missing" : "not a number");
    return *out > 0.0f && *out < 1e30f ? 0 : fail(bld, full, "value is out of range");
}

/* Positions are not scaled here: a file that asks for it (with a factor other than 1) would give other results than it should. */
static int refuse_rope_scaling(struct build *bld)
{
    char full[128];
    struct gguf_str type;
    float factor = 0.0f;
    snprintf(full, sizeof full, "%s.rope.scaling.type", bld->m->hp.arch);
    if (gguf_get_str(bld->m->gguf, full, &type) != 0 || (type.len == 4 && memcmp(type.ptr, "none", 4) == 0))
        return 0;
    snprintf(full, sizeof full, "%s.rope.scaling.factor", bld->m->hp.arch);
    if (gguf_get_f32(bld->m->gguf, full, &factor) == 0 && factor == 1.0f)
        return 0;
    return fail(bld, full, "scaled RoPE is not supported");
}

static int read_arch(struct build *bld)
{
    struct gguf_str name;
    if (gguf_get_str(bld->m->gguf, "general.architecture", &name) != 0)
        return fail(bld, "general.architecture", "required key is missing");
    const struct arch *a = arch_find(name.ptr, name.len);
    if (!a)
        return fail(bld, "general.architecture", "not one of " ARCH_NAMES);
    struct hparams *hp = &bld->m->hp;
    snprintf(hp->arch, sizeof hp->arch, "%s", a->name);
    hp->act = a->act;
    hp->sub_norm = a->sub_norm;
    hp->rope_interleaved = a->rope_interleaved;
    return 0;
}

static int read_hparams(struct build *bld)
{
    struct hparams *hp = &bld->m->hp;
    const struct gguf_tensor *embd = gguf_tensor_find(bld->m->gguf, "token_embd.weight");
    if (!embd || embd->n_dims != 2)
        return fail(bld, "token_embd.weight", embd ? "not a matrix" : "required tensor is missing");
    hp->n_vocab = (size_t)embd->dims[1];
    hp->tied = !gguf_tensor_find(bld->m->gguf, "output.weight");
    int rc = get_size(bld, "embedding_length", MODEL_MAX_COLS, 0, &hp->n_embd);
    rc = rc ? rc : get_size(bld, "feed_forward_length", MODEL_MAX_COLS, 0, &hp->n_ff);
    rc = rc ? rc : get_size(bld, "block_count", 4096, 0, &hp->n_layer);
    rc = rc ? rc : get_size(bld, "attention.head_count", 4096, 0, &hp->n_head);
    rc = rc ? rc : get_size(bld, "attention.head_count_kv", 4096, hp->n_head, &hp->n_head_kv);
    rc = rc ? rc : get_size(bld, "attention.key_length", 4096, hp->n_embd / hp->n_head ? hp->n_embd / hp->n_head : 1, &hp->head_dim);
    rc = rc ? rc : get_size(bld, "rope.dimension_count", 4096, hp->head_dim, &hp->rope_dim);
    rc = rc ? rc : get_size(bld, "context_length", 1 << 24, 2048, &hp->n_ctx_train);
    rc = rc ? rc : get_real(bld, "rope.freq_base", 10000.0f, &hp->rope_theta);
    rc = rc ? rc : get_real(bld, "attention.layer_norm_rms_epsilon", 0.0f, &hp->rms_eps);
    if (rc != 0)
        return rc;
    if (!(hp->rope_theta >= 1.0f))
        return fail(bld, "rope.freq_base", "below 1");
    if (hp->n_head % hp->n_head_kv != 0)
        return fail(bld, "attention.head_count", "no multiple of attention.head_count_kv");
    if (hp->head_dim % 2 != 0 || hp->rope_dim % 2 != 0 || hp->rope_dim > hp->head_dim)
        return fail(bld, "rope.dimension_count", "odd, or larger than a head");
    if (hp->n_head * hp->head_dim > MODEL_MAX_COLS)
        return fail(bld, "attention.head_count", "heads times head size is out of range");
    return refuse_rope_scaling(bld);
}

/* The tensor blk.I.PART (or PART when layer is SIZE_MAX) with dimensions {d0, d1}; d1 == 0: a vector. NULL with err set, unless
 * it is optional and absent. */
static const struct gguf_tensor *find_tensor(struct build *bld, size_t layer, const char *part, uint64_t d0, uint64_t d1, bool optional,
                                             int *rc)
{
    char name[TENSOR_NAME_LEN], why[128];
    build_name(name, layer, part);
    const struct gguf_tensor *t = gguf_tensor_find(bld->m->gguf, name);
    if (!t) {
        *rc = optional ? 0 : fail(bld, name, "required tensor is missing");
        return NULL;
    }
    if (t->dims[0] != d0 || t->dims[1] != (d1 ? d1 : 1) || t->dims[2] != 1 || t->dims[3] != 1) {
        snprintf(why, sizeof why, "shape is {%llu, %llu}, the hyper-parameters ask for {%llu, %llu}", (unsigned long long)t->dims[0],
                 (unsigned long long)t->dims[1], (unsigned long long)d0, (unsigned long long)(d1 ? d1 : 1));
        *rc = fail(bld, name, why);
        return NULL;
    }
    return t;
}

/* Unpacks bfloat16, which is a source only: it has no kernels. */
static size_t bf16_row_bytes(size_t cols)
{
    return 2 * cols;
}

static void bf16_unpack_row(const void *src, size_t cols, float scale, float *dst)
{
    (void)scale;
    for (size_t k = 0; k < cols; k++) {
        uint16_t h;
        memcpy(&h, (const char *)src + 2 * k, sizeof h);
        dst[k] = bf16_to_float(h);
    }
}

static const struct format source_bf16 = {
    .name = "bf16",
    .gguf_type = GGUF_T_BF16,
    .cols_multiple = 1,
    .row_group = 1,
    .row_bytes = bf16_row_bytes,
    .unpack_row = bf16_unpack_row,
};

/* The format a matrix gets: the wanted one, or the file's; bf16 has no kernels and becomes f16. */
static const struct format *target_format(const struct format *file, const struct format *wanted)
{
    return wanted ? wanted : file == &source_bf16 ? format_find("f16") : file;
}

static int add_matrix(struct build *bld, size_t layer, const char *part, struct weights *w, size_t rows, size_t cols,
                      const struct format *wanted)
{
    char name[TENSOR_NAME_LEN], full[TENSOR_NAME_LEN];
    int rc = 0;
    snprintf(name, sizeof name, "%s.weight", part);
    const struct gguf_tensor *t = find_tensor(bld, layer, name, cols, rows, false, &rc);
    if (!t)
        return rc;
    struct row_source src = {.fmt = t->type == GGUF_T_BF16 ? &source_bf16 : format_of_type(t->type), .file = t->data, .factor = 1.0f};
    assert(src.fmt); /* the reader lets through only types that have a format */
    if (src.fmt->file_scale) {
        const double start = now_s();
        src.per_block = src.fmt->file_scale(t->data, rows, cols, &src.scale) == 1;
        bld->m->read_s += now_s() - start;
        gguf_release(bld->m->gguf, t->data, t->bytes); /* it may have looked at every block */
    }
    build_name(full, layer, name);
    if (!isfinite(src.scale))
        return fail(bld, full, "scale of the weights is not finite");
    snprintf(name, sizeof name, "%s.scale", part);
    const struct gguf_tensor *s = find_tensor(bld, layer, name, 1, 0, true, &rc);
    if (rc != 0)
        return rc;
    if (s && s->type == GGUF_T_F32)
        memcpy(&src.factor, s->data, sizeof src.factor);
    if (s && (s->type != GGUF_T_F32 || !isfinite(src.factor)))
        return fail(bld, full, "its .scale is not a finite float32 scalar");
    return build_tensor(bld, full, w, target_format(src.fmt, wanted), rows, cols, src);
}

static int add_vector(struct build *bld, size_t layer, const char *part, const float **dst, size_t n, bool optional)
{
    char name[TENSOR_NAME_LEN];
    int rc = 0;
    const struct gguf_tensor *t = find_tensor(bld, layer, part, n, 0, optional, &rc);
    if (!t)
        return rc;
    build_name(name, layer, part);
    if (t->type != GGUF_T_F32 && t->type != GGUF_T_F16)
        return fail(bld, name, "neither float32 nor float16");
    return build_vector(bld, name, dst, t->data, t->type, n);
}

static int add_layer(struct build *bld, size_t i, const struct format *fmt)
{
    const struct hparams *hp = &bld->m->hp;
    struct layer *l = &bld->m->layers[i];
    const size_t q = hp->n_head * hp->head_dim, kv = hp->n_head_kv * hp->head_dim, d = hp->n_embd;
    int rc = add_matrix(bld, i, "attn_q", &l->q, q, d, fmt);
    rc = rc ? rc : add_matrix(bld, i, "attn_k", &l->k, kv, d, fmt);
    rc = rc ? rc : add_matrix(bld, i, "attn_v", &l->v, kv, d, fmt);
    rc = rc ? rc : add_matrix(bld, i, "attn_output", &l->o, d, q, fmt);
    rc = rc ? rc : add_matrix(bld, i, "ffn_gate", &l->gate, hp->n_ff, d, fmt);
    rc = rc ? rc : add_matrix(bld, i, "ffn_up", &l->up, hp->n_ff, d, fmt);
    rc = rc ? rc : add_matrix(bld, i, "ffn_down", &l->down, d, hp->n_ff, fmt);
    rc = rc ? rc : add_vector(bld, i, "attn_norm.weight", &l->attn_norm, d, false);
    rc = rc ? rc : add_vector(bld, i, "ffn_norm.weight", &l->ffn_norm, d, false);
    rc = rc ? rc : add_vector(bld, i, "attn_sub_norm.weight", &l->attn_sub_norm, q, !hp->sub_norm);
    rc = rc ? rc : add_vector(bld, i, "ffn_sub_norm.weight", &l->ffn_sub_norm, hp->n_ff, !hp->sub_norm);
    rc = rc ? rc : add_vector(bld, i, "attn_q.bias", &l->q_bias, q, true);
    rc = rc ? rc : add_vector(bld, i, "attn_k.bias", &l->k_bias, kv, true);
    rc = rc ? rc : add_vector(bld, i, "attn_v.bias", &l->v_bias, kv, true);
    return rc ? rc : add_vector(bld, i, "attn_output.bias", &l->o_bias, d, true);
}

/* The formats asked for, by name; NULL where the file's own are kept. */
static int wanted_formats(struct build *bld, const struct model_options *opt, const struct format **linear, const struct format **embd)
{
    *linear = opt->format ? format_find(opt->format) : NULL;
    *embd = opt->embedding ? format_find(opt->embedding) : NULL;
    if (opt->format && !*linear)
        return fail(bld, opt->format, "unknown format");
    if (opt->embedding && !*embd)
        return fail(bld, opt->embedding, "unknown format");
    return 0;
}

static bool planned(const struct build *bld, const char *name)
{
    for (size_t i = 0; i < bld->n_tensors; i++)
        if (strcmp(bld->tensors[i].name, name) == 0)
            return true;
    for (size_t i = 0; i < bld->n_vectors; i++)
        if (strcmp(bld->vectors[i].name, name) == 0)
            return true;
    return false;
}

/* A tensor that nothing here reads belongs to a graph that this is not. (`.scale` goes with the matrix of its name.) */
static int refuse_unknown_tensors(struct build *bld)
{
    static const char scale[] = ".scale", weight[] = ".weight";
    for (size_t i = 0; i < gguf_n_tensors(bld->m->gguf); i++) {
        const struct gguf_str s = gguf_tensor_at(bld->m->gguf, i)->name;
        char name[2 * TENSOR_NAME_LEN];
        snprintf(name, sizeof name, "%.*s", (int)s.len, s.ptr);
        char *end = s.len > strlen(scale) && s.len < TENSOR_NAME_LEN ? name + s.len - strlen(scale) : NULL;
        if (end && strcmp(end, scale) == 0)
            memcpy(end, weight, sizeof weight);
        if (!planned(bld, name))
            return fail(bld, "unexpected tensor", name);
    }
    return 0;
}

static int check_rope_factors(struct build *bld)
{
    const struct gguf_tensor *t = gguf_tensor_find(bld->m->gguf, "rope_freqs.weight");
    for (size_t i = 0; t && i < bld->m->hp.rope_dim / 2; i++) {
        const float f = vector_value(t->data, t->type, i);
        if (!isfinite(f) || f <= 0.0f)
            return fail(bld, "rope_freqs.weight", "holds a factor that is not a positive number");
    }
    return 0;
}

int build_from_gguf(struct build *bld, const struct model_options *opt)
{
    struct model *m = bld->m;
    const struct format *linear, *embd;
    int rc = wanted_formats(bld, opt, &linear, &embd);
    rc = rc ? rc : read_arch(bld);
    rc = rc ? rc : read_hparams(bld);
    rc = rc ? rc : build_alloc_layers(bld);
    rc = rc ? rc : add_matrix(bld, SIZE_MAX, "token_embd", &m->embd, m->hp.n_vocab, m->hp.n_embd, embd);
    if (rc == 0 && !m->hp.tied)
        rc = add_matrix(bld, SIZE_MAX, "output", &m->head, m->hp.n_vocab, m->hp.n_embd, embd);
    for (size_t i = 0; rc == 0 && i < m->hp.n_layer; i++)
        rc = add_layer(bld, i, linear);
    rc = rc ? rc : add_vector(bld, SIZE_MAX, "output_norm.weight", &m->output_norm, m->hp.n_embd, false);
    rc = rc ? rc : add_vector(bld, SIZE_MAX, "rope_freqs.weight", &m->rope_factors, m->hp.rope_dim / 2, true);
    rc = rc ? rc : check_rope_factors(bld);
    rc = rc ? rc : refuse_unknown_tensors(bld);
    if (rc == 0) {
        m->format = m->layers[0].q.fmt;
        m->embd_format = m->hp.tied ? m->embd.fmt : m->head.fmt;
    }
    return rc;
}
