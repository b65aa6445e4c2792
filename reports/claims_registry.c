/* Reads configs/claims/NAME.ini: [source] says where a file's figures were published, [table NAME] what the claims below it have in
 * common, [claim ID] one figure, [model NAME] the size of a model that claims speak of.
 *
 * inih hands over neither line numbers nor sections without keys, so lines go through a counter of our own, which also refuses
 * what inih's buffer would cut. The keys are listed in configs/README.md. */
#include "reports/claims.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/config_path.h"

enum key_type { KEY_TEXT, KEY_WORDS, KEY_VALUE, KEY_NUMBER, KEY_METRIC, KEY_KIND, KEY_ARCH, KEY_THREADS, KEY_TEST, KEY_FLAG };
enum { IN_SOURCE = 1, IN_TABLE = 2, IN_CLAIM = 4, IN_MODEL = 8, IN_BOTH = IN_TABLE | IN_CLAIM };

struct key {
    const char *name;
    enum key_type type;
    unsigned where; /* IN_ flags */
    size_t offset;  /* in the struct of that section */
};

#define AT(field) offsetof(struct claim, field)
static const struct key keys[] = {
    {"title", KEY_TEXT, IN_SOURCE, offsetof(struct claim_source, title)},
    {"ref", KEY_TEXT, IN_SOURCE, offsetof(struct claim_source, ref)},
    {"params", KEY_NUMBER, IN_MODEL, offsetof(struct claim_model, params)},
    {"linear_params", KEY_NUMBER, IN_MODEL, offsetof(struct claim_model, linear_params)},
    {"title", KEY_TEXT, IN_TABLE, AT(title)},
    {"says", KEY_TEXT, IN_BOTH, AT(says)},
    {"where", KEY_TEXT, IN_BOTH, AT(where)},
    {"row", KEY_TEXT, IN_BOTH, AT(row)},
    {"cpu", KEY_TEXT, IN_BOTH, AT(cpu)},
    {"method", KEY_TEXT, IN_BOTH, AT(method)},
    {"note", KEY_TEXT, IN_BOTH, AT(note)},
    {"arch", KEY_ARCH, IN_BOTH, AT(arch)},
    {"test", KEY_TEST, IN_BOTH, AT(test)},
    {"metric", KEY_METRIC, IN_BOTH, AT(metric)},
    {"kind", KEY_KIND, IN_BOTH, AT(kind)},
    {"threads", KEY_THREADS, IN_BOTH, AT(threads)},
    {"headline", KEY_FLAG, IN_BOTH, AT(headline)},
    {"models", KEY_WORDS, IN_BOTH, AT(models)},
    {"arms", KEY_WORDS, IN_BOTH, AT(arms)},
    {"base", KEY_WORDS, IN_BOTH, AT(base)},
    {"embedding", KEY_WORDS, IN_BOTH, AT(embedding)},
    {"value", KEY_VALUE, IN_BOTH, AT(value)},
    {"arm_value", KEY_VALUE, IN_BOTH, AT(arm_value)},
    {"base_value", KEY_VALUE, IN_BOTH, AT(base_value)},
    {"arm_speed", KEY_NUMBER, IN_BOTH, AT(arm_speed)},
    {"base_speed", KEY_NUMBER, IN_BOTH, AT(base_speed)},
    {"definition_bits", KEY_NUMBER, IN_BOTH, AT(definition_bits)},
    {"tokens", KEY_NUMBER, IN_BOTH, AT(tokens)},
    {"linear_params", KEY_NUMBER, IN_BOTH, AT(linear_params)},
    {"layers", KEY_NUMBER, IN_BOTH, AT(layers)},
    {"attention_width", KEY_NUMBER, IN_BOTH, AT(attention_width)},
    {"weight_pj", KEY_NUMBER, IN_BOTH, AT(weight_pj)},
    {"attention_pj", KEY_NUMBER, IN_BOTH, AT(attention_pj)},
};
enum { N_KEYS = sizeof(keys) / sizeof(keys[0]), MAX_SECTION = 64 };
_Static_assert(N_KEYS <= 64, "reader.given has one bit per key");

