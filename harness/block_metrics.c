/* Sums, maxima and means of metrics over blocks; see block_metrics.h. */
#include "harness/block_metrics.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "harness/json_util.h"

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

static const json_t *find(const struct block *b, const char *name)
{
    return metric_json_find(b->metrics, name);
}

static bool has_value(const json_t *m)
{
    return json_is_number(json_object_get(m, "value"));
}

double block_metric_repetitions(const struct block *blocks, size_t n, const char *name)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (block_counts(&blocks[i]) && has_value(find(&blocks[i], name)))
            sum += blocks[i].repetitions;
    return sum;
}

struct total {
    double value, weight;
    size_t have, lack;
    const json_t *sample, *lacking; /* the last metric with a value, and the last without */
};

static void add(struct total *t, const struct block *b, const json_t *m)
{
    if (!has_value(m)) {
        t->lack++;
        t->lacking = m;
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
    t->have++;
    t->sample = m;
}

/* The metric of that name over all blocks. New reference. */
static json_t *combined(const struct block *blocks, size_t n, const char *name)
{
    struct total t = {0};
    char reason[384];
    for (size_t i = 0; i < n; i++) {
        const json_t *m = block_counts(&blocks[i]) ? find(&blocks[i], name) : NULL;
        if (m)
            add(&t, &blocks[i], m);
    }
    json_t *out = json_deep_copy(t.have ? t.sample : t.lacking);
    if (!t.have)
        return out;
    json_object_set_new(out, "value", json_real(rule_of(t.sample) == RULE_MEAN ? t.value / t.weight : t.value));
    if (t.lack) {
        snprintf(reason, sizeof reason, "of %zu of %zu blocks; of the others: %s", t.have, t.have + t.lack,
                 text_of(t.lacking, "reason"));
        json_object_set_new(out, "reason", json_string(reason));
    }
    return out;
}

json_t *block_metrics_json(const struct block *blocks, size_t n)
{
    json_t *all = json_array();
    const struct block *last = NULL;
    for (size_t b = 0; b < n; b++) {
        size_t i;
        const json_t *m;
        if (!block_counts(&blocks[b]))
            continue;
        last = &blocks[b];
        json_array_foreach(blocks[b].metrics, i, m)
        {
            const char *name = text_of(m, "name");
            if (!metric_json_find(all, name))
                json_array_append_new(all, combined(blocks, n, name));
        }
    }
    if (last)
        json_array_extend(all, last->state);
    return all;
}
