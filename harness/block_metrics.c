/* Sums, maxima and means of metrics over blocks; see block_metrics.h. */
#include "harness/block_metrics.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum rule { RULE_SUM, RULE_MAX, RULE_LAST, RULE_MEAN };

static const char *text_of(const json_t *m, const char *key)
{
    const char *t = json_string_value(json_object_get(m, key));
    return t ? t : "";
}

static enum rule rule_of(const json_t *m)
{
    const char *unit = text_of(m, "unit"), *status = text_of(m, "status");
    if (!strcmp(unit, "bytes"))
        return strstr(text_of(m, "name"), "_peak") ? RULE_MAX : RULE_LAST;
    if (!strcmp(unit, "s") || !strcmp(unit, "J"))
        return RULE_SUM;
    if (!strncmp(text_of(m, "name"), "events_", 7)) /* extrapolated counts are derived, but counts */
        return RULE_SUM;
    /* counts; a derived number without a unit is a ratio */
    return !strcmp(unit, "1") && !strcmp(status, "measured") ? RULE_SUM : RULE_MEAN;
}

static bool has_value(const json_t *m)
{
    return json_is_number(json_object_get(m, "value"));
}

/* ---- totals --------------------------------------------------------------------------------------------------------- */

struct metric_total {
    double value, weight, repetitions;
    size_t have, lack;
    json_t *sample, *lacking; /* the last metric with a value, and the last without */
};

static const json_t *said(const struct metric_total *t)
{
    return t->have ? t->sample : t->lacking;
}

static struct metric_total *find(const struct metric_totals *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(text_of(said(&t->list[i]), "name"), name))
            return &t->list[i];
    return NULL;
}

static struct metric_total *find_or_add(struct metric_totals *t, const char *name)
{
    struct metric_total *there = find(t, name);
    if (there)
        return there;
    struct metric_total *grown = realloc(t->list, (t->n + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    t->list = grown;
    grown[t->n] = (struct metric_total){0};
    return &grown[t->n++];
}

static void keep(json_t **place, json_t *m)
{
    json_decref(*place);
    *place = json_incref(m);
}

static void add(struct metric_total *t, const struct block *b, json_t *m)
{
    if (!has_value(m)) {
        t->lack++;
        keep(&t->lacking, m);
        return;
    }
    const double v = json_number_value(json_object_get(m, "value"));
    switch (rule_of(m)) {
    case RULE_SUM: t->value += v; break;
    case RULE_MAX: t->value = t->have ? fmax(t->value, v) : v; break;
    case RULE_LAST: t->value = v; break;
    case RULE_MEAN: t->value += v * b->window_s; break;
    }
    t->weight += b->window_s;
    t->repetitions += b->repetitions;
    t->have++;
    keep(&t->sample, m);
}

int metric_totals_add(struct metric_totals *t, const struct block *b)
{
    size_t i;
    json_t *m;
    json_array_foreach(b->metrics, i, m)
    {
        struct metric_total *total = find_or_add(t, text_of(m, "name"));
        if (!total)
            return -ENOMEM;
        add(total, b, m);
    }
    keep(&t->state, b->state);
    return 0;
}

void metric_totals_free(struct metric_totals *t)
{
    for (size_t i = 0; i < t->n; i++) {
        json_decref(t->list[i].sample);
        json_decref(t->list[i].lacking);
    }
    free(t->list);
    json_decref(t->state);
    *t = (struct metric_totals){0};
}

/* ---- the cell's metrics --------------------------------------------------------------------------------------------- */

double metric_totals_repetitions(const struct metric_totals *t, const char *name)
{
    const struct metric_total *total = find(t, name);
    return total ? total->repetitions : 0;
}

static json_t *combined(const struct metric_total *t)
{
    char reason[384];
    json_t *out = json_deep_copy(said(t));
    if (!t->have)
        return out;
    json_object_set_new(out, "value", json_real(rule_of(t->sample) == RULE_MEAN ? t->value / t->weight : t->value));
    if (t->lack) {
        snprintf(reason, sizeof reason, "of %zu of %zu blocks; of the others: %s", t->have, t->have + t->lack,
                 text_of(t->lacking, "reason"));
        json_object_set_new(out, "reason", json_string(reason));
    }
    return out;
}

json_t *metric_totals_json(const struct metric_totals *t)
{
    json_t *all = json_array();
    for (size_t i = 0; i < t->n; i++)
        json_array_append_new(all, combined(&t->list[i]));
    if (t->state)
        json_array_extend(all, t->state);
    return all;
}