static const char *const metric_names[N_CLAIM_METRICS] = {
    [CLAIM_SPEEDUP] = "speedup",
    [CLAIM_TOKENS_PER_S] = "tokens_per_s",
    [CLAIM_LATENCY_MS] = "latency_ms",
    [CLAIM_LATENCY_RATIO] = "latency_ratio",
    [CLAIM_MEMORY_GB] = "memory_gb",
    [CLAIM_MEMORY_RATIO] = "memory_ratio",
    [CLAIM_BITS] = "bits_per_weight",
    [CLAIM_ENERGY_SAVING] = "energy_saving",
    [CLAIM_JOULES_PER_TOKEN] = "joules_per_token",
    [CLAIM_ENERGY_RATIO] = "energy_ratio",
    [CLAIM_ENERGY_MODEL] = "energy_model",
    [CLAIM_OPERATION_RATIO] = "operation_ratio",
    [CLAIM_LOSSLESS] = "lossless",
    [CLAIM_PERPLEXITY_RATIO] = "perplexity_ratio",
};
static const char *const kind_names[] = {
    [CLAIM_KIND_UNSET] = "", [CLAIM_MEASURED] = "measured", [CLAIM_ESTIMATED] = "estimated", [CLAIM_NOT_STATED] = "not stated"};

const char *claims_metric_name(enum claim_metric m)
{
    return metric_names[m];
}

const char *claims_kind_name(enum claim_kind k)
{
    return kind_names[k];
}

/* One file on its way in. */
struct reader {
    struct arena *a;
    struct claim_registry *reg;
    const char *path;
    FILE *f;
    unsigned line;
    bool continued; /* the line begins with a blank: more of the value before */
    char section[MAX_SECTION];
    unsigned where;      /* IN_ flag of the section; 0: none yet */
    uint64_t given;      /* bit i: keys[i] was there in this section */
    void *target;        /* struct of the section */
    struct claim *table; /* the last [table], or NULL */
    struct claim_source *source;
    int rc;
    char *err;
};

static int wrong(struct reader *r, unsigned line, const char *what)
{
    if (r->rc == 0) {
        r->rc = r->a->oom ? -ENOMEM : -EINVAL;
        snprintf(r->err, REPORT_ERR_LEN, "%.200s:%u: %.280s", r->path, line, r->a->oom ? "out of memory" : what);
    }
    return 0;
}

/* ---- values ------------------------------------------------------------------------------------------------------------------- */

static bool read_number(const char *text, char **end, double *out)
{
    errno = 0;
    *out = strtod(text, end);
    return *end != text && errno == 0 && isfinite(*out) && *out >= 0.0;
}

static int decimals_of(const char *from, const char *to)
{
    const char *dot = memchr(from, '.', (size_t)(to - from));
    return dot ? (int)(to - dot) - 1 : 0;
}

/* "5.68", or a range "2.37..6.17" */
static bool read_value(struct arena *a, const char *text, struct claim_number *out)
{
    const char *dots = strstr(text, "..");
    const char *first = dots ? arena_fmt(a, "%.*s", (int)(dots - text), text) : text, *second = dots ? dots + 2 : text;
    char *end1, *end2;
    if (!read_number(first, &end1, &out->lo) || *end1 || !read_number(second, &end2, &out->hi) || *end2 || out->hi < out->lo)
        return false;
    out->decimals = decimals_of(second, end2);
    out->as = dots ? arena_fmt(a, "%s to %s", first, second) : arena_fmt(a, "%s", text);
    return true;
}

static bool read_words(struct arena *a, const char *text, struct claim_words *out)
{
    for (const char *s = text; *s;) {
        s += strspn(s, " ,");
        const size_t n = strcspn(s, " ,");
        const char **list = n ? arena_grow(a, out->v, out->n, sizeof(*list)) : NULL;
        if (!list)
            break;
        out->v = list;
        out->v[out->n++] = arena_fmt(a, "%.*s", (int)n, s);
        s += n;
    }
    return out->n > 0;
}

