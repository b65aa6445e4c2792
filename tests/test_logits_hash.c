/* The promise across machines: SHA-256 of logits in tests/golden/logits.sha256, made on x86-64 with AVX2, is what every machine, format
 * and number of threads gives; the same program runs under an ARM emulator and with sanitizers. The ternary formats hold the same weights
 * and share a hash; of the others each has its own. BITJOULE_REWRITE_HASHES=1 writes the file anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/sha256.h"
#include "tests/golden_data.h"
#include "tests/under_qemu.h"

#define HASH_FILE GOLDEN_DIR "logits.sha256"
enum { HEX_LEN = 65, SYNTH_IDS = 24, LAYER_IDS = 6, MAX_HASHES = 64, THREADS = 3 };

static const char *const ternary[] = {"i2_s", "tl1", "tq1_0", "tq2_0", "tl2"};
static const char *const others[] = {"f32", "f16", "q8_0", "q4_0"};
enum { N_TERNARY = sizeof ternary / sizeof ternary[0], N_OTHERS = sizeof others / sizeof others[0] };

static struct golden_prompt prompts[GOLDEN_PROMPTS];

static struct {
    FILE *out;                  /* when rewriting */
    char line[MAX_HASHES][256]; /* "HEX  NAME": read, or written so far */
    size_t n;
} hashes;

static const char *find_hash(const char *name)
{
    for (size_t i = 0; i < hashes.n; i++)
        if (strcmp(hashes.line[i] + HEX_LEN + 1, name) == 0)
            return hashes.line[i];
    return NULL;
}

/* Frees v. `how`: for the message */
static void check_hash(const char *name, const char *how, float *v, size_t n)
{
    char hex[HEX_LEN];
    assert_int_equal(sha256_bytes(v, n * sizeof *v, hex), 0);
    free(v);
    const char *want = find_hash(name);
    if (!want && hashes.out && hashes.n < MAX_HASHES) {
        snprintf(hashes.line[hashes.n++], sizeof hashes.line[0], "%s  %s", hex, name);
        fprintf(hashes.out, "%s  %s\n", hex, name);
        return;
    }
    if (!want)
        fail_msg("%s is not in %s", name, HASH_FILE);
    else if (strncmp(want, hex, HEX_LEN - 1) != 0)
        fail_msg("%s, %s: SHA-256 of the logits is %s, published is %.64s", name, how, hex, want);
}

static int setup(void **state)
{
    (void)state;
    golden_load(prompts);
    FILE *f = fopen(HASH_FILE, getenv("BITJOULE_REWRITE_HASHES") ? "w" : "r");
    assert_non_null(f);
    if (getenv("BITJOULE_REWRITE_HASHES")) {
        hashes.out = f;
        return 0;
    }
    while (hashes.n < MAX_HASHES && fgets(hashes.line[hashes.n], sizeof hashes.line[0], f)) {
        hashes.line[hashes.n][strcspn(hashes.line[hashes.n], "\n")] = '\0';
        hashes.n += strlen(hashes.line[hashes.n]) > HEX_LEN + 1;
    }
    return fclose(f);
}

static int teardown(void **state)
{
    (void)state;
    return hashes.out ? fclose(hashes.out) : 0;
}

/* Every prompt in every ternary format; the number of threads goes round, so that each format meets all of them. An emulated CPU takes
 * minutes for that: all prompts in the first format there, the short ones in the others. */
static void golden_prompts(void **state)
{
    (void)state;
    for (size_t f = 0; f < N_TERNARY; f++) {
        struct model *m = golden_model("kjv-tiny-i2_s.gguf", ternary[f]);
        for (size_t i = 0; i < GOLDEN_PROMPTS; i++) {
            const struct golden_prompt *p = &prompts[i];
            char name[128];
            if (under_qemu() && f > 0 && p->n_ids > 17)
                continue;
            snprintf(name, sizeof name, "kjv-tiny, prompt %s, f16 cache", p->name);
            check_hash(name, ternary[f], golden_all_logits(m, p->ids, p->n_ids, (unsigned)(1 + (i + f) % THREADS), 64, KV_F16),
                       p->n_ids * GOLDEN_VOCAB);
        }
        model_free(m);
    }
}

