/* Reads configs/models/NAME.ini. Strict: every key is required once, an unknown one is an error with its line. */
#include "engine/shape.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/arch.h"
#include "engine/config_path.h"

struct reader {
    struct hparams *hp;
    unsigned seen; /* bit i: keys[i] was there */
    char error[192];
};

enum kind { TEXT, SIZE, REAL, BOOLEAN, ACTIVATION };

static const struct key {
    const char *name;
    enum kind kind;
    size_t offset, max; /* max: largest value that makes sense */
} keys[] = {
    {"architecture", TEXT, offsetof(struct hparams, arch), 0},
    {"hidden", SIZE, offsetof(struct hparams, n_embd), MODEL_MAX_COLS},
    {"ffn", SIZE, offsetof(struct hparams, n_ff), MODEL_MAX_COLS},
    {"layers", SIZE, offsetof(struct hparams, n_layer), 4096},
    {"heads", SIZE, offsetof(struct hparams, n_head), 4096},
    {"kv_heads", SIZE, offsetof(struct hparams, n_head_kv), 4096},
    {"head_dim", SIZE, offsetof(struct hparams, head_dim), 4096},
    {"vocab", SIZE, offsetof(struct hparams, n_vocab), 1 << 24},
    {"context", SIZE, offsetof(struct hparams, n_ctx_train), 1 << 24},
    {"rope_theta", REAL, offsetof(struct hparams, rope_theta), 0},
    {"rms_eps", REAL, offsetof(struct hparams, rms_eps), 0},
    {"activation", ACTIVATION, offsetof(struct hparams, act), 0},
    {"sub_norm", BOOLEAN, offsetof(struct hparams, sub_norm), 0},
    {"tied_embedding", BOOLEAN, offsetof(struct hparams, tied), 0},
};
enum { N_KEYS = sizeof keys / sizeof keys[0] };

static bool parse_size(const char *text, size_t max, size_t *out)
{
    char *end;
    errno = 0;
    const unsigned long long v = strtoull(text, &end, 10);
    *out = (size_t)v;
    return end != text && *end == '\0' && errno == 0 && text[0] != '-' && v >= 1 && v <= max;
}

static bool parse_real(const char *text, float *out)
{
    char *end;
    *out = strtof(text, &end);
    return end != text && *end == '\0' && *out > 0.0f && *out < 1e30f;
}

static bool parse_word(const char *text, const char *first, const char *second, bool *is_first)
{
    *is_first = strcmp(text, first) == 0;
    return *is_first || strcmp(text, second) == 0;
}

static bool parse_value(const struct key *key, const char *text, struct hparams *hp)
{
    char *field = (char *)hp + key->offset;
    bool yes;
    switch (key->kind) {
    case TEXT:
        return snprintf(field, MODEL_NAME_LEN, "%s", text) < MODEL_NAME_LEN;
    case SIZE:
        return parse_size(text, key->max, (size_t *)(void *)field);
    case REAL:
        return parse_real(text, (float *)(void *)field);
    case BOOLEAN:
        if (!parse_word(text, "yes", "no", &yes))
            return false;
        *(bool *)field = yes;
        return true;
    case ACTIVATION:
        if (!parse_word(text, "relu2", "silu", &yes))
            return false;
        hp->act = yes ? FFN_RELU2 : FFN_SILU;
        return true;
    }
    return false;
}

/* inih's callback: 0 stops with this line's number */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
    static const char *const wants[] = {"a name", "a whole number from 1", "a positive number", "yes or no", "relu2 or silu"};
    struct reader *r = user;
    for (unsigned i = 0; i < N_KEYS && strcmp(section, "model") == 0; i++) {
        if (strcmp(name, keys[i].name) != 0)
            continue;
        if (r->seen & (1u << i)) {
            snprintf(r->error, sizeof r->error, "key '%s' stands twice", name);
            return 0;
        }
        if (!parse_value(&keys[i], value, r->hp)) {
            snprintf(r->error, sizeof r->error, "%s = '%.40s': expected %s", name, value, wants[keys[i].kind]);
            return 0;
        }
        r->seen |= 1u << i;
        return 1;
    }
    snprintf(r->error, sizeof r->error, "unknown key '%.40s' in section [%.40s]", name, section);
    return 0;
}

static int check(struct hparams *hp, const char *path, char err[MODEL_ERR_LEN])
{
    const struct arch *a = arch_find(hp->arch, strlen(hp->arch));
    if (!a)
        snprintf(err, MODEL_ERR_LEN, "%s: architecture '%.40s' is not one of " ARCH_NAMES, path, hp->arch);
    else if (a->act != hp->act || a->sub_norm != hp->sub_norm)
        snprintf(err, MODEL_ERR_LEN, "%s: architecture %s has activation = %s, sub_norm = %s", path, a->name,
                 a->act == FFN_RELU2 ? "relu2" : "silu", a->sub_norm ? "yes" : "no");
    else if (hp->n_head * hp->head_dim > MODEL_MAX_COLS)
        snprintf(err, MODEL_ERR_LEN, "%s: heads * head_dim (%zu) is over %d", path, hp->n_head * hp->head_dim, MODEL_MAX_COLS);
    else if (hp->n_head % hp->n_head_kv != 0)
        snprintf(err, MODEL_ERR_LEN, "%s: heads (%zu) is no multiple of kv_heads (%zu)", path, hp->n_head, hp->n_head_kv);
    else if (hp->head_dim % 2 != 0)
        snprintf(err, MODEL_ERR_LEN, "%s: head_dim (%zu) is odd", path, hp->head_dim);
    else {
        hp->rope_dim = hp->head_dim;
        hp->rope_interleaved = a->rope_interleaved;
        return 0;
    }
    return -EINVAL;
}

int shape_load(const char *name, struct hparams *hp, char err[MODEL_ERR_LEN])
{
    char path[512], names[256];
    struct reader r = {.hp = hp};
    memset(hp, 0, sizeof *hp);
    if (config_path("models", name, path, sizeof path) != 0) {
        config_names("models", names, sizeof names);
        snprintf(err, MODEL_ERR_LEN, "no model shape '%.100s'; there are: %s", name, names);
        return -ENOENT;
    }
    const int line = ini_parse(path, on_key, &r);
    if (line != 0) {
        snprintf(err, MODEL_ERR_LEN, "%s:%d: %s", path, line, r.error[0] ? r.error : "not a key = value line");
        return -EINVAL;
    }
    for (unsigned i = 0; i < N_KEYS; i++) {
        if (!(r.seen & (1u << i))) {
            snprintf(err, MODEL_ERR_LEN, "%s: key '%s' is missing", path, keys[i].name);
            return -EINVAL;
        }
    }
    return check(hp, path, err);
}
