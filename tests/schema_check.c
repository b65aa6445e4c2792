/* One function per keyword, a table of them, recursion. Known: $ref to #/$defs/NAME, type, const, enum, properties, required,
 * additionalProperties, items, minimum, maximum, exclusiveMinimum, minLength, maxLength, anyOf, if/then/else. */
#include "tests/schema_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct check {
    const json_t *root;
    char *err;
    size_t len;
    char path[256]; /* of the value that is looked at, "/cells/3/threads" */
};

static int check_value(struct check *c, const json_t *schema, const json_t *value);

static int fail_about(struct check *c, const char *before, const char *name, const char *after)
{
    snprintf(c->err, c->len, "%s: %s%s%s", c->path[0] ? c->path : "/", before, name, after);
    return -1;
}

static int fail(struct check *c, const char *what)
{
    return fail_about(c, what, "", "");
}

/* The value one level down. */
static int descend(struct check *c, const char *name, size_t index, const json_t *schema, const json_t *value)
{
    const size_t at = strlen(c->path);
    if (name)
        snprintf(c->path + at, sizeof c->path - at, "/%s", name);
    else
        snprintf(c->path + at, sizeof c->path - at, "/%zu", index);
    const int rc = check_value(c, schema, value);
    c->path[at] = 0;
    return rc;
}

/* Without a message: for anyOf and if. */
static bool satisfies(const struct check *c, const json_t *schema, const json_t *value)
{
    char unused[64];
    struct check quiet = *c;
    quiet.err = unused;
    quiet.len = sizeof unused;
    return check_value(&quiet, schema, value) == 0;
}

/* ---- keywords ------------------------------------------------------------------------------------------------------- */

static bool is_of_type(const json_t *value, const char *type)
{
    const double v = json_number_value(value);
    const bool whole = json_is_number(value) && v == (double)(long long)v;
    return !strcmp(type, "object")    ? json_is_object(value)
           : !strcmp(type, "array")   ? json_is_array(value)
           : !strcmp(type, "string")  ? json_is_string(value)
           : !strcmp(type, "number")  ? json_is_number(value)
           : !strcmp(type, "integer") ? whole
           : !strcmp(type, "boolean") ? json_is_boolean(value)
                                      : !strcmp(type, "null") && json_is_null(value);
}

static int check_type(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    (void)schema;
    bool ok = json_is_string(rule) && is_of_type(value, json_string_value(rule));
    for (size_t i = 0; i < json_array_size(rule); i++)
        ok |= is_of_type(value, json_string_value(json_array_get(rule, i)));
    return ok ? 0 : fail(c, "is not of the type that the schema wants");
}

static int check_const(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    (void)schema;
    return json_equal(rule, value) ? 0 : fail(c, "is not the constant that the schema wants");
}

static int check_enum(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    (void)schema;
    for (size_t i = 0; i < json_array_size(rule); i++)
        if (json_equal(json_array_get(rule, i), value))
            return 0;
    return fail(c, "is none of the values that the schema lists");
}

static int check_properties(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    const char *key;
    json_t *sub;
    (void)schema;
    json_object_foreach((json_t *)rule, key, sub)
    {
        const json_t *v = json_object_get(value, key);
        if (v && descend(c, key, 0, sub, v))
            return -1;
    }
    return 0;
}

static int check_additional(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)value, key, v)
    {
        if (json_object_get(json_object_get(schema, "properties"), key))
            continue;
        if (json_is_false(rule))
            return fail_about(c, "has a field '", key, "', which the schema does not know");
        if (json_is_object(rule) && descend(c, key, 0, rule, v))
            return -1;
    }
    return 0;
}

static int check_required(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    (void)schema;
    for (size_t i = 0; json_is_object(value) && i < json_array_size(rule); i++)
        if (!json_object_get(value, json_string_value(json_array_get(rule, i))))
            return fail_about(c, "lacks '", json_string_value(json_array_get(rule, i)), "'");
    return 0;
}

static int check_items(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    (void)schema;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (descend(c, NULL, i, rule, json_array_get(value, i)))
            return -1;
    return 0;
}

static int check_minimum(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    (void)schema;
    return !json_is_number(value) || json_number_value(value) >= json_number_value(rule) ? 0 : fail(c, "is below the minimum");
}

static int check_maximum(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    (void)schema;
    return !json_is_number(value) || json_number_value(value) <= json_number_value(rule) ? 0 : fail(c, "is above the maximum");
}

static int check_exclusive(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    (void)schema;
    return !json_is_number(value) || json_number_value(value) > json_number_value(rule) ? 0 : fail(c, "is not above the minimum");
}

static int check_min_length(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    (void)schema;
    return !json_is_string(value) || json_string_length(value) >= (size_t)json_integer_value(rule) ? 0 : fail(c, "is too short");
}

static int check_max_length(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    (void)schema;
    return !json_is_string(value) || json_string_length(value) <= (size_t)json_integer_value(rule) ? 0 : fail(c, "is too long");
}

static int check_any(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    (void)schema;
    for (size_t i = 0; i < json_array_size(rule); i++)
        if (satisfies(c, json_array_get(rule, i), value))
            return 0;
    return fail(c, "fits none of the alternatives of the schema");
}

static int check_if(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    const json_t *branch = json_object_get(schema, satisfies(c, rule, value) ? "then" : "else");
    return branch ? check_value(c, branch, value) : 0;
}

static int check_ref(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    static const char prefix[] = "#/$defs/";
    const char *ref = json_string_value(rule);
    (void)schema;
    const bool local = ref && !strncmp(ref, prefix, sizeof prefix - 1);
    const json_t *def = local ? json_object_get(json_object_get(c->root, "$defs"), ref + sizeof prefix - 1) : NULL;
    return def ? check_value(c, def, value) : fail_about(c, "the schema refers to '", ref ? ref : "?", "', which is not there");
}

static int annotation(struct check *c, const json_t *schema, const json_t *rule, const json_t *value)
{
    (void)c, (void)schema, (void)rule, (void)value;
    return 0;
}

static int check_value(struct check *c, const json_t *schema, const json_t *value)
{
    static const struct {
        const char *keyword;
        int (*check)(struct check *, const json_t *schema, const json_t *rule, const json_t *value);
    } known[] = {
        {"$ref", check_ref},           {"type", check_type},           {"const", check_const},
        {"enum", check_enum},          {"properties", check_properties}, {"required", check_required},
        {"items", check_items},        {"minimum", check_minimum},     {"maximum", check_maximum},
        {"minLength", check_min_length}, {"maxLength", check_max_length}, {"exclusiveMinimum", check_exclusive},
        {"anyOf", check_any},          {"if", check_if},               {"additionalProperties", check_additional},
        {"then", annotation},          {"else", annotation},           {"$defs", annotation},
        {"$schema", annotation},       {"$id", annotation},            {"title", annotation},
        {"description", annotation},
    };
    enum { N_KNOWN = sizeof known / sizeof known[0] };
    const char *keyword;
    json_t *rule;
    json_object_foreach((json_t *)schema, keyword, rule)
    {
        size_t i = 0;
        while (i < N_KNOWN && strcmp(known[i].keyword, keyword))
            i++;
        if (i == N_KNOWN)
            return fail_about(c, "the schema uses '", keyword, "', which this checker does not know");
        if (known[i].check(c, schema, rule, value))
            return -1;
    }
    return 0;
}

int schema_check(const json_t *root, const json_t *schema, const json_t *value, char *err, size_t len)
{
    struct check c = {.root = root, .err = err, .len = len};
    return check_value(&c, schema, value);
}
