/* Shapes from the model configs, and the cross product; what cannot be run is listed with the reason, never dropped. */
#include "harness/kernel_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/shape.h"
#include "kernels/cpu.h"

/* ---- shapes --------------------------------------------------------------------------------------------------------- */

static void append(char text[KERNEL_TEXT_LEN], const char *word)
{
    const size_t used = strlen(text);
    snprintf(text + used, KERNEL_TEXT_LEN - used, "%s%s", used ? " " : "", word);
}

/* Adds "model tensor" to the shape of that size, which is made when there is none. */
static int add_shape(struct kernel_request *r, const struct kernel_shape *s, const char *model, const char *tensor,
                     char err[KERNEL_ERR_LEN])
{
    size_t i = 0;
    while (i < r->n_shapes && (r->shapes[i].rows != s->rows || r->shapes[i].cols != s->cols || r->shapes[i].head != s->head))
        i++;
    if (i == KERNEL_MAX_SHAPES) {
        snprintf(err, KERNEL_ERR_LEN, "more than %d different shapes: choose fewer models", KERNEL_MAX_SHAPES);
        return -EINVAL;
    }
    if (i == r->n_shapes)
        r->shapes[r->n_shapes++] = *s;
    char *text = r->shapes[i].tensors;
    const char *at = strstr(text, model);
    const size_t len = strlen(model);
    if (!at || (at != text && at[-1] != ' ') || at[len] != ' ') /* the model's name once, its tensors after it */
        append(text, model);
    append(text, tensor);
    return 0;
}

int kernel_request_model(struct kernel_request *r, const char *name, char err[KERNEL_ERR_LEN])
{
    struct hparams hp;
    char why[MODEL_ERR_LEN];
    int rc = shape_load(name, &hp, why);
    if (rc != 0) {
        snprintf(err, KERNEL_ERR_LEN, "%s", why);
        return rc;
    }
    const size_t q = hp.n_head * hp.head_dim, kv = hp.n_head_kv * hp.head_dim;
    const struct {
        const char *tensor;
        size_t rows, cols;
    } tensors[] = {
        {"attn_q", q, hp.n_embd},         {"attn_k", kv, hp.n_embd},          {"attn_v", kv, hp.n_embd},
        {"attn_output", hp.n_embd, q},    {"ffn_gate", hp.n_ff, hp.n_embd},   {"ffn_up", hp.n_ff, hp.n_embd},
        {"ffn_down", hp.n_embd, hp.n_ff}, {"lm_head", hp.n_vocab, hp.n_embd},
    };
    enum { N = sizeof tensors / sizeof tensors[0] };
    for (size_t i = 0; i < N && rc == 0; i++) {
        const struct kernel_shape s = {.rows = tensors[i].rows, .cols = tensors[i].cols, .head = i == N - 1};
        rc = add_shape(r, &s, name, tensors[i].tensor, err);
    }
    return rc;
}

int kernel_request_shape(struct kernel_request *r, size_t rows, size_t cols, char err[KERNEL_ERR_LEN])
{
    const struct kernel_shape s = {.rows = rows, .cols = cols};
    return add_shape(r, &s, "matrix", "of --shape", err);
}

/* ---- cells ---------------------------------------------------------------------------------------------------------- */

/* Whether a format serves as embedding and lm_head beside some format of the linear layers. */
static bool is_head_format(const struct format *fmt, size_t cols)
{
    const struct format *f;
    for (size_t i = 0; (f = format_at(i)); i++)
        if (format_default_embedding(f, cols) == fmt)
            return true;
    return false;
}

/* Of plain C: whole row groups for every thread, up to about KERNEL_C_MACS. */
static void limit_c(struct kernel_cell *c, size_t rows, size_t cols)
{
    const size_t step = (size_t)c->fmt->row_group * c->threads;
    c->n_timed = c->n < KERNEL_C_TOKENS ? c->n : KERNEL_C_TOKENS;
    const size_t want = (KERNEL_C_MACS / (cols * c->n_timed) + step - 1) / step * step;
    c->rows_timed = want < step ? step : want;
    if (c->rows_timed > rows)
        c->rows_timed = rows;
}

