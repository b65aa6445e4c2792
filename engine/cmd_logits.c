/* bitjoule logits: raw logits of a token sequence as little-endian float32, for comparing engines, formats and machines bit by bit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/args.h"
#include "engine/engine_cmds.h"
#include "engine/tokenizer.h"

static const char usage[] =
    "usage: bitjoule logits -m MODEL --tokens ID,ID,... -o FILE.f32 [options]\n"
    "  --tokens LIST       token ids, BOS included\n"
    "  -o, --output FILE   float32, little-endian: [vocabulary] of the last position; '-' is standard output\n"
    "  --all               every position: [tokens, vocabulary]\n";

struct options {
    struct run_args run;
    const char *tokens, *output;
    bool all;
};

static int parse_options(int argc, char **argv, struct options *o)
{
    enum { OPT_TOKENS = ARG_OWN, OPT_ALL };
    static const struct option longs[] = {RUN_LONG_OPTIONS,
                                          {"tokens", required_argument, NULL, OPT_TOKENS},
                                          {"output", required_argument, NULL, 'o'},
                                          {"all", no_argument, NULL, OPT_ALL},
                                          {NULL, 0, NULL, 0}};
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, RUN_SHORT_OPTIONS "o:", longs, NULL)) != -1;) {
        switch (c) {
        case OPT_TOKENS: o->tokens = optarg; break;
        case 'o': o->output = optarg; break;
        case OPT_ALL: o->all = true; break;
        case 'h': fputs(usage, stdout), run_args_print_help(); return -1;
        default:
            if (run_args_take(&o->run, c, optarg) != 1)
                return EXIT_BAD_INPUT;
        }
    }
    if (optind == argc && o->tokens && o->output)
        return 0;
    if (optind < argc)
        args_complain("logits", 0, "unexpected argument '%s'; see --help", argv[optind]);
    else
        args_complain("logits", 0, "%s is missing; see --help", o->tokens ? "-o FILE" : "--tokens LIST");
    return EXIT_BAD_INPUT;
}

/* "1,2,3" -> ids */
static int parse_tokens(const char *text, struct token_list *ids)
{
    for (const char *p = text;;) {
        char *end;
        const long v = strtol(p, &end, 10);
        if (end == p || v < 0 || v > INT32_MAX || (*end != ',' && *end != '\0'))
            return args_complain("logits", EXIT_BAD_INPUT, "--tokens '%.40s': expected ids separated by commas", text);
        if (token_list_push(ids, (int32_t)v) != 0)
            return args_complain("logits", EXIT_FAILURE, "out of memory");
        if (*end == '\0')
            return 0;
        p = end + 1;
    }
}

static int write_floats(const char *path, const float *v, size_t n)
{
    FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
    if (!f)
        return args_complain("logits", EXIT_BAD_INPUT, "cannot write %s", path);
    bool ok = fwrite(v, sizeof *v, n, f) == n && fflush(f) == 0;
    if (f != stdout)
        ok = fclose(f) == 0 && ok;
    return ok ? 0 : args_complain("logits", EXIT_FAILURE, "cannot write %zu bytes to %s", n * sizeof *v, path);
}

static int run(struct options *o, const struct token_list *ids)
{
    struct model *m;
    struct session *s;
    if (!o->run.session.n_ctx)
        o->run.session.n_ctx = ids->n;
    int status = run_args_start(&o->run, &m, &s);
    if (status != 0)
        return status;
    const size_t n = m->hp.n_vocab * (o->all ? ids->n : 1);
    float *logits = malloc(n * sizeof *logits);
    if (!logits) {
        status = args_complain("logits", EXIT_FAILURE, "out of memory for %zu logits", n);
    } else if (session_eval(s, ids->v, ids->n, o->all, logits) != 0) {
        status = args_complain("logits", EXIT_BAD_INPUT, "--tokens: an id outside 0..%zu, or more than --ctx %zu of them",
                               m->hp.n_vocab - 1, o->run.session.n_ctx);
    } else {
        status = write_floats(o->output, logits, n);
    }
    free(logits);
    session_free(s);
    model_free(m);
    return status;
}

int cmd_logits(int argc, char **argv)
{
    struct options o = {.run.command = "logits"};
    struct token_list ids = {0};
    int status = parse_options(argc, argv, &o);
    if (status == 0)
        status = parse_tokens(o.tokens, &ids);
    if (status == 0)
        status = run(&o, &ids);
    free(ids.v);
    return status < 0 ? 0 : status;
}
