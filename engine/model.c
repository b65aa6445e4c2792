/* Loading a model: list the tensors, sum the memory, allocate once (huge pages), fill with all threads. */
#include "engine/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "engine/model_build.h"
#include "engine/now.h"

enum { TENSOR_ALIGN = 4096, VECTOR_ALIGN = 64 };

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

int build_check_format(const struct build *bld, const struct format *fmt, const char *name, size_t cols)
{
    if (cols % fmt->cols_multiple == 0)
        return 0;
    snprintf(bld->err, MODEL_ERR_LEN, "%s: %s needs rows of a multiple of %u weights, %s has %zu", bld->m->name, fmt->name,
             fmt->cols_multiple, name, cols);
    return -EINVAL;
}

static int grow(void **list, size_t *cap, size_t n, size_t elem)
{
    if (n < *cap)
        return 0;
    const size_t more = *cap ? 2 * *cap : 64;
    void *p = realloc(*list, more * elem);
    if (!p)
        return -ENOMEM;
    *list = p;
    *cap = more;
    return 0;
}

int build_tensor(struct build *bld, const char *name, struct weights *w, const struct format *fmt, size_t rows, size_t cols,
                 struct row_source src)
{
    int rc = build_check_format(bld, fmt, name, cols);
    if (rc == 0)
        rc = grow((void **)&bld->tensors, &bld->cap_tensors, bld->n_tensors, sizeof *bld->tensors);
    if (rc != 0)
        return rc;
    struct tensor_plan *t = &bld->tensors[bld->n_tensors++];
    *t = (struct tensor_plan){.w = w, .src = src};
    snprintf(t->name, sizeof t->name, "%s", name);
    /* Blocks with scales of their own keep them only where nothing is converted. */
    const bool per_block = src.per_block && src.fmt == fmt && src.factor == 1.0f;
    *w = (struct weights){.fmt = fmt, .kern = per_block ? fmt->block_kernel : format_kernel(fmt), .rows = rows, .cols = cols,
                          .per_block = per_block};
    return 0;
}

void build_name(char name[TENSOR_NAME_LEN], size_t layer, const char *part)
{
    if (layer == SIZE_MAX)
        snprintf(name, TENSOR_NAME_LEN, "%s", part);
    else
        snprintf(name, TENSOR_NAME_LEN, "blk.%zu.%s", layer, part);
}

int build_vector(struct build *bld, const char *name, const float **dst, const void *src, uint32_t type, size_t n)
{
    const int rc = grow((void **)&bld->vectors, &bld->cap_vectors, bld->n_vectors, sizeof *bld->vectors);
    if (rc != 0)
        return rc;
    struct vector_plan *v = &bld->vectors[bld->n_vectors++];
    *v = (struct vector_plan){.dst = dst, .src = src, .type = type, .n = n};
    snprintf(v->name, sizeof v->name, "%s", name);
    return 0;
}

int build_alloc_layers(struct build *bld)
{
    bld->m->layers = calloc(bld->m->hp.n_layer, sizeof *bld->m->layers);
    return bld->m->layers ? 0 : -ENOMEM;
}

static void set_name(struct model *m, const char *spec)
{
    const char *slash = strrchr(spec, '/');
    snprintf(m->name, sizeof m->name, "%s", slash ? slash + 1 : spec);
}

int build_list(struct build *bld, const char *spec, const struct model_options *opt)
{
    static const char synth[] = "synth:";
    if (strncmp(spec, synth, sizeof synth - 1) == 0) {
        set_name(bld->m, spec + sizeof synth - 1);
        return build_from_shape(bld, spec + sizeof synth - 1, opt);
    }
    set_name(bld->m, spec);
    const int rc = gguf_open(spec, &bld->m->gguf, bld->err);
    return rc != 0 ? rc : build_from_gguf(bld, opt);
}

/* Places everything; the total is in m->arena_bytes. */
static void place(struct build *bld)
{
    struct model *m = bld->m;
    size_t at = 0;
    for (size_t i = 0; i < bld->n_tensors; i++) {
        struct tensor_plan *t = &bld->tensors[i];
        const size_t bytes = weights_bytes(t->w), params = t->w->rows * t->w->cols;
        const bool embd = t->w == &m->embd || t->w == &m->head;
        t->offset = at;
        at = round_up(at + bytes, TENSOR_ALIGN);
        *(embd ? &m->embd_bytes : &m->linear_bytes) += bytes;
        *(embd ? &m->embd_params : &m->linear_params) += params;
        m->total_params += params;
    }
    for (size_t i = 0; i < bld->n_vectors; i++) {
        struct vector_plan *v = &bld->vectors[i];
        v->offset = at;
        at = round_up(at + v->n * sizeof(float), VECTOR_ALIGN);
        m->norm_bytes += v->n * sizeof(float);
        m->total_params += v->n;
    }
    m->arena_bytes = at;
}

