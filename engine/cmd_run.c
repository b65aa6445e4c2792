/* bitjoule run: text from a model, one prompt or a conversation. Generated text goes to stdout as whole UTF-8 characters as soon
 * as they are known; speed and everything else goes to stderr. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/args.h"
#include "engine/engine_cmds.h"
#include "engine/now.h"
#include "engine/op_profile.h"
#include "engine/run_meter.h"
#include "engine/sampler.h"
#include "engine/tokenizer.h"

static const char usage[] = "usage: bitjoule run -m MODEL.gguf -p TEXT [options]\n"
                            "       bitjoule run -m MODEL.gguf --chat [-p SYSTEM] [options]\n"
                            "  -p, --prompt TEXT   text to go on from; with --chat: the system message\n"
                            "  -n, --predict N     tokens to generate at most (default 128; --chat: 512 per reply)\n"
                            "  --chat              hold a conversation: one line of standard input per turn, until its end\n"
                            "  --special           read control tokens such as <|eot_id|> in the prompt\n"
                            "  --no-bos            do not begin with the BOS token\n"
                            "  --temp X            temperature, 0: greedy (default 0.8)\n"
                            "  --top-k N           default 40, 0: off    --top-p X   default 0.95    --min-p X   default 0.05\n"
                            "  --repeat-penalty X  default 1: off\n"
                            "  --profile           at the end, where the time of the generated tokens went\n"
                            "  --counters NAME     at the end, hardware counters of prompt and generation: perf, papi, likwid\n"
                            "  --counter-group L   what they count; bitjoule energy --list-counters shows all\n"
                            "  -q, --quiet         no speed line at the end\n";

const struct run_meter *run_meter;

struct options {
    struct run_args run;
    struct sampler_options sampling;
    const char *prompt, *counters, *counter_group;
    uint64_t n_predict;
    bool chat, special, no_bos, quiet, profile;
};

struct talk {
    const struct options *o;
    struct model *m;
    struct session *s;
    struct tokenizer *t;
    struct sampler *sampler;
    void *meter;                /* run_meter's; NULL: not asked for */
    struct op_profile *profile; /* of the passes of generated tokens; NULL: not asked for */
    float *logits;
    struct token_list pending;      /* tokens of the last reply that the context does not hold yet */
    size_t n_prompt, n_gen, n_eval; /* tokens so far; n_eval: those of n_gen that were run to get the next one */
    double prompt_s, gen_s;
};

enum {
    OPT_CHAT = ARG_OWN,
    OPT_SPECIAL,
    OPT_NO_BOS,
    OPT_TEMP,
    OPT_TOP_K,
    OPT_TOP_P,
    OPT_MIN_P,
    OPT_PENALTY,
    OPT_PROFILE,
    OPT_COUNTERS,
    OPT_GROUP
};

/* A sampling option: 1 taken, 0 not one, -1 bad value. */
static int take_sampling(struct options *o, int option, const char *value)
{
    double x = 0;
    uint64_t k = 0;
    switch (option) {
    case OPT_TEMP:
        if (!args_real("run", "--temp", value, 0, 100, &x))
            return -1;
        o->sampling.temperature = (float)x;
        return 1;
    case OPT_TOP_P:
    case OPT_MIN_P:
        if (!args_real("run", option == OPT_TOP_P ? "--top-p" : "--min-p", value, 0, 1, &x))
            return -1;
        *(option == OPT_TOP_P ? &o->sampling.top_p : &o->sampling.min_p) = (float)x;
        return 1;
    case OPT_PENALTY:
        if (!args_real("run", "--repeat-penalty", value, 0.01, 100, &x))
            return -1;
        o->sampling.repeat_penalty = (float)x;
        return 1;
    case OPT_TOP_K:
        if (!args_u64("run", "--top-k", value, 0, 1 << 24, &k))
            return -1;
        o->sampling.top_k = (unsigned)k;
        return 1;
    default: return 0;
    }
}

