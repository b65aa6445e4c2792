/* Inside the engine: how a model is put together. A builder lists the tensors with where each comes from (a GGUF file or a
 * seed); then memory is summed, allocated once, and filled by all threads. */
#ifndef BITJOULE_MODEL_BUILD_H
#define BITJOULE_MODEL_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/model.h"

/* Where the rows of a matrix come from. */
struct row_source {
    const struct format *fmt; /* file layout of `file`; NULL: made from the seed */
    const void *file;
    float scale; /* ternary source: per-tensor scale; seed: magnitude */
    bool per_block;
    float factor; /* every weight is multiplied by it (".scale" tensors); 1: none */
    uint64_t seed;
    bool ternary; /* seed: -scale, 0, +scale with equal chances; else uniform in (-scale, scale) */
};

enum { TENSOR_NAME_LEN = 64 };

struct tensor_plan {
    char name[TENSOR_NAME_LEN];
    struct weights *w; /* fmt, rows, cols set; data and scale are set by the fill */
    struct row_source src;
    size_t offset; /* in the arena */
};

struct vector_plan {
    char name[TENSOR_NAME_LEN];
    const float **dst;
    const void *src; /* floats in the file (unaligned), or NULL: all ones */
    uint32_t type;   /* GGUF_T_F32 or GGUF_T_F16 */
    size_t n, offset;
    float *out;
};

struct build {
    struct model *m;
    struct tensor_plan *tensors;
    struct vector_plan *vectors;
    size_t n_tensors, cap_tensors, n_vectors, cap_vectors;
    char *err;
};

/* Lists every tensor of the model; bld->m has its hyper-parameters, layers and formats afterwards. 0 or negative errno with err. */
int build_from_gguf(struct build *bld, const struct model_options *opt);
int build_from_shape(struct build *bld, const char *shape, const struct model_options *opt);

/* For the two above. `w` becomes a matrix [rows, cols] of format fmt. */
int build_tensor(struct build *bld, const char *name, struct weights *w, const struct format *fmt, size_t rows, size_t cols,
                 struct row_source src);
int build_vector(struct build *bld, const char *name, const float **dst, const void *src, uint32_t type, size_t n);
/* "blk.LAYER.PART", or PART when layer is SIZE_MAX */
void build_name(char name[TENSOR_NAME_LEN], size_t layer, const char *part);
int build_alloc_layers(struct build *bld); /* m->layers for hp.n_layer */
/* Refuses shapes that a format cannot hold, with one line. */
int build_check_format(const struct build *bld, const struct format *fmt, const char *name, size_t cols);

/* Element i of a vector in a file, GGUF_T_F32 or GGUF_T_F16; 1 where src is NULL. */
float vector_value(const void *src, uint32_t type, size_t i);

/* One row of a source as floats. */
void source_row(const struct row_source *src, size_t row, size_t cols, float *dst);
/* The same as codes 0, 1, 2 for -scale, 0, +scale; of a ternary source made from the seed. */
void source_codes(const struct row_source *src, size_t row, size_t cols, uint8_t *codes);

/* Lists a model by its spec (file or synth:SHAPE). The caller frees with build_done() whatever the result. */
int build_list(struct build *bld, const char *spec, const struct model_options *opt);
void build_done(struct build *bld);

/* Fills all tensors with `threads` threads. 0, or -EINVAL with err: a tensor is not ternary; -ENOMEM. */
int build_fill(struct build *bld, unsigned threads);

/* Writes the listed tensors to a GGUF file in their new formats: declares them all, then streams the data. 0 or negative errno with
 * err. */
struct gguf_writer;
int build_declare(struct build *bld, struct gguf_writer *w);
int build_write_data(struct build *bld, struct gguf_writer *w, unsigned threads);

#endif
