/* bitjoule tokenize: text -> token ids as a JSON array, and back.
 *
 * Ids go to stdout, one array per text, so that other programs can read them; decoded text goes out byte for byte, without a line
 * break of its own. --json-lines takes many texts in one go, one JSON string per line. Bad input ends with status 2, memory or
 * output trouble with 1. Only the vocabulary of the file is read, no weights. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/args.h"
#include "engine/engine_cmds.h"
#include "engine/tokenizer.h"

static const char usage[] =
    "usage: bitjoule tokenize -m MODEL.gguf [-p TEXT | -f FILE | --json-lines FILE] [--special] [--bos]\n"
    "       bitjoule tokenize -m MODEL.gguf --decode [IDS | -p IDS | -f FILE] [--special]\n"
    "  -p TEXT             text from the command line\n"
    "  -f FILE             text from a file; '-' is standard input, which is also read when no text is given\n"
    "  --json-lines FILE   one JSON string per line; prints one array per line\n"
    "  --decode [IDS]      the way back: '1,2,3' or '[1, 2, 3]', here or from -p or -f\n"
    "  --special           read control tokens such as <|eot_id|> in the text; with --decode, show them\n"
    "  --bos               begin with the BOS token\n";

struct options {
    const char *model, *text, *file, *lines;
    bool decode, special, bos;
};

#define complain(status, ...) args_complain("tokenize", status, __VA_ARGS__)

/* 0, or the exit status + 1. */
static int parse_options(int argc, char **argv, struct options *o)
{
    enum { OPT_DECODE = 256, OPT_SPECIAL, OPT_BOS, OPT_LINES };
    static const struct option longs[] = {{"model", required_argument, NULL, 'm'},
                                          {"prompt", required_argument, NULL, 'p'},
                                          {"file", required_argument, NULL, 'f'},
                                          {"decode", no_argument, NULL, OPT_DECODE},
                                          {"special", no_argument, NULL, OPT_SPECIAL},
                                          {"bos", no_argument, NULL, OPT_BOS},
                                          {"json-lines", required_argument, NULL, OPT_LINES},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "m:p:f:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'm': o->model = optarg; break;
        case 'p': o->text = optarg; break;
        case 'f': o->file = optarg; break;
        case OPT_DECODE: o->decode = true; break;
        case OPT_SPECIAL: o->special = true; break;
        case OPT_BOS: o->bos = true; break;
        case OPT_LINES: o->lines = optarg; break;
        case 'h': fputs(usage, stdout); return 1;
        default: return EXIT_BAD_INPUT + 1; /* getopt_long has printed the line */
        }
    }
    if (o->decode && optind == argc - 1 && !o->text)
        o->text = argv[optind++];
    if (optind < argc) {
        complain(EXIT_BAD_INPUT, "unexpected argument '%s'; see --help", argv[optind]);
        return EXIT_BAD_INPUT + 1;
    }
    if (!o->model) {
        complain(EXIT_BAD_INPUT, "-m MODEL.gguf is missing; see --help");
        return EXIT_BAD_INPUT + 1;
    }
    if (!!o->text + !!o->file + !!o->lines > 1 || (o->lines && o->decode)) {
        complain(EXIT_BAD_INPUT, "only one of -p, -f, --json-lines and the ids of --decode can be used");
        return EXIT_BAD_INPUT + 1;
    }
    if (o->decode && o->bos) {
        complain(EXIT_BAD_INPUT, "--bos makes no sense with --decode");
        return EXIT_BAD_INPUT + 1;
    }
    return 0;
}

/* Reads all of a file, or standard input for "-". *text is to be freed. 0 or the exit status. */
static int read_all(const char *path, char **text, size_t *len)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!f)
        return complain(EXIT_BAD_INPUT, "%s: %s", path, strerror(errno));
    char *buf = NULL;
    size_t n = 0, cap = 0, got;
    do {
        if (n == cap) {
            cap = cap ? 2 * cap : 65536;
            char *bigger = realloc(buf, cap);
            if (!bigger)
                break;
            buf = bigger;
        }
        got = fread(buf + n, 1, cap - n, f);
        n += got;
    } while (got > 0);
    int status = 0;
    if (ferror(f))
        status = complain(EXIT_BAD_INPUT, "%s: %s", path, strerror(errno));
    else if (!feof(f))
        status = complain(EXIT_FAILURE, "%s: out of memory after %zu bytes", path, n);
    if (f != stdin)
        fclose(f);
    if (status)
        free(buf);
    *text = status ? NULL : buf;
    *len = n;
    return status;
}

static int encode_and_print(const struct tokenizer *t, const struct options *o, const char *text, size_t len)
{
    struct token_list ids = {0};
    int rc = 0;
    if (o->bos)
        rc = token_list_push(&ids, tokenizer_bos(t));
    if (rc == 0)
        rc = tokenizer_encode(t, text, len, o->special, &ids);
    if (rc == 0) {
        putchar('[');
        for (size_t i = 0; i < ids.n; i++)
            printf("%s%d", i ? ", " : "", ids.v[i]);
        puts("]");
    }
    free(ids.v);
    if (rc == -E2BIG)
        return complain(EXIT_BAD_INPUT, "the text has a word too long to tokenize");
    return rc ? complain(EXIT_FAILURE, "cannot tokenize: %s", strerror(-rc)) : 0;
}

