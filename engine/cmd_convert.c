/* bitjoule synth and bitjoule convert: write a GGUF file, from a named shape and a seed, or from another file in another format.
 * Both list the tensors as loading does and stream them to the file; neither holds the model in memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/args.h"
#include "engine/engine_cmds.h"
#include "engine/model_build.h"
#include "engine/model_meta.h"

static const char synth_usage[] =
    "usage: bitjoule synth SHAPE -o FILE.gguf [-f FORMAT] [--embedding FORMAT] [--seed N] [-t N]\n"
    "  SHAPE               a name from configs/models (125m, 700m, 2b4t, ...) or the path of such a file\n"
    "  -f, --format NAME   of the linear layers (default i2_s)\n"
    "  --embedding NAME    of embedding and lm_head (default: the one that goes with the format)\n"
    "  --seed N            of the random weights (default 0)\n";
static const char convert_usage[] =
    "usage: bitjoule convert IN.gguf -o OUT.gguf [-f FORMAT] [--embedding FORMAT] [-t N]\n"
    "  -f, --format NAME   of the linear layers (default: as they are)\n"
    "  --embedding NAME    of embedding and lm_head (default: as they are)\n"
    "  Ternary formats take only tensors whose weights are all -s, 0 or +s.\n";

struct options {
    const char *command, *input, *output;
    struct model_options load;
};

/* A format that is a layout of memory has the type of another, whose files it is loaded from. Unknown names are found later. */
static int check_writable(const struct options *o)
{
    const char *const names[] = {o->load.format, o->load.embedding};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct format *fmt = names[i] ? format_find(names[i]) : NULL, *file = fmt ? format_of_type(fmt->gguf_type) : NULL;
        if (file != fmt)
            return args_complain(o->command, EXIT_BAD_INPUT,
                                 "%s %s: a layout of memory, not of files; write %s and run that with --format %s",
                                 i ? "--embedding" : "-f", names[i], file->name, names[i]);
    }
    return 0;
}

static int parse_options(int argc, char **argv, const char *usage, struct options *o)
{
    static const struct option longs[] = {{"output", required_argument, NULL, 'o'},
                                          {"format", required_argument, NULL, 'f'},
                                          {"embedding", required_argument, NULL, ARG_EMBEDDING},
                                          {"seed", required_argument, NULL, ARG_SEED},
                                          {"threads", required_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    uint64_t v;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "o:f:t:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'o': o->output = optarg; break;
        case 'f': o->load.format = optarg; break;
        case ARG_EMBEDDING: o->load.embedding = optarg; break;
        case ARG_SEED:
            if (strcmp(o->command, "synth") != 0)
                return args_complain(o->command, EXIT_BAD_INPUT, "--seed: a file has its weights already");
            if (!args_u64(o->command, "--seed", optarg, 0, UINT64_MAX, &o->load.seed))
                return EXIT_BAD_INPUT;
            break;
        case 't':
            if (!args_u64(o->command, "-t", optarg, 1, 1024, &v))
                return EXIT_BAD_INPUT;
            o->load.threads = (unsigned)v;
            break;
        case 'h': fputs(usage, stdout); return -1;
        default: return EXIT_BAD_INPUT;
        }
    }
    if (optind + 1 != argc)
        return args_complain(o->command, EXIT_BAD_INPUT, "expected exactly one input, found %d; see --help", argc - optind);
    o->input = argv[optind];
    return o->output ? check_writable(o) : args_complain(o->command, EXIT_BAD_INPUT, "-o FILE.gguf is missing; see --help");
}

static int write_all(struct build *bld, struct gguf_writer *w, unsigned threads)
{
    struct model *m = bld->m;
    int rc = m->gguf ? meta_put_copy(w, m->gguf, m->format) : meta_put_synth(w, m);
    rc = rc ? rc : build_declare(bld, w);
    rc = rc ? rc : build_write_data(bld, w, threads);
    if (rc == -ENOMEM && !bld->err[0]) /* not a failure of the writer: it must not publish what there is */
        snprintf(bld->err, MODEL_ERR_LEN, "%s: out of memory", m->name);
    return rc;
}

static int write_model(const struct options *o, const char *spec)
{
    char err[MODEL_ERR_LEN] = "", close_err[MODEL_ERR_LEN] = "";
    struct model *m = calloc(1, sizeof *m);
    struct build bld = {.m = m, .err = err};
    int status = 0, rc = m ? build_list(&bld, spec, &o->load) : -ENOMEM;
    struct gguf_writer *w = rc == 0 ? gguf_writer_open(o->output, err) : NULL;
    if (w) {
        rc = write_all(&bld, w, o->load.threads);
        if (rc != 0 && err[0])
            gguf_writer_abort(w);
        else
            rc = gguf_writer_close(w, close_err);
    }
    if (rc != 0 || !w)
        status = args_complain(o->command, w && !err[0] ? EXIT_FAILURE : EXIT_BAD_INPUT, "%s",
                               err[0]         ? err
                               : close_err[0] ? close_err
                                              : strerror(-rc));
    else
        fprintf(stderr, "%s: %zu tensors, linear layers %s, embedding %s\n", o->output, bld.n_tensors + bld.n_vectors, m->format->name,
                m->embd_format->name);
    build_done(&bld);
    model_free(m);
    return status;
}

int cmd_synth(int argc, char **argv)
{
    struct options o = {.command = "synth"};
    char spec[256];
    int status = parse_options(argc, argv, synth_usage, &o);
    if (status != 0)
        return status < 0 ? 0 : status;
    snprintf(spec, sizeof spec, "synth:%s", o.input);
    return write_model(&o, spec);
}

int cmd_convert(int argc, char **argv)
{
    struct options o = {.command = "convert"};
    const int status = parse_options(argc, argv, convert_usage, &o);
    if (status != 0)
        return status < 0 ? 0 : status;
    return write_model(&o, o.input);
}
