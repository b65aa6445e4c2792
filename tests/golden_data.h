/* The golden values of tests/golden (its README says how they were made) for the engine's tests. */
#ifndef BITJOULE_GOLDEN_DATA_H
#define BITJOULE_GOLDEN_DATA_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/session.h"

#define GOLDEN_DIR "tests/golden/"
enum { GOLDEN_PROMPTS = 6, GOLDEN_MAX_IDS = 128, GOLDEN_GREEDY = 48, GOLDEN_VOCAB = 2048 };

struct golden_prompt {
    char name[32];
    size_t n_ids;
    int32_t ids[GOLDEN_MAX_IDS], greedy[GOLDEN_GREEDY];
    float gap[GOLDEN_GREEDY]; /* best logit minus second best at each greedy step */
    float logits[GOLDEN_VOCAB];
    int32_t argmax;
};

/* The six prompts; fails the test when the file does not hold what it should. */
void golden_load(struct golden_prompt prompts[GOLDEN_PROMPTS]);

/* A model and a session over it; fail the test with the engine's message. */
struct model *golden_model(const char *file, const char *format);
struct session *golden_session(const struct model *m, unsigned threads, size_t chunk, enum kv_type kv);

/* All positions of a prompt in one float array, [n, vocabulary]; free it. */
float *golden_all_logits(const struct model *m, const int32_t *ids, size_t n, unsigned threads, size_t chunk, enum kv_type kv);

int32_t golden_argmax(const float *logits, size_t n);

#endif