static void golden_prompt_in_other_formats(void **state)
{
    (void)state;
    const struct golden_prompt *p = &prompts[2];
    for (size_t f = 0; f < N_OTHERS; f++) {
        struct model *m = golden_model("kjv-tiny-f16.gguf", others[f]);
        for (unsigned threads = 1; threads <= THREADS; threads++) {
            char name[128];
            snprintf(name, sizeof name, "kjv-tiny as %s, prompt %s, f16 cache", others[f], p->name);
            check_hash(name, "other threads", golden_all_logits(m, p->ids, p->n_ids, threads, 64, KV_F16), p->n_ids * GOLDEN_VOCAB);
        }
        model_free(m);
    }
}

static struct model *synthetic(const char *shape, const struct model_options *opt)
{
    char spec[128], err[MODEL_ERR_LEN] = "";
    struct model *m = NULL;
    snprintf(spec, sizeof spec, "synth:tests/shapes/%s.ini", shape);
    if (model_load(spec, opt, &m, err) != 0)
        fail_msg("%s", err);
    return m;
}

/* Logits of n made-up tokens */
static float *synthetic_logits(const struct model *m, size_t n, unsigned threads, size_t chunk, enum kv_type kv)
{
    int32_t ids[SYNTH_IDS];
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)(i * 37 % m->hp.n_vocab);
    return golden_all_logits(m, ids, n, threads, chunk, kv);
}

/* Two small synthetic models: 2B4T's graph (ReLU^2, GQA, large head) and a llama graph (SiLU, no sub-norms, interleaved RoPE). */
static void small_graphs(void **state)
{
    (void)state;
    static const char *const shapes[][2] = {{"tiny-relu2", "q6_k"}, {"tiny-llama", "q8_0"}};
    for (size_t i = 0; i < 2; i++) {
        struct model *m = synthetic(shapes[i][0], &(struct model_options){.embedding = shapes[i][1], .seed = 7});
        for (int kv = KV_F16; kv <= KV_F32; kv++) {
            char name[128];
            snprintf(name, sizeof name, "synth %s, embedding %s, %s cache", shapes[i][0], shapes[i][1], kv == KV_F16 ? "f16" : "f32");
            check_hash(name, "2 threads", synthetic_logits(m, SYNTH_IDS, 2, 9, (enum kv_type)kv), SYNTH_IDS * m->hp.n_vocab);
        }
        model_free(m);
    }
}

/* Layers as wide as 125M's, in one format; all ternary ones have the hash called "ternary" */
static void wide_layer(const char *shape, const char *format, bool is_ternary)
{
    struct model *m = synthetic(shape, &(struct model_options){.format = format, .embedding = "q6_k", .seed = 11});
    for (unsigned threads = 1; threads <= THREADS; threads++) {
        char name[128];
        snprintf(name, sizeof name, "synth %s, %s, f16 cache", shape, is_ternary ? "ternary" : format);
        check_hash(name, format, synthetic_logits(m, LAYER_IDS, threads, threads == 1 ? 1 : LAYER_IDS, KV_F16), LAYER_IDS * m->hp.n_vocab);
    }
    model_free(m);
}

static void wide_layers(void **state)
{
    (void)state;
    static const char *const shapes[] = {"layer-125m", "layer-125m-llama"};
    for (size_t i = 0; i < 2; i++) {
        for (size_t f = 0; f < N_TERNARY; f++)
            wide_layer(shapes[i], ternary[f], true);
        for (size_t f = 0; f < N_OTHERS; f++)
            wide_layer(shapes[i], others[f], false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_prompts),
        cmocka_unit_test(golden_prompt_in_other_formats),
        cmocka_unit_test(small_graphs),
        cmocka_unit_test(wide_layers),
    };
    return cmocka_run_group_tests_name("logits hash", tests, setup, teardown);
}
