/* Loading, making, writing and converting models: what must be refused with one clear line, and that the way through a file and
 * another format changes nothing. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/engine_cmds.h"
#include "engine/perplexity.h"
#include "kernels/half.h"
#include "tests/golden_data.h"

enum { N_IDS = 11 };
static const int32_t ids[N_IDS] = {2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4};

static char dir[] = "/tmp/bitjoule-model-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

static const char *in_dir(const char *name)
{
    static char path[4][128];
    static unsigned turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static struct model *load(const char *spec, const char *format, const char *embedding)
{
    struct model *m = NULL;
    char err[MODEL_ERR_LEN] = "";
    const struct model_options opt = {.format = format, .embedding = embedding, .seed = 3};
    if (model_load(spec, &opt, &m, err) != 0)
        fail_msg("%s", err);
    return m;
}

static float *logits_of(const struct model *m)
{
    float *v = malloc(m->hp.n_vocab * sizeof *v);
    struct session *s = golden_session(m, 1, 0, KV_F16);
    assert_non_null(v);
    assert_int_equal(session_eval(s, ids, N_IDS, false, v), 0);
    session_free(s);
    return v;
}

static void assert_same_logits(const struct model *a, const struct model *b)
{
    float *x = logits_of(a), *y = logits_of(b);
    assert_int_equal(a->hp.n_vocab, b->hp.n_vocab);
    assert_memory_equal(x, y, a->hp.n_vocab * sizeof *x);
    free(x);
    free(y);
}

/* Runs a command with its words; the exit status. */
static int command(int (*run)(int, char **), const char *const *words)
{
    char *argv[16];
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    argv[argc] = NULL;
    return run(argc, argv);
}

static void synth(const char *shape, const char *format, const char *path)
{
    const char *const words[] = {"synth", shape, "-o", path, "-f", format, "--seed", "3", NULL};
    assert_int_equal(command(cmd_synth, words), 0);
}

static void convert(const char *in, const char *out, const char *format)
{
    const char *const words[] = {"convert", in, "-o", out, "-f", format, NULL};
    assert_int_equal(command(cmd_convert, words), 0);
}

/* synth:SHAPE in memory and the file that `synth` writes are one model, in every format. */
static void synthetic_file_is_the_model_in_memory(void **state)
{
    (void)state;
    static const char *const formats[] = {"i2_s", "tq1_0", "tq2_0", "f16", "f32", "q8_0", "q4_0"};
    const char *path = in_dir("synth.gguf");
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        synth("tests/shapes/tiny-relu2.ini", formats[i], path);
        struct model *file = load(path, NULL, NULL), *memory = load("synth:tests/shapes/tiny-relu2.ini", formats[i], NULL);
        assert_string_equal(file->format->name, formats[i]);
        assert_ptr_equal(file->embd_format, memory->embd_format);
        assert_int_equal(file->linear_bytes, memory->linear_bytes);
        assert_same_logits(file, memory);
        model_free(file);
        model_free(memory);
    }
    unlink(path);
}

static void assert_same_weights(const struct weights *a, const struct weights *b)
{
    float *x = malloc(a->cols * sizeof *x), *y = malloc(a->cols * sizeof *y);
    assert_true(x && y && a->rows == b->rows && a->cols == b->cols);
    for (size_t r = 0; r < a->rows; r++) {
        a->fmt->get_row(a, r, x);
        b->fmt->get_row(b, r, y);
        for (size_t k = 0; k < a->cols; k++)
            if (x[k] != y[k])
                fail_msg("weight [%zu, %zu] is %g in %s, %g in %s", r, k, (double)x[k], a->fmt->name, (double)y[k], b->fmt->name);
    }
    free(x);
    free(y);
}

/* A shape and a seed are the same weights in every format that can hold them: ternary ones are made as codes, the others as
 * floats. */
static void a_seed_is_the_same_weights_in_every_format(void **state)
{
    (void)state;
    static const char *const formats[] = {"i2_s", "tl2", "tl1", "tq1_0", "tq2_0", "f16"};
    struct model *floats = load("synth:tests/shapes/tiny-relu2.ini", "f32", "f32");
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct model *m = load("synth:tests/shapes/tiny-relu2.ini", formats[i], "f32");
        for (size_t l = 0; l < m->hp.n_layer; l++) {
            assert_same_weights(&m->layers[l].k, &floats->layers[l].k);
            assert_same_weights(&m->layers[l].up, &floats->layers[l].up);
            assert_same_weights(&m->layers[l].down, &floats->layers[l].down);
        }
        model_free(m);
    }
    model_free(floats);
}

