/* Option values and common start-up of the engine's commands. */
#include "engine/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/pool.h"
#include "kernels/cpu.h"

static const char help[] =
    "  -m, --model MODEL   a .gguf file, or synth:SHAPE\n"
    "  --format NAME       repack the linear layers (default: as in the file): %s\n"
    "  --embedding NAME    repack embedding and lm_head: f16 q8_0 q6_k ... (default: as in the file)\n"
    "  -t, --threads N     worker threads (default: one per physical core)\n"
    "  --kv f16|f32        type of the KV cache (default f16)\n"
    "  --ctx N             KV cache length in tokens (default: the model's)\n"
    "  --chunk N           tokens per prefill pass (default 128)\n"
    "  --isa NAME          use at most these instructions: %s\n"
    "  --seed N            of synthetic weights and of sampling (default 0)\n";

void run_args_print_help(void)
{
    char formats[FORMAT_NAMES_LEN], isas[CPU_ISA_NAMES_LEN];
    printf(help, format_names(formats, sizeof formats), cpu_isa_names(isas, sizeof isas));
}

int args_complain(const char *command, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "bitjoule %s: ", command);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return status;
}

bool args_u64(const char *command, const char *flag, const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    const unsigned long long v = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && v >= min && v <= max) {
        *out = v;
        return true;
    }
    args_complain(command, 0, "%s '%s': expected a whole number from %llu to %llu", flag, text, (unsigned long long)min,
                  (unsigned long long)max);
    return false;
}

bool args_real(const char *command, const char *flag, const char *text, double min, double max, double *out)
{
    char *end;
    const double v = strtod(text, &end);
    if (end != text && *end == '\0' && v >= min && v <= max) {
        *out = v;
        return true;
    }
    args_complain(command, 0, "%s '%s': expected a number from %g to %g", flag, text, min, max);
    return false;
}

static int take_word(struct run_args *a, int option, const char *value)
{
    uint32_t mask;
    switch (option) {
    case ARG_KV:
        if (strcmp(value, "f16") != 0 && strcmp(value, "f32") != 0)
            return args_complain(a->command, -1, "--kv '%s': expected f16 or f32", value);
        a->session.kv = strcmp(value, "f16") == 0 ? KV_F16 : KV_F32;
        return 1;
    case ARG_ISA:
        if (cpu_isa_mask(value, &mask) != 0)
            return args_complain(a->command, -1, "--isa '%s': not an instruction set; see --help", value);
        cpu_limit(mask);
        return 1;
    case ARG_FORMAT:
    case ARG_EMBEDDING:
        if (!format_find(value))
            return args_complain(a->command, -1, "%s '%s': unknown format", option == ARG_FORMAT ? "--format" : "--embedding", value);
        *(option == ARG_FORMAT ? &a->load.format : &a->load.embedding) = value;
        return 1;
    default:
        return 0;
    }
}

int run_args_take(struct run_args *a, int option, const char *value)
{
    uint64_t v = 0;
    switch (option) {
    case 'm':
        a->model = value;
        return 1;
    case 't':
        if (!args_u64(a->command, "-t", value, 1, POOL_MAX_THREADS, &v))
            return -1;
        a->session.threads = a->load.threads = (unsigned)v;
        return 1;
    case ARG_CTX:
    case ARG_CHUNK:
        if (!args_u64(a->command, option == ARG_CTX ? "--ctx" : "--chunk", value, 1, option == ARG_CTX ? 1 << 24 : 4096, &v))
            return -1;
        *(option == ARG_CTX ? &a->session.n_ctx : &a->session.chunk) = (size_t)v;
        return 1;
    case ARG_SEED:
        if (!args_u64(a->command, "--seed", value, 0, UINT64_MAX, &v))
            return -1;
        a->seed = a->load.seed = v;
        return 1;
    default:
        return take_word(a, option, value);
    }
}

int args_status(int rc)
{
    return rc == -ENOMEM || rc == -EIO || rc == -ENOSPC ? EXIT_FAILURE : EXIT_BAD_INPUT;
}

int run_args_start(struct run_args *a, struct model **m, struct session **s)
{
    char err[MODEL_ERR_LEN];
    *m = NULL;
    *s = NULL;
    if (!a->model)
        return args_complain(a->command, EXIT_BAD_INPUT, "-m MODEL is missing; see --help");
    int rc = model_load(a->model, &a->load, m, err);
    if (rc != 0)
        return args_complain(a->command, args_status(rc), "%s", err);
    rc = session_new(*m, &a->session, s, err);
    if (rc == 0)
        return 0;
    model_free(*m);
    *m = NULL;
    return args_complain(a->command, args_status(rc), "%s", err);
}
