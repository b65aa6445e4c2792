/* bitjoule perplexity: how well a model predicts a text; the method is that of engine/perplexity.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/args.h"
#include "engine/engine_cmds.h"
#include "engine/perplexity.h"

enum { DEFAULT_WINDOW = 128 };

static const char usage[] = "usage: bitjoule perplexity -m MODEL -f FILE [options]\n"
                            "  -f, --file FILE     text to predict\n"
                            "  --tokens N          use its first N tokens (default: all)\n"
                            "  --ctx N             tokens per window: each starts at position 0 after BOS (default 128)\n";

struct options {
    struct run_args run;
    const char *file;
    struct perplexity_options perplexity;
};

static int parse_options(int argc, char **argv, struct options *o)
{
    enum { OPT_TOKENS = ARG_OWN };
    static const struct option longs[] = {RUN_LONG_OPTIONS,
                                          {"file", required_argument, NULL, 'f'},
                                          {"tokens", required_argument, NULL, OPT_TOKENS},
                                          {NULL, 0, NULL, 0}};
    uint64_t v = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, RUN_SHORT_OPTIONS "f:", longs, NULL)) != -1;) {
        switch (c) {
        case 'f': o->file = optarg; break;
        case 'h': fputs(usage, stdout), run_args_print_help(); return -1;
        case OPT_TOKENS:
            if (!args_u64("perplexity", "--tokens", optarg, 2, UINT32_MAX, &v))
                return EXIT_BAD_INPUT;
            o->perplexity.max_tokens = (size_t)v;
            break;
        default:
            if (run_args_take(&o->run, c, optarg) != 1)
                return EXIT_BAD_INPUT;
        }
    }
    if (optind < argc)
        return args_complain("perplexity", EXIT_BAD_INPUT, "unexpected argument '%s'; see --help", argv[optind]);
    if (!o->file)
        return args_complain("perplexity", EXIT_BAD_INPUT, "-f FILE is missing; see --help");
    if (!o->run.session.n_ctx)
        o->run.session.n_ctx = DEFAULT_WINDOW;
    o->perplexity.window = o->run.session.n_ctx;
    return 0;
}

static void print_result(const struct perplexity_result *r, size_t window)
{
    printf("perplexity     %.4f", r->value);
    if (isnan(r->nll_se))
        printf("  (one window: no interval)\n");
    else
        printf("  [%.4f, %.4f] 95 %%, t interval of the nll of %zu windows\n", r->lo, r->hi, r->windows);
    printf("nll            %.6f nat/token", r->nll);
    if (!isnan(r->nll_se))
        printf(" +- %.6f standard error", r->nll_se);
    printf("\nbits per byte  %.4f\n", r->bits_per_byte);
    printf("scored         %zu tokens, %zu bytes, %zu windows of %zu\n", r->tokens, r->bytes, r->windows, window);
}

static int evaluate(const struct options *o, const struct model *m, struct session *s)
{
    char err[MODEL_ERR_LEN], *text = NULL;
    size_t len = 0;
    struct tokenizer *t = NULL;
    struct perplexity_result r;
    if (!m->gguf)
        return args_complain("perplexity", EXIT_BAD_INPUT, "-m %s: a synthetic model has no tokenizer", o->run.model);
    int rc = tokenizer_new(m->gguf, &t, err);
    if (!rc)
        rc = perplexity_read_text(o->file, &text, &len, err);
    if (!rc)
        rc = perplexity_run(m, s, t, text, len, &o->perplexity, &r, err);
    if (!rc) {
        print_result(&r, o->perplexity.window);
        perplexity_free(&r);
    }
    free(text);
    tokenizer_free(t);
    return rc ? args_complain("perplexity", args_status(rc), "%s", err) : 0;
}

int cmd_perplexity(int argc, char **argv)
{
    struct options o = {.run.command = "perplexity"};
    struct model *m;
    struct session *s;
    int status = parse_options(argc, argv, &o);
    if (status)
        return status < 0 ? 0 : status;
    status = run_args_start(&o.run, &m, &s);
    if (status)
        return status;
    status = evaluate(&o, m, s);
    session_free(s);
    model_free(m);
    return status;
}
