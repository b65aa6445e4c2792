/* What the engine's sub-commands share: numbers from the command line, the options that choose a model and how it runs, and
 * messages of one line. */
#ifndef BITJOULE_ARGS_H
#define BITJOULE_ARGS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/session.h"

enum { EXIT_BAD_INPUT = 2 };

/* Prints "bitjoule COMMAND: ..." as one line on stderr and returns `status`. */
int args_complain(const char *command, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Text as a whole number in [min, max] or a number in [min, max]. False, after a line that names flag and value. */
bool args_u64(const char *command, const char *flag, const char *text, uint64_t min, uint64_t max, uint64_t *out);
bool args_real(const char *command, const char *flag, const char *text, double min, double max, double *out);

/* -m, --format, --embedding, -t, --kv, --ctx, --chunk, --isa, --seed: common to run, logits and others. */
struct run_args {
    const char *command, *model;
    struct model_options load;
    struct session_options session;
    uint64_t seed;
};
enum { ARG_EMBEDDING = 1000, ARG_KV, ARG_CTX, ARG_CHUNK, ARG_ISA, ARG_SEED, ARG_FORMAT, ARG_OWN };
#define RUN_SHORT_OPTIONS "m:t:h"
#define RUN_LONG_OPTIONS                                                                                                           \
    {"model", required_argument, NULL, 'm'}, {"threads", required_argument, NULL, 't'}, {"format", required_argument, NULL, ARG_FORMAT}, \
        {"embedding", required_argument, NULL, ARG_EMBEDDING}, {"kv", required_argument, NULL, ARG_KV},                            \
        {"ctx", required_argument, NULL, ARG_CTX}, {"chunk", required_argument, NULL, ARG_CHUNK},                                  \
        {"isa", required_argument, NULL, ARG_ISA}, {"seed", required_argument, NULL, ARG_SEED}, {"help", no_argument, NULL, 'h'}
void run_args_print_help(void);

/* Takes one of the options above: 1 taken, 0 not one of them, -1 bad value (said). */
int run_args_take(struct run_args *a, int option, const char *value);

/* Loads the model and starts a session; both are NULL after a failure, which has been said. 0 or the exit status. */
int run_args_start(struct run_args *a, struct model **m, struct session **s);

/* Exit status for an error of the libraries: 2 where the input is to blame, else 1. */
int args_status(int rc);

#endif