/* 0, -1 after --help, or the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {RUN_LONG_OPTIONS,
                                          {"prompt", required_argument, NULL, 'p'},
                                          {"predict", required_argument, NULL, 'n'},
                                          {"chat", no_argument, NULL, OPT_CHAT},
                                          {"special", no_argument, NULL, OPT_SPECIAL},
                                          {"no-bos", no_argument, NULL, OPT_NO_BOS},
                                          {"temp", required_argument, NULL, OPT_TEMP},
                                          {"top-k", required_argument, NULL, OPT_TOP_K},
                                          {"top-p", required_argument, NULL, OPT_TOP_P},
                                          {"min-p", required_argument, NULL, OPT_MIN_P},
                                          {"repeat-penalty", required_argument, NULL, OPT_PENALTY},
                                          {"profile", no_argument, NULL, OPT_PROFILE},
                                          {"counters", required_argument, NULL, OPT_COUNTERS},
                                          {"counter-group", required_argument, NULL, OPT_GROUP},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {NULL, 0, NULL, 0}};
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, RUN_SHORT_OPTIONS "p:n:q", longs, NULL)) != -1;) {
        switch (c) {
        case 'p': o->prompt = optarg; break;
        case 'n':
            if (!args_u64("run", "-n", optarg, 1, 1 << 24, &o->n_predict))
                return EXIT_BAD_INPUT;
            break;
        case OPT_CHAT: o->chat = true; break;
        case OPT_SPECIAL: o->special = true; break;
        case OPT_NO_BOS: o->no_bos = true; break;
        case OPT_PROFILE: o->profile = true; break;
        case OPT_COUNTERS: o->counters = optarg; break;
        case OPT_GROUP: o->counter_group = optarg; break;
        case 'q': o->quiet = true; break;
        case 'h': fputs(usage, stdout), run_args_print_help(); return -1;
        default: {
            const int taken = take_sampling(o, c, optarg);
            if (taken < 0 || (taken == 0 && run_args_take(&o->run, c, optarg) != 1))
                return EXIT_BAD_INPUT;
        }
        }
    }
    if (optind < argc)
        return args_complain("run", EXIT_BAD_INPUT, "unexpected argument '%s'; see --help", argv[optind]);
    if ((o->counters || o->counter_group) && !run_meter)
        return args_complain("run", EXIT_BAD_INPUT, "--counters: this program was built without counters");
    if (!o->prompt && !o->chat)
        return args_complain("run", EXIT_BAD_INPUT, "-p TEXT is missing; see --help");
    o->sampling.seed = o->run.seed;
    return 0;
}

static void print_piece(struct utf8_stream *stream, struct gguf_str piece)
{
    char text[3 * 200 + 8] = "";
    while (piece.len > 0) {
        const struct gguf_str part = {piece.ptr, piece.len < 200 ? piece.len : 200};
        fwrite(text, 1, utf8_stream_push(stream, part, text, sizeof text), stdout);
        piece.ptr += part.len;
        piece.len -= part.len;
    }
    fflush(stdout);
}

/* Generates until a stop token, the limit or a full context. What the context still lacks of the reply - the last token, and the end of
 * the turn - goes to k->pending, which the next turn begins with. 0 or the exit status. */