static int add_cell(struct kernel_plan *p, struct kernel_cell c)
{
    struct kernel_cell *grown = realloc(p->cells, (p->n_cells + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    p->cells = grown;
    c.rows_timed = p->req.shapes[c.shape].rows;
    c.n_timed = c.n;
    if (c.kern->need == 0)
        limit_c(&c, c.rows_timed, p->req.shapes[c.shape].cols);
    p->cells[p->n_cells++] = c;
    return 0;
}

static int add_skip(struct kernel_plan *p, const struct kernel_skip *s)
{
    struct kernel_skip *grown = realloc(p->skips, (p->n_skips + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    p->skips = grown;
    p->skips[p->n_skips++] = *s;
    return 0;
}

static bool wanted(const struct str_list *isas, const char *isa)
{
    for (size_t i = 0; i < isas->n; i++)
        if (strcmp(isas->v[i], isa) == 0)
            return true;
    return isas->n == 0 || strcmp(isa, "c") == 0;
}

/* A row of the table whose gemv is another row's, which is measured under its own name. */
static bool is_double(const struct kernel_plan *p, const struct kernel *k, size_t n)
{
    const struct kernel *used = kernel_used(k, n);
    return used != k && wanted(&p->req.isas, used->isa);
}

/* The format's kernels for one shape, number of threads and number of tokens. */
static int add_kernels(struct kernel_plan *p, struct kernel_cell c, uint32_t features)
{
    int rc = 0;
    for (c.kern = c.fmt->kernels; rc == 0; c.kern++) {
        if (wanted(&p->req.isas, c.kern->isa) && (c.kern->need & features) == c.kern->need && !is_double(p, c.kern, c.n))
            rc = add_cell(p, c);
        if (c.kern->need == 0)
            break;
    }
    return rc;
}

/* Kernels that this CPU lacks: said once for each, whatever the shape. */
static int skip_kernels(struct kernel_plan *p, const struct format *fmt, uint32_t features)
{
    char lacking[64];
    int rc = 0;
    for (const struct kernel *k = fmt->kernels; k->need != 0 && rc == 0; k++) {
        struct kernel_skip s = {.shape = KERNEL_ANY_SHAPE, .fmt = fmt, .isa = k->isa};
        if (!wanted(&p->req.isas, k->isa) || (k->need & features) == k->need)
            continue;
        snprintf(s.reason, sizeof s.reason, "this CPU lacks %s", cpu_feature_names(k->need & ~features, lacking, sizeof lacking));
        rc = add_skip(p, &s);
    }
    return rc;
}

/* Whether a format takes a shape at all; when it cannot, that is listed. */
static bool fits(struct kernel_plan *p, size_t f, size_t shape, int *rc)
{
    const struct kernel_shape *s = &p->req.shapes[shape];
    const struct format *fmt = p->req.formats[f];
    if (s->head ? !is_head_format(fmt, s->cols) : p->req.only_head[f])
        return false; /* nobody uses it so: nothing to say */
    if (s->cols % fmt->cols_multiple == 0)
        return true;
    struct kernel_skip skip = {.shape = shape, .fmt = fmt};
    snprintf(skip.reason, sizeof skip.reason, "%zu columns are no multiple of %u", s->cols, fmt->cols_multiple);
    *rc = add_skip(p, &skip);
    return false;
}

static int add_shape_cells(struct kernel_plan *p, size_t shape, uint32_t features)
{
    const struct kernel_request *r = &p->req;
    const struct kernel_shape *s = &r->shapes[shape];
    const struct format *usable[KERNEL_MAX_FORMATS];
    size_t n_usable = 0;
    int rc = 0;
    for (size_t f = 0; f < r->n_formats && rc == 0; f++)
        if (fits(p, f, shape, &rc))
            usable[n_usable++] = r->formats[f];
    for (size_t t = 0; t < r->threads.n; t++) {
        for (size_t n = 0; n < r->tokens.n; n++) {
            struct kernel_cell c = {.shape = shape, .threads = r->threads.v[t], .n = r->tokens.v[n]};
            if (s->head && c.n != 1)
                continue;
            for (size_t f = 0; f < n_usable && rc == 0; f++) {
                c.fmt = usable[f];
                rc = add_kernels(p, c, features);
            }
        }
    }
    return rc;
}

/* An ISA that was named must be one that some chosen format has, or the name is a mistake. */
static int check_isas(const struct kernel_request *r, char err[KERNEL_ERR_LEN])
{
    for (size_t i = 0; i < r->isas.n; i++) {
        bool found = false;
        for (size_t f = 0; f < r->n_formats && !found; f++)
            for (const struct kernel *k = r->formats[f]->kernels;; k++) {
                found |= strcmp(k->isa, r->isas.v[i]) == 0;
                if (k->need == 0)
                    break;
            }
        if (!found) {
            snprintf(err, KERNEL_ERR_LEN, "--isa '%.40s': none of the chosen formats has such a kernel in this build",
                     r->isas.v[i]);
            return -EINVAL;
        }
    }
    return 0;
}

int kernel_plan_make(const struct kernel_request *r, uint32_t features, struct kernel_plan *out, char err[KERNEL_ERR_LEN])
{
    *out = (struct kernel_plan){.req = *r};
    int rc = check_isas(r, err);
    if (rc != 0)
        return rc;
    for (size_t f = 0; f < r->n_formats && rc == 0; f++)
        rc = skip_kernels(out, r->formats[f], features);
    for (size_t s = 0; s < r->n_shapes && rc == 0; s++)
        rc = add_shape_cells(out, s, features);
    if (rc != 0)
        snprintf(err, KERNEL_ERR_LEN, "%s", strerror(-rc));
    else if (out->n_cells == 0) {
        snprintf(err, KERNEL_ERR_LEN, "nothing to measure: %s",
                 out->n_skips ? out->skips[out->n_skips - 1].reason : "no chosen format serves these shapes");
        rc = -EINVAL;
    }
    return rc;
}

void kernel_plan_free(struct kernel_plan *p)
{
    for (size_t i = 0; i < p->n_cells; i++)
        free(p->cells[i].call_s);
    free(p->cells);
    free(p->skips);
    *p = (struct kernel_plan){0};
}

double kernel_cell_macs(const struct kernel_plan *p, const struct kernel_cell *c)
{
    const struct kernel_shape *s = &p->req.shapes[c->shape];
    return (double)s->rows * (double)s->cols * (double)c->n;
}

const char *kernel_cell_isa(const struct kernel_cell *c)
{
    return kernel_used(c->kern, c->n)->isa;
}

const struct kernel_cell *kernel_cell_c(const struct kernel_cell *c)
{
    const struct kernel_cell *k = c;
    while (k->kern->need != 0) /* the last of a format's kernels follows the others */
        k++;
    return k;
}
