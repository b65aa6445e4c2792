/* The keys of a gate file and their checks. */
#include "harness/gate_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/config_path.h"
#include "harness/ini_lines.h"

static const char metric_prefix[] = "metric ";
enum { GATE_PATH_LEN = 4096 };

struct reader {
    struct gate_config *g;
    bool own_metrics;
    char seen[64][GATE_NAME_LEN + 64]; /* "section/key" that were given */
    size_t n_seen;
};

void gate_config_init(struct gate_config *g)
{
    *g = (struct gate_config){.alpha = 0.05, .confidence = 0.95, .same_output = true, .count_tokens = 16};
    g->metrics[0] = (struct gate_metric){compared_metric_find("tokens_per_s"), 0.03, false, true};
    g->n_metrics = 1;
}

void gate_config_free(struct gate_config *g)
{
    str_list_clear(&g->count_formats);
}

const struct gate_metric *gate_config_metric(const struct gate_config *g, const struct compared_metric *m)
{
    for (size_t i = 0; i < g->n_metrics; i++)
        if (g->metrics[i].metric == m)
            return &g->metrics[i];
    return NULL;
}

/* ---- values ---------------------------------------------------------------------------------------------------------- */

static int set_real(double *out, const char *value, double min, double max, char why[INI_LINES_ERR_LEN])
{
    char *end;
    const double v = strtod(value, &end);
    if (end == value || *end || !(v >= min && v <= max)) {
        snprintf(why, INI_LINES_ERR_LEN, "'%.60s' is not a number from %g to %g", value, min, max);
        return -EINVAL;
    }
    *out = v;
    return 0;
}

/* "3%" or "3 %" */
static int set_percent(double *out, const char *value, char why[INI_LINES_ERR_LEN])
{
    char *end;
    const double v = strtod(value, &end);
    end += strspn(end, " ");
    if (end == value || strcmp(end, "%") || !(v >= 0 && v <= 1000)) {
        snprintf(why, INI_LINES_ERR_LEN, "'%.60s' is not a share from 0%% to 1000%%", value);
        return -EINVAL;
    }
    *out = v / 100;
    return 0;
}

/* One of two words: sets whether it is the first. */
static int set_word(bool *out, const char *value, const char *yes, const char *no, char why[INI_LINES_ERR_LEN])
{
    if (strcmp(value, yes) && strcmp(value, no)) {
        snprintf(why, INI_LINES_ERR_LEN, "'%.60s' is neither '%s' nor '%s'", value, yes, no);
        return -EINVAL;
    }
    *out = !strcmp(value, yes);
    return 0;
}

static int set_name(char out[GATE_NAME_LEN], const char *value, char why[INI_LINES_ERR_LEN])
{
    if (strlen(value) >= GATE_NAME_LEN) {
        snprintf(why, INI_LINES_ERR_LEN, "longer than %d characters", GATE_NAME_LEN - 1);
        return -EINVAL;
    }
    snprintf(out, GATE_NAME_LEN, "%s", value);
    return 0;
}

