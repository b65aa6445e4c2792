/* Loads results.json and checks that it is a whole record of the schema that this program knows. */
#include "harness/saved_record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_LEN = 4096 };

const char *saved_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

double saved_number(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static const char *what_is_wrong(const json_t *root)
{
    if (!json_is_object(root) || !json_is_integer(json_object_get(root, "schema")))
        return "no record of bitjoule bench: there is no \"schema\"";
    if (json_integer_value(json_object_get(root, "schema")) != SAVED_SCHEMA)
        return "a record of another schema than 1, which this version reads";
    if (!json_is_array(json_object_get(root, "cells")))
        return "no record of bitjoule bench: there are no \"cells\"";
    return json_is_object(json_object_get(root, "host")) ? NULL : "no record of bitjoule bench: there is no \"host\"";
}

json_t *saved_record_load(const char *path, char err[SAVED_ERR_LEN])
{
    char file[PATH_LEN];
    struct stat st;
    json_error_t why;
    snprintf(file, sizeof file, "%s%s", path, !stat(path, &st) && S_ISDIR(st.st_mode) ? "/results.json" : "");
    json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &why);
    const char *wrong = root ? what_is_wrong(root) : NULL;
    if (!root && why.line > 0)
        snprintf(err, SAVED_ERR_LEN, "%.300s:%d: not valid JSON: %.150s", file, why.line, why.text);
    else if (!root)
        snprintf(err, SAVED_ERR_LEN, "%.450s; give the folder of a finished run, or its results.json", why.text);
    else if (wrong)
        snprintf(err, SAVED_ERR_LEN, "%.350s: %s", file, wrong);
    if (!wrong)
        return root;
    json_decref(root);
    return NULL;
}
