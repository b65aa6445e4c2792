/* A suite's values as text for the record, and back over the defaults. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "harness/suite_keys.h"

/* Adds an entry to "a,b". Takes over both; text NULL: the first one. */
static json_t *append(json_t *text, json_t *entry)
{
    if (!text)
        return entry;
    json_t *longer = json_sprintf("%s,%s", json_string_value(text), json_string_value(entry));
    json_decref(text);
    json_decref(entry);
    return longer;
}

/* Lists as "a,b"; NULL: an empty list. New references. */
static json_t *words_text(const struct str_list *l)
{
    json_t *text = NULL;
    for (size_t i = 0; i < l->n; i++)
        text = append(text, json_string(l->v[i]));
    return text;
}

static json_t *numbers_text(const struct uint_list *l)
{
    json_t *text = NULL;
    for (size_t i = 0; i < l->n; i++)
        text = append(text, json_sprintf("%u", l->v[i]));
    return text;
}

static json_t *requests_text(const struct request_list *l)
{
    json_t *text = NULL;
    for (size_t i = 0; i < l->n; i++)
        text = append(text, json_sprintf("pp%u+tg%u", l->v[i].n_prompt, l->v[i].n_gen));
    return text;
}

/* NULL: not set, or a number that cannot be given (rounds 0: none asked for). New reference. */
static json_t *value_text(const struct suite *s, const struct suite_key *k)
{
    const void *field = (const char *)s + k->offset;
    const char *text = NULL;
    switch (k->type) {
    case KEY_WORDS:
    case KEY_FORMATS: return words_text(field);
    case KEY_UINTS: return numbers_text(field);
    case KEY_UINT: return *(const unsigned *)field < k->min ? NULL : json_sprintf("%u", *(const unsigned *)field);
    case KEY_U64: return json_sprintf("%" PRIu64, *(const uint64_t *)field);
    case KEY_SECONDS:
    case KEY_SHARE: return json_sprintf("%.17g", *(const double *)field);
    case KEY_REAL: return *(const double *)field > k->min ? json_sprintf("%.17g", *(const double *)field) : NULL;
    case KEY_REQUESTS: return requests_text(field);
    case KEY_KV: return json_string(*(const enum kv_type *)field == KV_F32 ? "f32" : "f16");
    case KEY_PRIORITY:
    case KEY_LOADS:
    case KEY_ISA:
    case KEY_FORMAT:
    case KEY_TEXT: text = *(char *const *)field; break;
    }
    return text ? json_string(text) : NULL;
}

json_t *suite_values(const struct suite *s)
{
    json_t *o = json_object();
    for (size_t i = 0; i < n_suite_keys; i++) {
        char name[96];
        const bool scenario = !strcmp(suite_keys[i].section, "scenario") || !strcmp(suite_keys[i].section, "limits");
        json_t *text = scenario && !s->scenario.threads ? NULL : value_text(s, &suite_keys[i]);
        snprintf(name, sizeof name, "%s.%s", suite_keys[i].section, suite_keys[i].name);
        if (text)
            json_object_set_new(o, name, text);
    }
    return o;
}

int suite_from_values(struct suite *s, const char *name, const char *path, const json_t *values, char err[SUITE_ERR_LEN])
{
    suite_init(s);
    snprintf(s->name, sizeof s->name, "%s", name);
    s->depth.n = s->batch.n = 0;
    int rc = path ? suite_set_text(&s->path, path, err) : 0;
    for (size_t i = 0; i < n_suite_keys && !rc; i++) {
        char full[96];
        snprintf(full, sizeof full, "%s.%s", suite_keys[i].section, suite_keys[i].name);
        const char *value = json_string_value(json_object_get(values, full));
        rc = value ? suite_key_set(s, &suite_keys[i], value, err) : 0;
    }
    return rc ? rc : suite_check(s, err);
}
