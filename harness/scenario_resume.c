/* See scenario_resume.h. */
#include "harness/scenario_resume.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "harness/json_util.h"

static bool has_text(const json_t *o, const char *key, const char *text)
{
    const char *t = json_string_value(json_object_get(o, key));
    return t && !strcmp(t, text);
}

static bool is_of(const json_t *line, const char *type, const char *model, const char *format)
{
    return has_text(line, "type", type) && has_text(line, "model", model) && has_text(line, "format", format);
}

static double number_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

json_t *scenario_load_line(const struct served_load *what, json_t *reply, const struct watch_summary *all)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:f, s:O, s:{s:f, s:o, s:o, s:o}}", "model", what->model, "format", what->format, "load",
                     what->load, "threads", (int)what->threads, "rate", what->rate, "reply", reply, "watch", "length_s",
                     all->length_s, "rss_peak_bytes", json_number_or_null(all->rss_peak_bytes), "cpu_host_pct",
                     json_number_or_null(all->cpu_host_pct), "cpu_workers_pct", json_number_or_null(all->cpu_workers_pct));
}

const json_t *scenario_done(const json_t *lines, const char *model, const char *format)
{
    for (size_t i = 0; i < json_array_size(lines); i++)
        if (is_of(json_array_get(lines, i), "scenario", model, format))
            return json_array_get(lines, i);
    return NULL;
}

/* The rate went through 12 digits of JSON. */
static bool same_load(const json_t *line, const struct served_load *what)
{
    const double rate = number_of(line, "rate");
    return has_text(line, "load", what->load) && number_of(line, "threads") == what->threads &&
           fabs(rate - what->rate) <= 1e-6 * what->rate;
}

int scenario_load_next(const json_t *lines, size_t *next, const struct served_load *what, json_t **reply,
                       struct watch_summary *watched)
{
    *reply = NULL;
    for (; *next < json_array_size(lines); ++*next) {
        const json_t *line = json_array_get(lines, *next), *w = json_object_get(line, "watch");
        if (!is_of(line, "scenario_load", what->model, what->format))
            continue;
        if (!same_load(line, what) || !json_is_object(json_object_get(line, "reply")))
            return -EXDEV;
        *reply = json_deep_copy(json_object_get(line, "reply"));
        *watched = (struct watch_summary){.length_s = number_of(w, "length_s"),
                                          .rss_peak_bytes = number_of(w, "rss_peak_bytes"),
                                          .cpu_host_pct = number_of(w, "cpu_host_pct"),
                                          .cpu_workers_pct = number_of(w, "cpu_workers_pct")};
        ++*next;
        return *reply ? 0 : -ENOMEM;
    }
    return 0;
}
