/* A number that was not had is null in the record, never 0; these helpers keep that in one place. */
#include "harness/json_util.h"

#include <math.h>
#include <string.h>

json_t *json_number_or_null(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *json_text_or_null(const char *text)
{
    return text && text[0] ? json_string(text) : json_null();
}

json_t *json_interval(const struct interval *i)
{
    return json_pack("{s:f, s:o, s:o, s:o, s:s}", "median", i->value, "lo", json_number_or_null(i->lo), "hi",
                     json_number_or_null(i->hi), "confidence", json_number_or_null(i->confidence), "method", i->method);
}

json_t *metric_json_find(const json_t *metrics, const char *name)
{
    size_t i;
    json_t *m;
    json_array_foreach(metrics, i, m)
    {
        const char *n = json_string_value(json_object_get(m, "name"));
        if (n && !strcmp(n, name))
            return m;
    }
    return NULL;
}