/* Loaded from files of type 36, which are i2_s's, and from those of other formats. row_bytes: of the golden model's rows of 256 columns */
static void check_layout_of_memory(const char *format, size_t row_bytes)
{
    struct model *i2_s = load(GOLDEN_DIR "kjv-tiny-i2_s.gguf", NULL, NULL);
    const char *const files[] = {GOLDEN_DIR "kjv-tiny-i2_s.gguf", GOLDEN_DIR "kjv-tiny-f16.gguf"};
    assert_string_equal(i2_s->format->name, "i2_s");
    for (size_t i = 0; i < 2; i++) {
        struct model *m = load(files[i], format, "f16");
        const struct weights *q = &m->layers[0].q;
        assert_string_equal(m->format->name, format);
        assert_int_equal(q->cols, 256);
        assert_int_equal(q->fmt->mem_bytes(q->rows, q->cols), q->rows * row_bytes);
        assert_same_logits(i2_s, m);
        model_free(m);
    }
    model_free(i2_s);
}

/* tl2: 5 * 5 + 2 words, 432 bits; tl1: two bits a weight */
static void look_ups_are_layouts_of_memory(void **state)
{
    (void)state;
    check_layout_of_memory("tl2", 54);
    check_layout_of_memory("tl1", 64);
}

/* i2_s -> f16 -> tq1_0 -> f32 -> tq2_0 -> i2_s: the same bits as the first. */
static void conversions_lose_nothing(void **state)
{
    (void)state;
    static const char *const chain[] = {"f16", "tq1_0", "f32", "tq2_0", "i2_s"};
    struct model *first = load(GOLDEN_DIR "kjv-tiny-i2_s.gguf", NULL, NULL);
    char from[128] = GOLDEN_DIR "kjv-tiny-i2_s.gguf";
    for (size_t i = 0; i < sizeof chain / sizeof chain[0]; i++) {
        char to[128];
        snprintf(to, sizeof to, "%s", in_dir(i % 2 ? "b.gguf" : "a.gguf"));
        convert(from, to, chain[i]);
        snprintf(from, sizeof from, "%s", to);
    }
    struct model *last = load(from, NULL, NULL);
    assert_string_equal(last->format->name, "i2_s");
    assert_same_logits(first, last);
    model_free(first);
    model_free(last);
    unlink(in_dir("a.gguf"));
    unlink(in_dir("b.gguf"));
}