static int allocate(struct build *bld)
{
    struct model *m = bld->m;
    const size_t available = memory_available(), need = m->arena_bytes + MODEL_LOAD_SPARE;
    if (need > available) {
        snprintf(bld->err, MODEL_ERR_LEN, "%s: needs %.1f GB for weights, %.1f GB available", m->name, 1e-9 * (double)need,
                 1e-9 * (double)available);
        return -ENOMEM;
    }
    const int rc = huge_map_new(m->arena_bytes, &m->arena);
    if (rc != 0) {
        snprintf(bld->err, MODEL_ERR_LEN, "%s: cannot map %.1f GB for weights: %s", m->name, 1e-9 * (double)m->arena_bytes,
                 strerror(-rc));
        return -ENOMEM;
    }
    char *base = m->arena.data;
    for (size_t i = 0; i < bld->n_tensors; i++)
        bld->tensors[i].w->data = base + bld->tensors[i].offset;
    for (size_t i = 0; i < bld->n_vectors; i++) {
        bld->vectors[i].out = (float *)(void *)(base + bld->vectors[i].offset);
        *bld->vectors[i].dst = bld->vectors[i].out;
    }
    return 0;
}

void build_done(struct build *bld)
{
    free(bld->tensors);
    free(bld->vectors);
}

int model_load(const char *spec, const struct model_options *opt, struct model **out, char err[MODEL_ERR_LEN])
{
    const double start = now_s();
    struct model *m = calloc(1, sizeof *m);
    struct build bld = {.m = m, .err = err};
    err[0] = '\0';
    int rc = m ? build_list(&bld, spec, opt) : -ENOMEM;
    if (rc == 0) {
        place(&bld);
        rc = allocate(&bld);
    }
    const double fill_start = now_s(), listed_s = m ? m->read_s : 0;
    if (rc == 0)
        rc = build_fill(&bld, opt->threads);
    build_done(&bld);
    if (rc != 0) {
        if (!err[0])
            snprintf(err, MODEL_ERR_LEN, "%s: %s", spec, strerror(-rc));
        model_free(m);
        return rc;
    }
    if (m->hp.tied)
        m->head = m->embd;
    if (m->gguf)
        gguf_release_all(m->gguf);
    m->repack_s = now_s() - fill_start - (m->read_s - listed_s);
    m->load_s = now_s() - start;
    *out = m;
    return 0;
}

void model_free(struct model *m)
{
    if (!m)
        return;
    huge_map_free(&m->arena);
    gguf_close(m->gguf);
    free(m->layers);
    free(m);
}

int model_plan(const char *spec, const struct model_options *opt, struct hparams *hp, size_t *weight_bytes, char err[MODEL_ERR_LEN])
{
    struct model *m = calloc(1, sizeof *m);
    struct build bld = {.m = m, .err = err};
    err[0] = '\0';
    int rc = m ? build_list(&bld, spec, opt) : -ENOMEM;
    if (rc == 0) {
        place(&bld);
        *hp = m->hp;
        *weight_bytes = m->arena_bytes;
    } else if (!err[0]) {
        snprintf(err, MODEL_ERR_LEN, "%s: %s", spec, strerror(-rc));
    }
    build_done(&bld);
    model_free(m);
    return rc;
}

struct model_work model_work(const struct model *m, size_t pos, size_t n, size_t n_logits, size_t kv_elem_bytes)
{
    const struct hparams *hp = &m->hp;
    const double kv_row = 2.0 * (double)hp->n_layer * (double)(hp->n_head_kv * hp->head_dim); /* K and V elements of one position */
    const double seen = (double)n * (double)pos + 0.5 * (double)n * (double)(n + 1);          /* positions read by all n queries */
    const size_t head_bytes = weights_bytes(&m->head);
    const double kv_bytes = kv_row * (double)kv_elem_bytes * (double)(pos + n);
    return (struct model_work){
        .linear_macs = (double)n * (double)m->linear_params,
        .head_macs = (double)n_logits * (double)(hp->n_vocab * hp->n_embd),
        .attn_macs = 2.0 * seen * (double)(hp->n_layer * hp->n_head * hp->head_dim),
        .bytes = (double)m->linear_bytes + (n_logits ? (double)head_bytes : 0.0) + (double)m->norm_bytes + kv_bytes,
        .kv_bytes = kv_bytes,
    };
}