static bool read_threads(const char *text, long long *out)
{
    char *end;
    *out = strcmp(text, "best") == 0 ? CLAIM_BEST : CLAIM_ANY;
    if (*out == CLAIM_BEST || strcmp(text, "not stated") == 0)
        return true;
    *out = strtoll(text, &end, 10);
    return *end == '\0' && *out >= 1 && *out <= 1024;
}

static bool read_test(const char *text)
{
    return (strncmp(text, "tg", 2) == 0 || strncmp(text, "pp", 2) == 0) && strspn(text + 2, "0123456789") == strlen(text + 2);
}

/* Index of text in a list of names, or n */
static size_t find_name(const char *const names[], size_t n, const char *text)
{
    size_t i = 0;
    while (i < n && strcmp(names[i], text) != 0)
        i++;
    return i;
}

/* NULL, or what would have been right. */
static const char *read_key(struct reader *r, const struct key *k, const char *text)
{
    static const char *const arches[] = {"x86_64", "aarch64", "any"};
    char *field = (char *)r->target + k->offset, *end;
    size_t i;
    switch (k->type) {
    case KEY_TEXT: {
        const char **s = (const char **)(void *)field;
        *s = r->continued && *s ? arena_fmt(r->a, "%s %s", *s, text) : arena_fmt(r->a, "%s", text);
        return NULL;
    }
    case KEY_WORDS: {
        struct claim_words *w = (struct claim_words *)(void *)field;
        if (!r->continued)
            *w = (struct claim_words){NULL, 0};
        return read_words(r->a, text, w) ? NULL : "a list of words";
    }
    case KEY_VALUE:
        return read_value(r->a, text, (struct claim_number *)(void *)field) ? NULL : "a number of 0 or more, or a range 1.2..3.4";
    case KEY_NUMBER: return read_number(text, &end, (double *)(void *)field) && !*end ? NULL : "a number of 0 or more";
    case KEY_METRIC:
        i = find_name(metric_names, N_CLAIM_METRICS, text);
        *(enum claim_metric *)(void *)field = (enum claim_metric)i;
        ((struct claim *)r->target)->has_metric = true;
        return i < N_CLAIM_METRICS ? NULL : "a metric that configs/README.md lists";
    case KEY_KIND:
        i = find_name(kind_names, 4, text);
        *(enum claim_kind *)(void *)field = (enum claim_kind)i;
        return i > 0 && i < 4 ? NULL : "measured, estimated or not stated";
    case KEY_ARCH:
        *(const char **)(void *)field = arena_fmt(r->a, "%s", text);
        return find_name(arches, 3, text) < 3 ? NULL : "x86_64, aarch64 or any";
    case KEY_THREADS: return read_threads(text, (long long *)(void *)field) ? NULL : "best, not stated, or a number from 1 to 1024";
    case KEY_TEST:
        *(const char **)(void *)field = arena_fmt(r->a, "%s", text);
        return read_test(text) ? NULL : "tg or pp, with or without a length, e.g. tg128";
    case KEY_FLAG:
        *(bool *)(void *)field = strcmp(text, "yes") == 0;
        return strcmp(text, "yes") == 0 || strcmp(text, "no") == 0 ? NULL : "yes or no";
    }
    return "a known type";
}

/* ---- sections ----------------------------------------------------------------------------------------------------------------- */

