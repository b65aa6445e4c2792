/* A random model of a named shape. Ternary weights are -s, 0, +s with equal chances, s = 1 / sqrt(2/3 cols) rounded to float16 (exact
 * in every format), so that activations keep their size from layer to layer; the embedding is uniform; norms are 1. Every row
 * has its own generator, seeded by (seed, tensor, row): the same weights in every format and with any number of threads. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/mix64.h"
#include "engine/model_build.h"
#include "engine/shape.h"
#include "kernels/half.h"

static uint64_t row_base(const struct row_source *src, size_t row)
{
    return mix64(src->seed ^ mix64(row));
}

/* Four ternary codes from the four 16-bit numbers u of a random word: floor(3 u / 65536), one in a byte. Two at a time, in the
 * halves of the word: 3 * 65535 < 2^32. */
static uint32_t four_codes(uint64_t bits)
{
    const uint64_t low = 0x0000ffff0000ffffu;
    const uint64_t even = (bits & low) * 3 >> 16 & low, odd = (bits >> 16 & low) * 3 >> 16 & low, pairs = even | odd << 8;
    return (uint32_t)(pairs | pairs >> 16);
}

void source_codes(const struct row_source *src, size_t row, size_t cols, uint8_t *codes)
{
    const uint64_t base = row_base(src, row);
    uint32_t four;
    size_t k = 0;
    for (; k + sizeof four <= cols; k += sizeof four) {
        four = four_codes(mix64(base + k));
        memcpy(codes + k, &four, sizeof four);
    }
    four = four_codes(mix64(base + k));
    memcpy(codes + k, &four, cols - k);
}

static void synth_ternary(const struct row_source *src, size_t row, size_t cols, float *dst)
{
    const float trit[3] = {-src->scale, 0.0f, src->scale};
    const uint64_t base = row_base(src, row);
    for (size_t k = 0; k < cols; k += 4) {
        const uint32_t four = four_codes(mix64(base + k));
        for (size_t i = 0; i < 4 && k + i < cols; i++)
            dst[k + i] = trit[four >> (8 * i) & 3];
    }
}

static void synth_uniform(const struct row_source *src, size_t row, size_t cols, float *dst)
{
    const uint64_t base = row_base(src, row);
    for (size_t k = 0; k < cols; k += 4) {
        const uint64_t bits = mix64(base + k);
        for (size_t i = 0; i < 4 && k + i < cols; i++)
            dst[k + i] = src->scale * ((float)(bits >> (16 * i) & 0xffffu) * (1.0f / 32768.0f) - 1.0f);
    }
}

void source_row(const struct row_source *src, size_t row, size_t cols, float *dst)
{
    if (src->fmt)
        src->fmt->unpack_row((const char *)src->file + row * src->fmt->row_bytes(cols), cols, src->scale, dst);
    else
        (src->ternary ? synth_ternary : synth_uniform)(src, row, cols, dst);
    for (size_t k = 0; k < cols && src->factor != 1.0f; k++)
        dst[k] *= src->factor;
}

static int add_ones(struct build *bld, size_t layer, const char *part, const float **dst, size_t n)
{
    char name[TENSOR_NAME_LEN];
    build_name(name, layer, part);
    return build_vector(bld, name, dst, NULL, GGUF_T_F32, n);
}

static int add_ternary(struct build *bld, size_t layer, const char *part, struct weights *w, size_t rows, size_t cols, uint64_t seed)
{
    char name[TENSOR_NAME_LEN];
    build_name(name, layer, part);
    struct row_source src = {.factor = 1.0f, .ternary = true, .seed = mix64(seed + bld->n_tensors)};
    src.scale = half_to_float(half_from_float(sqrtf(1.5f / (float)cols)));
    return build_tensor(bld, name, w, bld->m->format, rows, cols, src);
}

static int add_layer(struct build *bld, size_t i, uint64_t seed)
{
    const struct hparams *hp = &bld->m->hp;
    struct layer *l = &bld->m->layers[i];
    const size_t q_dim = hp->n_head * hp->head_dim, kv_dim = hp->n_head_kv * hp->head_dim;
    int rc = add_ternary(bld, i, "attn_q.weight", &l->q, q_dim, hp->n_embd, seed);
    rc = rc ? rc : add_ternary(bld, i, "attn_k.weight", &l->k, kv_dim, hp->n_embd, seed);
    rc = rc ? rc : add_ternary(bld, i, "attn_v.weight", &l->v, kv_dim, hp->n_embd, seed);
    rc = rc ? rc : add_ternary(bld, i, "attn_output.weight", &l->o, hp->n_embd, q_dim, seed);
    rc = rc ? rc : add_ternary(bld, i, "ffn_gate.weight", &l->gate, hp->n_ff, hp->n_embd, seed);
    rc = rc ? rc : add_ternary(bld, i, "ffn_up.weight", &l->up, hp->n_ff, hp->n_embd, seed);
    rc = rc ? rc : add_ternary(bld, i, "ffn_down.weight", &l->down, hp->n_embd, hp->n_ff, seed);
    rc = rc ? rc : add_ones(bld, i, "attn_norm.weight", &l->attn_norm, hp->n_embd);
    rc = rc ? rc : add_ones(bld, i, "ffn_norm.weight", &l->ffn_norm, hp->n_embd);
    if (rc == 0 && hp->sub_norm) {
        rc = add_ones(bld, i, "attn_sub_norm.weight", &l->attn_sub_norm, q_dim);
        rc = rc ? rc : add_ones(bld, i, "ffn_sub_norm.weight", &l->ffn_sub_norm, hp->n_ff);
    }
    return rc;
}

static int find_formats(struct build *bld, const struct model_options *opt)
{
    struct model *m = bld->m;
    m->format = format_find(opt->format ? opt->format : "i2_s");
    m->embd_format = opt->embedding ? format_find(opt->embedding) : m->format ? format_default_embedding(m->format, m->hp.n_embd) : NULL;
    if (m->format && m->embd_format)
        return 0;
    snprintf(bld->err, MODEL_ERR_LEN, "unknown format '%.40s'", m->format ? opt->embedding : opt->format);
    return -EINVAL;
}

int build_from_shape(struct build *bld, const char *shape, const struct model_options *opt)
{
    struct model *m = bld->m;
    const uint64_t seed = mix64(opt->seed);
    int rc = shape_load(shape, &m->hp, bld->err);
    rc = rc ? rc : find_formats(bld, opt);
    rc = rc ? rc : build_alloc_layers(bld);
    const struct row_source embd = {.factor = 1.0f, .scale = 1.0f / 16.0f, .seed = mix64(seed ^ 1)};
    rc = rc ? rc : build_tensor(bld, "token_embd.weight", &m->embd, m->embd_format, m->hp.n_vocab, m->hp.n_embd, embd);
    if (rc == 0 && !m->hp.tied) {
        struct row_source head = embd;
        head.seed = mix64(seed ^ 2);
        rc = build_tensor(bld, "output.weight", &m->head, m->embd_format, m->hp.n_vocab, m->hp.n_embd, head);
    }
    for (size_t i = 0; rc == 0 && i < m->hp.n_layer; i++)
        rc = add_layer(bld, i, seed);
    return rc ? rc : add_ones(bld, SIZE_MAX, "output_norm.weight", &m->output_norm, m->hp.n_embd);
}
