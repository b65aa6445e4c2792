/* A transformer's weights in memory: read from a GGUF file or made in place from a named shape and a seed.
 *
 * Architectures: bitnet-b1.58, bitnet-25 (ReLU^2, sub-norms), bitnet (SiLU, sub-norms), llama (SiLU, no sub-norms). */
#ifndef BITJOULE_MODEL_H
#define BITJOULE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/gguf.h"
#include "engine/memory.h"
#include "kernels/format.h"

enum { MODEL_ERR_LEN = GGUF_ERR_LEN, MODEL_NAME_LEN = 64, MODEL_MAX_COLS = 1 << 18 }; /* columns: bounds of the integer kernels */
/* Beside the weights, while they are loaded: buffers of rows, pages of the file under way, page tables. */
enum { MODEL_LOAD_SPARE = 64 << 20 };

enum ffn_act { FFN_SILU, FFN_RELU2 };

struct hparams {
    char arch[MODEL_NAME_LEN]; /* GGUF general.architecture */
    size_t n_vocab, n_embd, n_ff, n_layer, n_head, n_head_kv, head_dim, n_ctx_train, rope_dim;
    float rope_theta, rms_eps;
    enum ffn_act act;
    bool sub_norm;         /* RMSNorm before attn_output and before ffn_down */
    bool rope_interleaved; /* pairs (2i, 2i+1), as in `llama` files; else (i, i + rope_dim/2) */
    bool tied;             /* lm_head is the embedding */
};

struct layer {
    struct weights q, k, v, o, gate, up, down;
    const float *attn_norm, *attn_sub_norm, *ffn_norm, *ffn_sub_norm; /* sub-norms: NULL when absent */
    const float *q_bias, *k_bias, *v_bias, *o_bias;                   /* NULL when absent */
};

struct model_options {
    const char *format;    /* of the linear layers; NULL: as in the file (synth: i2_s) */
    const char *embedding; /* of token embedding and lm_head; NULL: as in the file (synth: the format's usual one) */
    unsigned threads;      /* for loading; 0: all cores */
    uint64_t seed;         /* synth only */
};

struct model {
    struct hparams hp;
    char name[MODEL_NAME_LEN];        /* shape name or file name without folder */
    const struct format *format;      /* of the linear layers */
    const struct format *embd_format; /* of lm_head */
    struct weights embd, head;        /* head shares embd's data when tied */
    const float *output_norm, *rope_factors;
    struct layer *layers;
    struct gguf *gguf;                           /* NULL for synth; kept open for the tokenizer's metadata */
    size_t linear_bytes, embd_bytes, norm_bytes; /* as they are in memory */
    size_t linear_params, embd_params, total_params;
    /* Wall time of model_load; of it, waiting for the file's pages (mean over the threads; with the scan of block scales; 0 for
     * synth), and what else filling the memory layout took (synth: making the weights). The rest: opening, metadata, memory. */
    double load_s, read_s, repack_s;
    struct huge_map arena; /* every tensor's memory */
    size_t arena_bytes;    /* used of it */
};

/* `spec`: path of a .gguf file, or "synth:SHAPE" (configs/models/SHAPE.ini). 0, or a negative errno and one line in err.
 * -ENOMEM comes before anything large is touched when the sum exceeds what the machine has. */
int model_load(const char *spec, const struct model_options *opt, struct model **out, char err[MODEL_ERR_LEN]);
void model_free(struct model *m);

/* Bytes that model_load would allocate, and hyper-parameters, without loading (for planning and refusing). */
int model_plan(const char *spec, const struct model_options *opt, struct hparams *hp, size_t *weight_bytes,
               char err[MODEL_ERR_LEN]);

/* Work of one forward pass of n tokens that start at position pos, with logits for n_logits of them.
 * macs: multiply-adds of the linear layers and lm_head (attention apart); bytes: weights and KV read from memory once; kv_bytes: of
 * them, the KV. */
struct model_work {
    double linear_macs, head_macs, attn_macs, bytes, kv_bytes;
};
struct model_work model_work(const struct model *m, size_t pos, size_t n, size_t n_logits, size_t kv_elem_bytes);

/* Any format of kernels/ or baselines/ by name; NULL when unknown. */
const struct format *format_find(const char *name);
const struct format *format_of_type(uint32_t gguf_type);
/* All of them, the ternary ones first, for i = 0, 1, ...; NULL after the last. */
const struct format *format_at(size_t i);
/* "i2_s,tl2,..." into buf, which is returned: for messages. */
enum { FORMAT_NAMES_LEN = 128 };
const char *format_names(char *buf, size_t len);
/* The embedding / lm_head format that goes with a format of the linear layers: f16 for f16 and f32, q8_0 for q8_0, else q6_k;
 * q8_0 where `cols` is no multiple of 256. */
const struct format *format_default_embedding(const struct format *fmt, size_t cols);

#endif