static int set_formats(struct str_list *l, const char *value, char why[INI_LINES_ERR_LEN])
{
    str_list_clear(l);
    const int rc = str_list_add(l, value, why);
    for (size_t i = 0; !rc && i < l->n; i++)
        if (strspn(l->v[i], "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(l->v[i])) {
            snprintf(why, INI_LINES_ERR_LEN, "'%.40s' is no weight format", l->v[i]);
            return -EINVAL;
        }
    return rc;
}

static int set_tokens(unsigned *out, const char *value, char why[INI_LINES_ERR_LEN])
{
    unsigned long long n;
    if (!parse_uint(value, 4, 4096, &n)) {
        snprintf(why, INI_LINES_ERR_LEN, "'%.60s' is not a whole number from 4 to 4096", value);
        return -EINVAL;
    }
    *out = (unsigned)n;
    return 0;
}

/* ---- sections -------------------------------------------------------------------------------------------------------- */

static struct gate_metric *metric_of(struct reader *r, const char *name, char why[INI_LINES_ERR_LEN])
{
    const struct compared_metric *m = compared_metric_find(name);
    struct gate_config *g = r->g;
    if (!r->own_metrics)
        g->n_metrics = 0;
    r->own_metrics = true;
    for (size_t i = 0; i < g->n_metrics; i++)
        if (g->metrics[i].metric == m)
            return &g->metrics[i];
    if (!m || g->n_metrics == GATE_METRICS_MAX) {
        int n = snprintf(why, INI_LINES_ERR_LEN, "[metric %.40s]: %s; there are:", name,
                         strncmp(name, "estimated_", 10) ? "no such metric" : "estimates are no measurement, and gate nothing");
        for (const struct compared_metric *k = compared_metrics; k->name; k++)
            n += snprintf(why + n, INI_LINES_ERR_LEN - (size_t)n, " %s", k->name);
        return NULL;
    }
    g->metrics[g->n_metrics] = (struct gate_metric){m, 0, false, true};
    return &g->metrics[g->n_metrics++];
}

static int metric_key(struct reader *r, const char *section, const char *name, const char *value, char why[INI_LINES_ERR_LEN])
{
    struct gate_metric *m = metric_of(r, section + sizeof metric_prefix - 1, why);
    if (!m)
        return -EINVAL;
    if (!strcmp(name, "tolerance"))
        return set_percent(&m->tolerance, value, why);
    if (!strcmp(name, "use"))
        return set_word(&m->inform, value, "inform", "gate", why);
    if (!strcmp(name, "required"))
        return set_word(&m->required, value, "yes", "no", why);
    return -ENOENT;
}

static int plain_key(struct gate_config *g, const char *section, const char *name, const char *value, char why[INI_LINES_ERR_LEN])
{
    char key[2 * GATE_NAME_LEN];
    snprintf(key, sizeof key, "%.60s/%.60s", section, name);
    if (!strcmp(key, "gate/description"))
        return 0; /* for the reader of the file */
    if (!strcmp(key, "gate/alpha"))
        return set_real(&g->alpha, value, 1e-6, 0.5, why);
    if (!strcmp(key, "gate/confidence"))
        return set_real(&g->confidence, value, 0.5, 0.9999, why);
    if (!strcmp(key, "gate/inconclusive"))
        return set_word(&g->warn_only, value, "warn", "fail", why);
    if (!strcmp(key, "gate/same_output"))
        return set_word(&g->same_output, value, "yes", "no", why);
    if (!strcmp(key, "ab/suite"))
        return set_name(g->suite, value, why);
    if (!strcmp(key, "count/model"))
        return set_name(g->count_model, value, why);
    if (!strcmp(key, "count/formats"))
        return set_formats(&g->count_formats, value, why);
    if (!strcmp(key, "count/tokens"))
        return set_tokens(&g->count_tokens, value, why);
    return -ENOENT;
}

static int on_key(void *user, const struct ini_line *line, char why[INI_LINES_ERR_LEN])
{
    struct reader *r = user;
    char key[GATE_NAME_LEN + 64];
    snprintf(key, sizeof key, "%.90s/%.90s", line->section, line->name);
    for (size_t i = 0; i < r->n_seen; i++)
        if (!strcmp(r->seen[i], key)) {
            snprintf(why, INI_LINES_ERR_LEN, "is given twice");
            return -EINVAL;
        }
    if (r->n_seen < sizeof r->seen / sizeof r->seen[0])
        snprintf(r->seen[r->n_seen++], sizeof r->seen[0], "%s", key);
    const bool metric = !strncmp(line->section, metric_prefix, sizeof metric_prefix - 1);
    const int rc = metric ? metric_key(r, line->section, line->name, line->value, why)
                          : plain_key(r->g, line->section, line->name, line->value, why);
    if (rc != -ENOENT)
        return rc;
    snprintf(why, INI_LINES_ERR_LEN, INI_LINES_UNKNOWN, line->section);
    return -EINVAL;
}

int gate_config_read(struct gate_config *g, const char *path, char err[GATE_ERR_LEN])
{
    struct reader r = {.g = g};
    int rc = ini_lines_read(path, on_key, &r, err);
    if (!rc && !g->n_metrics) {
        snprintf(err, GATE_ERR_LEN, "%.400s: no [metric NAME] section: nothing is gated", path);
        rc = -EINVAL;
    }
    return rc;
}

int gate_config_named(struct gate_config *g, const char *name, char err[GATE_ERR_LEN])
{
    char path[GATE_PATH_LEN], names[256];
    gate_config_init(g);
    if (!name)
        return 0;
    if (!config_path("gates", name, path, sizeof path))
        return gate_config_read(g, path, err);
    config_names("gates", names, sizeof names);
    snprintf(err, GATE_ERR_LEN, "'%.200s': no such gate; there are: %s", name, names);
    return -ENOENT;
}