static int generate(struct talk *k)
{
    struct utf8_stream stream = {.n_held = 0};
    char text[16] = "";
    int rc = 0;
    for (uint64_t i = 0; i < k->o->n_predict && rc == 0; i++) {
        const int32_t id = sampler_pick(k->sampler, k->logits);
        if (id < 0)
            return args_complain("run", EXIT_BAD_INPUT, "%s: the logits are not numbers: its weights are broken", k->o->run.model);
        sampler_accept(k->sampler, id);
        if (tokenizer_is_stop(k->t, id))
            break;
        print_piece(&stream, tokenizer_piece(k->t, id, false));
        k->n_gen++;
        if (i + 1 == k->o->n_predict) {
            rc = token_list_push(&k->pending, id);
        } else if (session_eval(k->s, &id, 1, false, k->logits) != 0) {
            args_complain("run", 0, "stopped: the context of %zu tokens is full", session_pos(k->s));
            break;
        } else {
            k->n_eval++;
        }
    }
    fwrite(text, 1, utf8_stream_end(&stream, text, sizeof text), stdout);
    putchar('\n');
    fflush(stdout);
    if (rc == 0 && tokenizer_end_of_turn(k->t) >= 0)
        rc = token_list_push(&k->pending, tokenizer_end_of_turn(k->t));
    return rc ? args_complain("run", EXIT_FAILURE, "out of memory") : 0;
}

/* Runs the ids of a prompt or turn, then generates. 0 or the exit status. */
static int answer(struct talk *k, const struct token_list *ids)
{
    for (size_t i = 0; i < ids->n; i++)
        sampler_accept(k->sampler, ids->v[i]);
    if (k->meter)
        run_meter->start(k->meter);
    const double start = now_s();
    if (session_eval(k->s, ids->v, ids->n, false, k->logits) != 0)
        return args_complain("run", EXIT_BAD_INPUT, "the context is full: %zu tokens and %zu more do not fit; raise --ctx",
                             session_pos(k->s), ids->n);
    k->prompt_s += now_s() - start;
    if (k->meter) {
        run_meter->stop(k->meter, RUN_PROMPT);
        run_meter->start(k->meter);
    }
    const double gen_start = now_s();
    k->n_prompt += ids->n;
    k->pending.n = 0;
    session_profile(k->s, k->profile);
    const int status = generate(k);
    session_profile(k->s, NULL);
    k->gen_s += now_s() - gen_start;
    if (k->meter)
        run_meter->stop(k->meter, RUN_GENERATION);
    return status;
}

static int complete(struct talk *k)
{
    struct token_list ids = {0};
    const int32_t bos = tokenizer_bos(k->t);
    int rc = 0, status;
    if (!k->o->no_bos && tokenizer_add_bos(k->t) && bos >= 0)
        rc = token_list_push(&ids, bos);
    if (rc == 0)
        rc = tokenizer_encode(k->t, k->o->prompt, strlen(k->o->prompt), k->o->special, &ids);
    if (rc != 0)
        status = args_complain("run", args_status(rc), "cannot tokenize the prompt: %s", strerror(-rc));
    else if (ids.n == 0)
        status = args_complain("run", EXIT_BAD_INPUT, "the prompt is empty and the model has no BOS token");
    else
        status = answer(k, &ids);
    free(ids.v);
    return status;
}

/* One turn of the user and the reply; `first`: the conversation begins, with the system message if there is one. */
static int turn(struct talk *k, const char *text, bool first)
{
    struct token_list ids = {0};
    const bool system = first && k->o->prompt;
    int rc = 0;
    for (size_t i = 0; i < k->pending.n && rc == 0; i++)
        rc = token_list_push(&ids, k->pending.v[i]);
    if (rc == 0 && system)
        rc = tokenizer_chat_turn(k->t, "system", k->o->prompt, true, false, &ids);
    rc = rc ? rc : tokenizer_chat_turn(k->t, "user", text, first && !system, true, &ids);
    const int status = rc ? args_complain("run", args_status(rc), "cannot tokenize the turn: %s", strerror(-rc)) : answer(k, &ids);
    free(ids.v);
    return status;
}

static int converse(struct talk *k)
{
    char *line = NULL;
    size_t cap = 0;
    int status = 0;
    bool first = true;
    for (;;) {
        if (isatty(STDIN_FILENO))
            fputs("> ", stderr);
        ssize_t n = getline(&line, &cap, stdin);
        if (n < 0)
            break;
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            line[--n] = '\0';
        if (n == 0)
            continue;
        status = turn(k, line, first);
        if (status != 0)
            break;
        first = false;
    }
    free(line);
    return status;
}