/* A claim must say enough to be judged. Called when its section ends. */
static void check_claim(struct reader *r)
{
    const struct claim *c = r->target;
    if (r->where != IN_CLAIM || r->rc != 0)
        return;
    const bool paper = c->metric == CLAIM_OPERATION_RATIO || c->metric == CLAIM_ENERGY_MODEL;
    const char *missing = !c->has_metric                                             ? "metric"
                          : c->kind == CLAIM_KIND_UNSET                              ? "kind"
                          : !c->value.as                                             ? "value"
                          : !c->says                                                 ? "says"
                          : !c->where                                                ? "where"
                          : !paper && !c->models.n                                   ? "models"
                          : !paper && c->metric != CLAIM_MEMORY_GB && !c->arms.n     ? "arms"
                          : c->metric == CLAIM_SPEEDUP && !c->base.n                 ? "base"
                          : c->metric == CLAIM_ENERGY_SAVING && !c->base.n           ? "base"
                          : c->metric == CLAIM_PERPLEXITY_RATIO && !c->base.n        ? "base"
                          : paper && (isnan(c->weight_pj) || isnan(c->attention_pj)) ? "weight_pj and attention_pj"
                                                                                     : NULL;
    if (missing)
        wrong(r, c->line, arena_fmt(r->a, "[claim %s]: neither it nor the table above it has '%s'", c->id, missing));
}

static bool known_id(const struct reader *r, const char *id)
{
    for (size_t i = 0; i < r->reg->n; i++)
        if (strcmp(r->reg->claims[i]->id, id) == 0)
            return true;
    return false;
}

static struct claim *new_claim(struct reader *r, const char *id, bool table)
{
    struct claim *c = arena_alloc(r->a, sizeof(*c));
    if (!c)
        return NULL;
    const struct claim_number none = {(double)NAN, (double)NAN, 0, NULL};
    if (table || !r->table)
        *c = (struct claim){.threads = CLAIM_ANY,
                            .arch = "any",
                            .test = "tg",
                            .value = none,
                            .arm_value = none,
                            .base_value = none,
                            .arm_speed = (double)NAN,
                            .base_speed = (double)NAN,
                            .definition_bits = (double)NAN,
                            .tokens = (double)NAN,
                            .linear_params = (double)NAN,
                            .layers = (double)NAN,
                            .attention_width = (double)NAN,
                            .weight_pj = (double)NAN,
                            .attention_pj = (double)NAN};
    else {
        *c = *r->table;
        c->table = r->table;
    }
    c->id = id;
    c->file = r->path;
    c->line = r->line;
    c->source = r->source;
    return c;
}

static int open_claim(struct reader *r, const char *id)
{
    if (known_id(r, id))
        return wrong(r, r->line, arena_fmt(r->a, "claim '%s' stands twice", id));
    struct claim **list = arena_grow(r->a, r->reg->claims, r->reg->n, sizeof(*list));
    r->target = new_claim(r, id, false);
    if (!list || !r->target)
        return wrong(r, r->line, "");
    r->reg->claims = list;
    list[r->reg->n++] = r->target;
    r->where = IN_CLAIM;
    return 1;
}

static int open_model(struct reader *r, const char *name)
{
    struct claim_model *list = arena_grow(r->a, r->reg->models, r->reg->n_models, sizeof(*list));
    if (!list)
        return wrong(r, r->line, "");
    r->reg->models = list;
    r->target = &list[r->reg->n_models++];
    *(struct claim_model *)r->target = (struct claim_model){name, (double)NAN, (double)NAN};
    r->where = IN_MODEL;
    return 1;
}

/* "claim x" -> kind of section and name */
static int open_section(struct reader *r, const char *section)
{
    check_claim(r);
    snprintf(r->section, sizeof(r->section), "%s", section);
    r->given = 0;
    const char *blank = strchr(section, ' ');
    const char *name = arena_fmt(r->a, "%s", blank ? blank + 1 : "");
    if (strcmp(section, "source") == 0) {
        r->target = r->source;
        r->where = IN_SOURCE;
        return 1;
    }
    if (strncmp(section, "table ", 6) == 0 && *name) {
        r->target = r->table = new_claim(r, name, true);
        r->where = IN_TABLE;
        return r->target ? 1 : wrong(r, r->line, "");
    }
    if (strncmp(section, "claim ", 6) == 0 && *name)
        return open_claim(r, name);
    if (strncmp(section, "model ", 6) == 0 && *name)
        return open_model(r, name);
    return wrong(r, r->line,
                 arena_fmt(r->a, "unknown section [%.40s]: expected [source], [table NAME], [claim ID] or [model NAME]", section));
}