static void refused(const char *spec, const char *format, const char *embedding, const char *words)
{
    struct model *m = NULL;
    char err[MODEL_ERR_LEN] = "";
    const struct model_options opt = {.format = format, .embedding = embedding};
    const int rc = model_load(spec, &opt, &m, err);
    assert_true(rc < 0);
    assert_null(m);
    if (!strstr(err, words) || strchr(err, '\n'))
        fail_msg("'%s' should say '%s' in one line", err, words);
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void write_shape(const char *path, const char *arch, const char *activation, unsigned hidden)
{
    char text[512];
    snprintf(text, sizeof text,
             "[model]\narchitecture = %s\nhidden = %u\nffn = %u\nlayers = 4096\nheads = 4\nkv_heads = 4\nhead_dim = %u\n"
             "vocab = 100\ncontext = 64\nrope_theta = 10000\nrms_eps = 1e-5\nactivation = %s\nsub_norm = yes\n"
             "tied_embedding = yes\n",
             arch, hidden, 2 * hidden, hidden / 64, activation);
    write_text(path, text);
}

static void bad_specs_are_refused(void **state)
{
    (void)state;
    const char *ini = in_dir("bad.ini");
    char spec[160];
    snprintf(spec, sizeof spec, "synth:%s", ini);
    refused("absent.gguf", NULL, NULL, "absent.gguf");
    refused("synth:no-such-shape", NULL, NULL, "no model shape 'no-such-shape'; there are: ");
    refused("synth:125m", "q9_9", NULL, "unknown format 'q9_9'");
    refused("synth:125m", NULL, "q9_9", "unknown format 'q9_9'");
    refused("synth:bitnet_b1_58-3b", "i2_s", NULL, "multiple of 128");
    refused(GOLDEN_DIR "kjv-tiny-i2_s.gguf", NULL, "i2_s", "token_embd.weight is not ternary");
    write_text(ini, "[model]\nhidden = 256\nhiden = 1\n");
    refused(spec, NULL, NULL, ":3: unknown key 'hiden'");
    write_text(ini, "[model]\nhidden = -5\n");
    refused(spec, NULL, NULL, ":2: hidden = '-5': expected a whole number");
    write_text(ini, "[model]\nhidden = 256\nhidden = 256\n");
    refused(spec, NULL, NULL, ":3: key 'hidden' stands twice");
    write_text(ini, "[model]\nhidden = 256\n");
    refused(spec, NULL, NULL, "is missing");
    write_shape(ini, "foo", "silu", 256);
    refused(spec, NULL, NULL, "architecture 'foo' is not one of");
    write_shape(ini, "bitnet-b1.58", "silu", 256);
    refused(spec, NULL, NULL, "architecture bitnet-b1.58 has activation = relu2");
    write_shape(ini, "bitnet", "silu", 131072); /* 4096 layers: 10^15 bytes, on no machine */
    refused(spec, "f16", NULL, "GB for weights, ");
    unlink(ini);
}

/* Files that are sound GGUF but no model of ours: the metadata or a tensor is changed by a small writer. */
struct edit {
    const char *drop_key, *put_key; /* put_key = put_value replaces or adds */
    uint32_t put_value;
    const char *put_text; /* put_key is a string */
    const char *drop_tensor, *add_tensor, *words;
};

static void write_edited(const char *path, const struct gguf *g, const struct edit *e)
{
    char err[GGUF_ERR_LEN] = "";
    struct gguf_writer *w = gguf_writer_open(path, err);
    assert_non_null(w);
    if (e->put_text)
        assert_int_equal(gguf_put_str(w, e->put_key, e->put_text), 0);
    else if (e->put_key)
        assert_int_equal(gguf_put_u32(w, e->put_key, e->put_value), 0);
    for (size_t i = 0; i < gguf_n_keys(g); i++) {
        enum gguf_value_type type;
        const struct gguf_str key = gguf_key_at(g, i, &type);
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)key.len, key.ptr);
        if ((e->drop_key && strcmp(name, e->drop_key) == 0) || (e->put_key && strcmp(name, e->put_key) == 0))
            continue;
        assert_int_equal(gguf_put_copy(w, g, i), 0);
    }
    for (int data = 0; data < 2; data++) {
        for (size_t i = 0; i < gguf_n_tensors(g); i++) {
            const struct gguf_tensor *t = gguf_tensor_at(g, i);
            char name[128];
            snprintf(name, sizeof name, "%.*s", (int)t->name.len, t->name.ptr);
            if (e->drop_tensor && strcmp(name, e->drop_tensor) == 0)
                continue;
            if (data)
                assert_int_equal(gguf_write_data(w, t->data, t->bytes), 0);
            else
                assert_int_equal(gguf_declare_tensor(w, name, t->type, t->n_dims, t->dims), 0);
        }
        static const float four[4] = {1, NAN, 1, 1};
        const uint64_t dims[GGUF_MAX_DIMS] = {strstr(e->add_tensor ? e->add_tensor : "", "scale") ? 1 : 4, 1, 1, 1};
        if (e->add_tensor && data)
            assert_int_equal(gguf_write_data(w, four + (dims[0] == 1), dims[0] * sizeof *four), 0);
        else if (e->add_tensor)
            assert_int_equal(gguf_declare_tensor(w, e->add_tensor, GGUF_T_F32, 1, dims), 0);
    }
    assert_int_equal(gguf_writer_close(w, err), 0);
}