static void print_speed(const struct talk *k)
{
    if (k->o->quiet || k->n_prompt == 0)
        return;
    const struct kernel *many = k->m->layers[0].q.kern, *one = kernel_used(many, 1);
    fprintf(stderr,
            "prompt: %zu tokens, %.1f tokens/s; generated: %zu tokens, %.1f tokens/s over %zu passes; %u threads on CPU %s, "
            "%s (%s%s%s), loaded in %.2f s (%.2f reading, %.2f repacking)\n",
            k->n_prompt, (double)k->n_prompt / k->prompt_s, k->n_gen, (double)k->n_eval / k->gen_s, k->n_eval,
            session_threads(k->s), session_cpus(k->s)[0] ? session_cpus(k->s) : "any", k->m->format->name, many->isa,
            one != many ? ", one token " : "", one != many ? one->isa : "", k->m->load_s, k->m->read_s, k->m->repack_s);
}

static void print_profile(const struct talk *k)
{
    struct op_line lines[OP_KINDS + 1];
    if (!k->profile || k->n_eval == 0)
        return;
    fprintf(stderr, "where the time of the generated tokens went (other: sampling and printing):\n");
    op_lines_print(stderr, lines, op_profile_lines(k->profile, k->gen_s, (double)k->n_eval, lines));
}

static int start_talk(struct talk *k)
{
    char err[GGUF_ERR_LEN];
    if (!k->m->gguf)
        return args_complain("run", EXIT_BAD_INPUT, "a synthetic model has no vocabulary; give a .gguf file");
    const int rc = tokenizer_new(k->m->gguf, &k->t, err);
    if (rc != 0)
        return args_complain("run", args_status(rc), "%s", err);
    if (tokenizer_vocab_size(k->t) > k->m->hp.n_vocab)
        return args_complain("run", EXIT_BAD_INPUT, "%s: the tokenizer has %zu tokens, the embedding %zu rows", k->o->run.model,
                             tokenizer_vocab_size(k->t), k->m->hp.n_vocab);
    k->sampler = sampler_new(&k->o->sampling, k->m->hp.n_vocab);
    k->logits = malloc(k->m->hp.n_vocab * sizeof *k->logits);
    if (k->o->profile && op_profile_new(session_threads(k->s), &k->profile) != 0)
        return args_complain("run", EXIT_FAILURE, "out of memory");
    return k->sampler && k->logits ? 0 : args_complain("run", EXIT_FAILURE, "out of memory");
}

int cmd_run(int argc, char **argv)
{
    struct options o = {.run.command = "run", .sampling = sampler_defaults};
    int status = parse_options(argc, argv, &o);
    if (status != 0)
        return status < 0 ? 0 : status;
    if (o.n_predict == 0)
        o.n_predict = o.chat ? 512 : 128;
    struct talk k = {.o = &o};
    if (o.counters || o.counter_group)
        status = run_meter->open(o.counters, o.counter_group, &k.meter);
    if (status == 0)
        status = run_args_start(&o.run, &k.m, &k.s);
    if (status == 0)
        status = start_talk(&k);
    if (status == 0)
        status = o.chat ? converse(&k) : complete(&k);
    if (status == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        status = args_complain("run", EXIT_FAILURE, "cannot write to standard output");
    if (status == 0) {
        print_speed(&k);
        print_profile(&k);
    }
    if (k.meter) {
        if (status == 0)
            run_meter->print(k.meter, stderr);
        run_meter->close(k.meter);
    }
    op_profile_free(k.profile);
    free(k.pending.v);
    free(k.logits);
    sampler_free(k.sampler);
    tokenizer_free(k.t);
    session_free(k.s);
    model_free(k.m);
    return status;
}