static int encode_lines(const struct tokenizer *t, const struct options *o)
{
    FILE *f = strcmp(o->lines, "-") == 0 ? stdin : fopen(o->lines, "rb");
    if (!f)
        return complain(EXIT_BAD_INPUT, "%s: %s", o->lines, strerror(errno));
    char *line = NULL;
    size_t cap = 0, number = 0;
    int status = 0;
    for (ssize_t n; status == 0 && (n = getline(&line, &cap, f)) >= 0;) {
        json_error_t why;
        number++;
        json_t *s = json_loadb(line, (size_t)n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
        if (json_is_string(s))
            status = encode_and_print(t, o, json_string_value(s), json_string_length(s));
        else
            status = complain(EXIT_BAD_INPUT, "%s:%zu: not a JSON string%s%s", o->lines, number, s ? "" : ": ", s ? "" : why.text);
        json_decref(s);
    }
    if (status == 0 && ferror(f))
        status = complain(EXIT_BAD_INPUT, "%s: %s", o->lines, strerror(errno));
    free(line);
    if (f != stdin)
        fclose(f);
    return status;
}

/* "1,2,3" or "[1, 2, 3]", with white space wherever it likes. */
static int parse_ids(const struct tokenizer *t, const char *text, size_t len, struct token_list *ids)
{
    const size_t bracket = !memchr(text, '[', len);
    char *json = malloc(len + 2);
    if (!json)
        return complain(EXIT_FAILURE, "out of memory");
    json[0] = '[';
    memcpy(json + bracket, text, len);
    json[bracket + len] = ']';
    json_error_t why;
    json_t *a = json_loadb(json, len + 2 * bracket, 0, &why);
    free(json);
    int status = json_is_array(a) ? 0 : complain(EXIT_BAD_INPUT, "--decode: expected ids as 1,2,3 or [1, 2, 3]: %s", why.text);
    for (size_t i = 0; status == 0 && i < json_array_size(a); i++) {
        const json_t *v = json_array_get(a, i);
        const json_int_t id = json_is_integer(v) ? json_integer_value(v) : -1;
        if (id < 0 || (size_t)id >= tokenizer_vocab_size(t))
            status = complain(EXIT_BAD_INPUT, "--decode: number %zu is not an id of this vocabulary (0 to %zu)", i + 1,
                              tokenizer_vocab_size(t) - 1);
        else if (token_list_push(ids, (int32_t)id))
            status = complain(EXIT_FAILURE, "out of memory");
    }
    json_decref(a);
    return status;
}

static int decode_and_print(const struct tokenizer *t, const struct options *o, const char *text, size_t len)
{
    struct token_list ids = {0};
    int status = parse_ids(t, text, len, &ids);
    char *out;
    size_t out_len;
    if (status == 0 && tokenizer_decode(t, ids.v, ids.n, o->special, &out, &out_len)) {
        status = complain(EXIT_FAILURE, "out of memory");
    } else if (status == 0) {
        fwrite(out, 1, out_len, stdout);
        free(out);
    }
    free(ids.v);
    return status;
}

static int run(const struct tokenizer *t, const struct options *o)
{
    if (o->bos && tokenizer_bos(t) < 0)
        return complain(EXIT_BAD_INPUT, "%s has no BOS token; leave --bos out", o->model);
    if (o->lines)
        return encode_lines(t, o);
    char *read = NULL;
    size_t len = o->text ? strlen(o->text) : 0;
    int status = o->text ? 0 : read_all(o->file ? o->file : "-", &read, &len);
    const char *text = o->text ? o->text : read;
    if (status == 0)
        status = o->decode ? decode_and_print(t, o, text, len) : encode_and_print(t, o, text, len);
    free(read);
    return status;
}

int cmd_tokenize(int argc, char **argv)
{
    struct options o = {0};
    char err[GGUF_ERR_LEN];
    struct gguf *g;
    struct tokenizer *t;
    int rc = parse_options(argc, argv, &o);
    if (rc)
        return rc - 1;
    if (strncmp(o.model, "synth:", 6) == 0)
        return complain(EXIT_BAD_INPUT, "%s: a synthetic model has no vocabulary; give a .gguf file", o.model);
    rc = gguf_open(o.model, &g, err);
    if (rc)
        return complain(args_status(rc), "%s", err);
    rc = tokenizer_new(g, &t, err);
    gguf_close(g);
    if (rc)
        return complain(args_status(rc), "%s", err);
    int status = run(t, &o);
    tokenizer_free(t);
    if (fflush(stdout) || ferror(stdout))
        status = complain(EXIT_FAILURE, "standard output: %s", strerror(errno));
    return status;
}