static void bad_metadata_is_refused(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {.drop_key = "general.architecture", .words = "general.architecture"},
        {.drop_key = "bitnet-b1.58.block_count", .words = "block_count: required key is missing"},
        {.drop_key = "bitnet-b1.58.attention.layer_norm_rms_epsilon", .words = "rms_epsilon: required key is missing"},
        {.put_key = "bitnet-b1.58.block_count", .put_value = 7, .words = "blk.6.attn_q.weight: required tensor is missing"},
        {.put_key = "bitnet-b1.58.block_count", .put_value = 0, .words = "out of range"},
        {.put_key = "bitnet-b1.58.block_count", .put_value = 4000000000u, .words = "out of range"},
        {.put_key = "bitnet-b1.58.embedding_length", .put_value = 512, .words = "shape is {256, 2048}"},
        {.put_key = "bitnet-b1.58.feed_forward_length", .put_value = 1024, .words = "hyper-parameters ask for"},
        {.put_key = "bitnet-b1.58.attention.head_count", .put_value = 3, .words = "multiple of"},
        {.put_key = "bitnet-b1.58.attention.head_count_kv", .put_value = 4, .words = "blk.0.attn_k.weight: shape is"},
        {.put_key = "bitnet-b1.58.rope.dimension_count", .put_value = 63, .words = "odd"},
        {.put_key = "bitnet-b1.58.rope.dimension_count", .put_value = 128, .words = "larger than a head"},
        {.put_key = "bitnet-b1.58.rope.freq_base", .put_value = 0, .words = "out of range"},
        {.put_key = "bitnet-b1.58.attention.key_length", .put_value = 128, .words = "hyper-parameters ask for"},
        {.put_key = "bitnet-b1.58.rope.scaling.type", .put_text = "linear", .words = "scaled RoPE is not supported"},
        {.add_tensor = "blk.0.attn_q_norm.weight", .words = "unexpected tensor: blk.0.attn_q_norm.weight"},
        {.add_tensor = "blk.0.attn_q.scale", .words = "blk.0.attn_q.weight: its .scale is not a finite"},
        {.add_tensor = "rope_freqs.weight", .words = "rope_freqs.weight: shape is"},
        {.drop_tensor = "token_embd.weight", .words = "token_embd.weight: required tensor is missing"},
        {.drop_tensor = "output_norm.weight", .words = "output_norm.weight: required tensor is missing"},
        {.drop_tensor = "blk.3.ffn_sub_norm.weight", .words = "blk.3.ffn_sub_norm.weight: required tensor is missing"},
        {.drop_tensor = "blk.5.ffn_down.weight", .words = "blk.5.ffn_down.weight: required tensor is missing"},
    };
    char err[GGUF_ERR_LEN] = "";
    struct gguf *g = NULL;
    const char *path = in_dir("edited.gguf");
    assert_int_equal(gguf_open(GOLDEN_DIR "kjv-tiny-tq1_0.gguf", &g, err), 0);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        write_edited(path, g, &edits[i]);
        refused(path, NULL, NULL, edits[i].words);
    }
    gguf_close(g);
    unlink(path);
}

/* A copy of a golden file with `n` bytes of a tensor, from `at` on (SIZE_MAX: 32 before its end), replaced. */
static void write_patched(const char *path, const char *from, const char *tensor, size_t at, const void *bytes, size_t n)
{
    char err[GGUF_ERR_LEN] = "";
    struct gguf *g = NULL;
    char *text = NULL;
    size_t len = 0;
    assert_int_equal(perplexity_read_text(from, &text, &len, err), 0);
    assert_int_equal(gguf_open_memory(from, text, len, &g, err), 0);
    const struct gguf_tensor *t = gguf_tensor_find(g, tensor);
    assert_non_null(t);
    memcpy(text + ((const char *)t->data - text) + (at == SIZE_MAX ? t->bytes - 32 : at), bytes, n);
    gguf_close(g);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    fclose(f);
    free(text);
}

