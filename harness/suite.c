/* A suite: its defaults, its file, and whether what is set makes sense together. Keys: suite_keys.h. */
#include "harness/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/ini_lines.h"
#include "harness/suite_keys.h"
#include "profiles/counters.h"

void suite_init(struct suite *s)
{
    *s = (struct suite){
        .kv = KV_F16,
        .seed = 1,
        .warmup = 1,
        .block_s = 1,
        .block_energy_s = 2,
        .min_rounds = 6,
        .max_rounds = 20,
        .repeats = 1,
        .passes = 1,
        .precision = 0.02,
        .contest_s = 120,
        .timeout_s = 600,
        .quality = {.window = 128, .windows = 32},
        .lossless = {.prompts = 64, .prompt_tokens = 32, .tokens = 100, .window = 128, .windows = 32},
        .scenario = {.request = {.v = {{128, 32}}, .n = 1},
                     .requests = 32,
                     .sequences = 4,
                     .trials = 6,
                     .target_ttft_ms = 2000,
                     .target_tpot_ms = 200,
                     .percentile = 99,
                     .confidence = 99,
                     .max_memory_mb = 1024,
                     .max_cpu_percent = 80,
                     .min_tokens_per_s = 5,
                     .max_error_percent = 5,
                     .max_latency_ms = 5000},
        .depth = {.v = {0}, .n = 1},
        .batch = {.v = {128}, .n = 1},
        .sequences = {.v = {1}, .n = 1},
    };
}

void suite_free(struct suite *s)
{
    struct str_list *lists[] = {&s->models, &s->formats, &s->quality.models, &s->quality.formats, &s->lossless.models};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        str_list_clear(lists[i]);
    free(s->path);
    free(s->description);
    free(s->embedding);
    free(s->isa);
    free(s->counters);
    free(s->counter_group);
    free(s->quality.text);
    free(s->lossless.text);
    free(s->scenario.priority);
    free(s->scenario.loads);
    free(s->external.name);
    free(s->external.command);
    free(s->external.time);
    *s = (struct suite){0};
}

int suite_set(struct suite *s, const char *section, const char *key, const char *value, char err[SUITE_ERR_LEN])
{
    return suite_key_set(s, suite_key_find(section, key), value, err);
}

void suite_begin_overrides(struct suite *s)
{
    s->given = 0;
}

/* ---- reading a file ------------------------------------------------------------------------------------------------- */

static int on_key(void *user, const struct ini_line *line, char why[INI_LINES_ERR_LEN])
{
    struct suite *s = user;
    const struct suite_key *k = suite_key_find(line->section, line->name);
    if (!k) {
        snprintf(why, INI_LINES_ERR_LEN, INI_LINES_UNKNOWN, line->section);
        return -EINVAL;
    }
    if (suite_key_given(s, k) && !(line->continued && suite_key_is_list(k))) {
        snprintf(why, INI_LINES_ERR_LEN, "is given twice");
        return -EINVAL;
    }
    return suite_key_set(s, k, line->value, why);
}

static int set_name(struct suite *s, const char *path, char err[SUITE_ERR_LEN])
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    size_t len = strlen(base);
    if (len > 4 && !strcmp(base + len - 4, ".ini"))
        len -= 4;
    snprintf(s->name, sizeof s->name, "%.*s", (int)(len < sizeof s->name ? len : sizeof s->name - 1), base);
    return suite_set_text(&s->path, path, err);
}

int suite_read(struct suite *s, const char *path, char err[SUITE_ERR_LEN])
{
    s->given = 0;
    const int rc = ini_lines_read(path, on_key, s, err);
    return rc ? rc : set_name(s, path, err);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static bool any_above_zero(const struct uint_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i])
            return true;
    return false;
}

int suite_check(const struct suite *s, char err[SUITE_ERR_LEN])
{
    const struct quality_suite *q = &s->quality;
    const struct scenario *sc = &s->scenario;
    const char *what = NULL;
    char counters[COUNTERS_ERR_LEN];
    if ((sc->threads || sc->memory_mb || sc->priority || sc->loads) && !(sc->threads && sc->memory_mb && sc->priority && sc->loads))
        what = "[scenario] needs threads, memory_mb, priority and loads together";
    else if (sc->threads && (!s->models.n || !s->formats.n))
        what = "a scenario needs a model (-m) and formats (-f)";
    else if (sc->threads && sc->request.n != 1)
        what = "a scenario has one kind of request";
    else if (sc->threads && s->external.command)
        what = "[scenario] and [external] do not go together: another program cannot be sent requests";
    else if (sc->threads)
        return 0;
    else if (s->models.n && (!s->formats.n || !s->threads.n))
        what = "models need formats (-f) and threads (-t)";
    else if (s->models.n && !any_above_zero(&s->prompt) && !any_above_zero(&s->gen) && !s->requests.n)
        what = "nothing to run: prompt (-p) and gen (-n) are 0, and there is no request (-pg)";
    else if (q->models.n && (!q->text || !q->formats.n))
        what = "[quality] needs models, formats and text together";
    else if (s->external.command && (!s->external.name || strpbrk(s->external.name, "/ \t") || format_find(s->external.name)))
        what = "[external] needs a name: one word without '/' that is no format";
    else if (s->external.time && strcmp(s->external.time, "wall") && strcmp(s->external.time, "llama-bench"))
        what = "[external] time: llama-bench or wall";
    else if (s->lossless.models.n && !s->lossless.text)
        what = "[lossless] needs models and text together";
    else if (!s->models.n && !q->models.n && !s->lossless.models.n)
        what = "no model: give one with -m, or models in the suite";
    else if (s->min_rounds > s->max_rounds)
        what = "min_rounds is above max_rounds";
    else if ((s->counters || s->counter_group) && !counters_check(s->counters, s->counter_group, counters))
        what = counters;
    if (!what)
        return 0;
    snprintf(err, SUITE_ERR_LEN, "%s%s%s", s->path ? s->path : "", s->path ? ": " : "", what);
    return -EINVAL;
}

unsigned suite_passes(const struct suite *s)
{
    const unsigned least = s->rounds ? s->rounds : s->min_rounds;
    return s->passes < least ? s->passes : least;
}

void suite_resolve(const struct suite *s, const char *name, char *buf, size_t len)
{
    snprintf(buf, len, "%s", name);
    if (name[0] == '/' || !s->path || !access(buf, F_OK))
        return;
    const char *slash = strrchr(s->path, '/');
    const int dir_len = slash ? (int)(slash - s->path) : 1;
    snprintf(buf, len, "%.*s/../../%s", dir_len, slash ? s->path : ".", name);
    if (access(buf, F_OK))
        snprintf(buf, len, "%s", name); /* so that messages show what was written */
}
