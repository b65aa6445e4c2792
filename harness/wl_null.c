/* Nothing at all: what a block of it takes is what the harness itself takes (overhead.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/workload.h"

struct nothing {
    int32_t out;
};

static int null_setup(const struct model *m, struct session *s, const struct workload_params *p, void **state,
                      char err[MODEL_ERR_LEN])
{
    (void)m;
    (void)s;
    (void)p;
    *state = calloc(1, sizeof(struct nothing));
    if (*state)
        return 0;
    snprintf(err, MODEL_ERR_LEN, "out of memory");
    return -ENOMEM;
}

static int null_run(void *state, double *token_s)
{
    (void)state;
    (void)token_s;
    return 0;
}

static void null_reset(void *state)
{
    (void)state;
}

static struct workload_work null_work(const void *state)
{
    (void)state;
    return (struct workload_work){0};
}

static const int32_t *null_output(const void *state, size_t *n)
{
    *n = 1;
    return &((const struct nothing *)state)->out;
}

const struct workload workload_null = {
    .name = "null",
    .no_model = true,
    .setup = null_setup,
    .run = null_run,
    .reset = null_reset,
    .work = null_work,
    .output = null_output,
    .teardown = free,
};
