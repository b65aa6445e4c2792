/* `bitjoule lossless`: output tokens, logits and perplexity of every kernel and format against the reference (harness/lossless.h). */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "engine/args.h"
#include "harness/harness_cmds.h"
#include "harness/lossless.h"
#include "harness/plan.h"

static const char usage[] =
    "usage: bitjoule lossless -m MODEL.gguf -f FILE [options]\n"
    "\n"
    "Is the output of every ternary kernel that of the reference, token by token, and how far are other formats and other\n"
    "roundings of the activations from it? Prompts are cut from FILE; MODEL holds ternary weights in any format.\n"
    "  -m, --model MODEL       path of a .gguf file\n"
    "  -f, --file FILE         text for prompts and perplexity, one that the model has not seen\n"
    "  -p, --prompts N         how many (default 64)\n"
    "      --prompt-tokens N   tokens of a prompt, BOS apart (default 32)\n"
    "  -n, --tokens N          greedy output of each (default 100)\n"
    "      --ctx N             tokens of a window of the perplexity (default 128)\n"
    "      --windows N         windows; 0: no perplexity (default 32)\n"
    "  -t, --threads N         of all but the reference, which has one (default: all cores)\n"
    "      --best-isa          only the best instruction set of each format, the reference too: plain C takes long with large models\n"
    "      --json FILE         the results as JSON (harness/README.md)\n"
    "Exit status: 0 every ternary kernel gave the reference's output, 1 one did not, 2 bad input.\n";

struct lossless_args {
    struct lossless_options o;
    const char *json;
    char name[PLAN_NAME_LEN];
};

static int bad(const char *line)
{
    return args_complain("lossless", EXIT_BAD_INPUT, "%s", line);
}

static bool take_number(const char *flag, unsigned min, unsigned max, unsigned *out)
{
    uint64_t v;
    if (!args_u64("lossless", flag, optarg, min, max, &v))
        return false;
    *out = (unsigned)v;
    return true;
}

/* -1: go on; else the exit status. */
static int parse(int argc, char **argv, struct lossless_args *a)
{
    enum { OPT_PROMPT = 256, OPT_CTX, OPT_WINDOWS, OPT_BEST, OPT_JSON, MANY = 1 << 20 };
    static const struct option longs[] = {
        {"model", required_argument, NULL, 'm'},       {"file", required_argument, NULL, 'f'},    {"prompts", required_argument, NULL, 'p'},
        {"tokens", required_argument, NULL, 'n'},      {"threads", required_argument, NULL, 't'}, {"help", no_argument, NULL, 'h'},
        {"prompt-tokens", required_argument, NULL, OPT_PROMPT}, {"ctx", required_argument, NULL, OPT_CTX},
        {"windows", required_argument, NULL, OPT_WINDOWS}, {"best-isa", no_argument, NULL, OPT_BEST},
        {"json", required_argument, NULL, OPT_JSON},   {NULL, 0, NULL, 0}};
    struct lossless_options *o = &a->o;
    bool ok = true;
    optind = 0;
    for (int c; ok && (c = getopt_long(argc, argv, "m:f:p:n:t:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'm': o->model = optarg; break;
        case 'f': o->text = optarg; break;
        case 'p': ok = take_number("--prompts", 1, MANY, &o->prompts); break;
        case 'n': ok = take_number("--tokens", 1, MANY, &o->tokens); break;
        case 't': ok = take_number("--threads", 1, 1024, &o->threads); break;
        case OPT_PROMPT: ok = take_number("--prompt-tokens", 1, MANY, &o->prompt_tokens); break;
        case OPT_CTX: ok = take_number("--ctx", 2, MANY, &o->window); break;
        case OPT_WINDOWS: ok = take_number("--windows", 0, MANY, &o->windows); break;
        case OPT_BEST: o->best_isa = true; break;
        case OPT_JSON: a->json = optarg; break;
        case 'h': fputs(usage, stdout); return 0;
        default: return bad("see bitjoule lossless --help");
        }
    }
    if (!ok)
        return EXIT_BAD_INPUT;
    if (optind < argc)
        return args_complain("lossless", EXIT_BAD_INPUT, "unexpected argument '%s'; see --help", argv[optind]);
    if (!o->model || !o->text)
        return bad(o->model ? "-f FILE is missing; see --help" : "-m MODEL is missing; see --help");
    if (!strncmp(o->model, "synth:", 6))
        return args_complain("lossless", EXIT_BAD_INPUT, "-m %s: a synthetic model has no tokenizer", o->model);
    plan_model_name(o->model, a->name);
    o->name = a->name;
    return -1;
}

/* True when no ternary arm has another output. */
static bool all_identical(const json_t *result)
{
    size_t i;
    const json_t *arm;
    json_array_foreach(json_object_get(result, "arms"), i, arm)
    {
        const json_t *n = json_object_get(arm, "identical");
        if (json_is_true(json_object_get(arm, "ternary")) && n && !json_equal(n, json_object_get(arm, "prompts")))
            return false;
    }
    return true;
}

int cmd_lossless(int argc, char **argv)
{
    struct lossless_args a = {.json = NULL};
    char err[MODEL_ERR_LEN] = "";
    lossless_defaults(&a.o);
    a.o.progress = stderr;
    const int status = parse(argc, argv, &a);
    if (status >= 0)
        return status;
    json_t *result = lossless_run(&a.o, err);
    if (!result)
        return bad(err);
    lossless_print(stdout, result);
    int rc = all_identical(result) ? 0 : 1;
    if (a.json && json_dump_file(result, a.json, JSON_INDENT(1) | JSON_REAL_PRECISION(12)))
        rc = args_complain("lossless", 1, "--json %s: cannot be written", a.json);
    json_decref(result);
    return rc;
}