/* inih's handler: 1 is good. */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
    struct reader *r = user;
    if (r->rc != 0 || (strcmp(section, r->section) != 0 && !open_section(r, section)))
        return 0;
    size_t i = 0;
    while (i < N_KEYS && !((keys[i].where & r->where) && strcmp(keys[i].name, name) == 0))
        i++;
    if (i == N_KEYS)
        return wrong(r, r->line,
                     arena_fmt(r->a, "unknown key '%.40s' in section [%.40s]: configs/README.md lists the keys", name, section));
    const bool more = r->continued && (keys[i].type == KEY_TEXT || keys[i].type == KEY_WORDS);
    if ((r->given >> i & 1) && !more)
        return wrong(r, r->line, arena_fmt(r->a, "'%.40s' is given twice", name));
    r->given |= (uint64_t)1 << i;
    const char *right = *value ? read_key(r, &keys[i], value) : "a value";
    return right ? wrong(r, r->line, arena_fmt(r->a, "%s = '%.60s': expected %s", name, value, right)) : 1;
}

static char *next_line(char *buf, int cap, void *stream)
{
    struct reader *r = stream;
    if (r->rc || !fgets(buf, cap, r->f))
        return NULL;
    r->line++;
    r->continued = isspace((unsigned char)buf[0]);
    if (!strchr(buf, '\n') && !feof(r->f)) {
        wrong(r, r->line, "line too long: go on in the next line, which then begins with a blank");
        return NULL;
    }
    return buf;
}

static int read_file(struct arena *a, const char *path, struct claim_registry *reg, char err[REPORT_ERR_LEN])
{
    struct reader r = {.a = a, .reg = reg, .path = path, .err = err, .source = arena_alloc(a, sizeof(struct claim_source))};
    r.f = r.source ? fopen(path, "re") : NULL;
    if (!r.f) {
        const int e = r.source ? errno : ENOMEM;
        snprintf(err, REPORT_ERR_LEN, "%s: %s", path, strerror(e));
        return -e;
    }
    const int bad_line = ini_parse_stream(next_line, &r, on_key, &r);
    fclose(r.f);
    check_claim(&r);
    if (r.rc == 0 && bad_line)
        wrong(&r, bad_line > 0 ? (unsigned)bad_line : r.line, "neither 'key = value', '[section]' nor a comment");
    return a->oom && r.rc == 0 ? -ENOMEM : r.rc;
}

/* ---- the folder --------------------------------------------------------------------------------------------------------------- */

int claims_load(struct arena *a, const char *dir, struct claim_registry *reg, char err[REPORT_ERR_LEN])
{
    char names[2048], path[1024];
    int rc = 0;
    *reg = (struct claim_registry){.claims = NULL};
    if (dir)
        config_names_in(dir, names, sizeof(names));
    else
        config_names("claims", names, sizeof(names));
    if (strcmp(names, "none") == 0) {
        snprintf(err, REPORT_ERR_LEN, "%s: no .ini file there: the claims are missing", dir ? dir : "configs/claims");
        return -ENOENT;
    }
    for (const char *s = names; *s && rc == 0;) {
        const size_t n = strcspn(s, ",");
        const char *name = dir ? arena_fmt(a, "%s/%.*s.ini", dir, (int)n, s) : arena_fmt(a, "%.*s", (int)n, s);
        rc = config_path("claims", name, path, sizeof(path));
        if (rc == 0)
            rc = read_file(a, arena_fmt(a, "%s", path), reg, err);
        else
            snprintf(err, REPORT_ERR_LEN, "%s: %s", name, strerror(-rc));
        s += n + strspn(s + n, ", ");
    }
    return rc;
}