/* Codes that stand for no weight would break the kernels' bounds; a scale that is no number would make every logit NaN. */
static void bad_weights_are_refused(void **state)
{
    (void)state;
    static const uint8_t code3 = 0xff;
    static const float nan_scale = NAN;
    const char *path = in_dir("patched.gguf");
    write_patched(path, GOLDEN_DIR "kjv-tiny-i2_s.gguf", "blk.2.attn_q.weight", 100, &code3, 1);
    refused(path, NULL, NULL, "blk.2.attn_q.weight is not ternary");
    refused(path, "f16", NULL, "blk.2.attn_q.weight is not ternary");
    const char *const words[] = {"convert", path, "-o", in_dir("out.gguf"), NULL};
    assert_int_equal(command(cmd_convert, words), 2);
    assert_int_equal(access(in_dir("out.gguf"), F_OK), -1);
    write_patched(path, GOLDEN_DIR "kjv-tiny-tq2_0.gguf", "blk.5.ffn_down.weight", 66 * 7 + 63, &code3, 1);
    refused(path, NULL, NULL, "blk.5.ffn_down.weight is not ternary");
    write_patched(path, GOLDEN_DIR "kjv-tiny-i2_s.gguf", "blk.0.ffn_up.weight", SIZE_MAX, &nan_scale, sizeof nan_scale);
    refused(path, NULL, NULL, "blk.0.ffn_up.weight: scale of the weights is not finite");
    unlink(path);
}

/* A negative scale turns every sign; formats that store signs and a positive scale must say the same. */
static void negative_scale_survives_conversion(void **state)
{
    (void)state;
    static const float negative = -0.0625f;
    const char *path = in_dir("negative.gguf");
    write_patched(path, GOLDEN_DIR "kjv-tiny-i2_s.gguf", "blk.1.attn_v.weight", SIZE_MAX, &negative, sizeof negative);
    struct model *as_is = load(path, NULL, NULL), *tq = load(path, "tq1_0", NULL);
    assert_true(as_is->layers[1].v.scale == negative);
    assert_true(tq->layers[1].v.scale == -negative);
    assert_same_logits(as_is, tq);
    model_free(as_is);
    model_free(tq);
    unlink(path);
}

/* One block with a scale of its own: this tensor alone stays in the file layout and goes to the kernel of blocks, and its rows have
 * the scales of their blocks. No format with one scale can hold it. */
static void unequal_block_scales_are_kept(void **state)
{
    (void)state;
    static const struct {
        const char *file, *other;
        size_t block_bytes, scale_at;
    } cases[] = {{GOLDEN_DIR "kjv-tiny-tq1_0.gguf", "tq2_0", 54, 52}, {GOLDEN_DIR "kjv-tiny-tq2_0.gguf", "i2_s", 66, 64}};
    const char *path = in_dir("blocks.gguf");
    for (size_t i = 0; i < 2; i++) {
        const uint16_t half = half_from_float(-0.75f);
        float row[2][1024];
        write_patched(path, cases[i].file, "blk.1.ffn_down.weight", cases[i].block_bytes + cases[i].scale_at, &half, sizeof half);
        struct model *was = load(cases[i].file, NULL, NULL), *is = load(path, NULL, NULL);
        const struct weights *a = &was->layers[1].down, *b = &is->layers[1].down, *next = &is->layers[1].up;
        assert_true(b->per_block && !a->per_block && !next->per_block && b->cols <= 1024);
        assert_ptr_equal(b->kern, b->fmt->block_kernel);
        assert_ptr_equal(next->kern, format_kernel(next->fmt));
        assert_int_equal(is->linear_bytes - was->linear_bytes, b->rows * b->fmt->row_bytes(b->cols) - weights_bytes(a));
        a->fmt->get_row(a, 0, row[0]);
        b->fmt->get_row(b, 0, row[1]);
        for (size_t k = 0; k < b->cols; k++)
            assert_true(row[1][k] == (k / 256 == 1 ? row[0][k] / a->scale * -0.75f : row[0][k]));
        float *logits = logits_of(is); /* no NaN, no overrun: for the sanitizers */
        assert_true(isfinite(logits[0]));
        free(logits);
        model_free(was);
        model_free(is);
        refused(path, cases[i].other, NULL, "blk.1.ffn_down.weight is not ternary");
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synthetic_file_is_the_model_in_memory), cmocka_unit_test(conversions_lose_nothing),
        cmocka_unit_test(bad_specs_are_refused),                 cmocka_unit_test(bad_metadata_is_refused),
        cmocka_unit_test(bad_weights_are_refused),               cmocka_unit_test(negative_scale_survives_conversion),
        cmocka_unit_test(unequal_block_scales_are_kept),         cmocka_unit_test(a_seed_is_the_same_weights_in_every_format),
        cmocka_unit_test(look_ups_are_layouts_of_memory),
    };
    return cmocka_run_group_tests_name("models", tests, make_dir, remove_dir);
}
