/* Reads a family of counter groups, strictly: what is not understood is an error with file and line.
 *
 * One handler per keyword. A formula is compiled when its line is read, so events stand before the metrics that use them. Whether
 * an event exists is not known here (counter_event.c). */
#include "profiles/counter_group.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_LEN = 512, MAX_GROUPS = 64 };

struct reader {
    struct counter_family *family;
    struct counter_group *group;   /* NULL: before the first */
    struct counter_metric *metric; /* NULL: none yet in this group */
    const char *path;
    unsigned line;
    char *err; /* GROUP_ERR_LEN */
};

__attribute__((format(printf, 2, 3))) static int fail(const struct reader *r, const char *fmt, ...)
{
    va_list ap;
    const int n = snprintf(r->err, GROUP_ERR_LEN, "%.300s:%u: ", r->path, r->line);
    va_start(ap, fmt);
    vsnprintf(r->err + n, (size_t)(GROUP_ERR_LEN - n), fmt, ap);
    va_end(ap);
    return -EINVAL;
}

/* Cuts the next word off; empty at the end. */
static char *take_word(char **rest)
{
    char *word = *rest + strspn(*rest, " \t");
    char *end = word + strcspn(word, " \t");
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static char *trimmed(char *text)
{
    text += strspn(text, " \t");
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        text[--n] = '\0';
    return text;
}

static bool is_name(const char *s)
{
    if (!isalpha((unsigned char)*s) && *s != '_')
        return false;
    while (isalnum((unsigned char)*s) || *s == '_')
        s++;
    return !*s;
}

static int take_name(const struct reader *r, char **rest, const char *what, char out[GROUP_NAME_LEN])
{
    const char *word = take_word(rest);
    if (!is_name(word) || strlen(word) >= GROUP_NAME_LEN)
        return fail(r, "%s '%.60s': expected letters, digits and '_', at most %d", what, word, GROUP_NAME_LEN - 1);
    snprintf(out, GROUP_NAME_LEN, "%s", word);
    return 0;
}

static int take_text(const struct reader *r, char *rest, char *out, size_t len)
{
    const char *text = trimmed(rest);
    if (!*text || strlen(text) >= len)
        return fail(r, "expected a text of 1 to %zu characters", len - 1);
    snprintf(out, len, "%s", text);
    return 0;
}

static int on_family(struct reader *r, char *rest)
{
    if (r->family->name[0])
        return fail(r, "'family' is given twice");
    const int rc = take_name(r, &rest, "family", r->family->name);
    return rc ? rc : *trimmed(rest) ? fail(r, "nothing may follow the name of the family") : 0;
}

static int on_title(struct reader *r, char *rest)
{
    return r->group ? fail(r, "'title' is of the family: before the first group")
                    : take_text(r, rest, r->family->title, sizeof r->family->title);
}

static int take_pmus(const struct reader *r, char *rest, struct counter_pmus *pmus)
{
    for (pmus->n = 0; *trimmed(rest); pmus->n++) {
        if (pmus->n == GROUP_PMUS)
            return fail(r, "more than %d PMUs", GROUP_PMUS);
        const int rc = take_name(r, &rest, "pmu", pmus->name[pmus->n]);
        if (rc)
            return rc;
    }
    return 0;
}

static int on_pmu(struct reader *r, char *rest)
{
    struct counter_pmus *pmus = r->group ? &r->group->pmus : &r->family->pmus;
    if (r->group && r->group->n_events)
        return fail(r, "'pmu' stands before the events of a group");
    const int rc = take_pmus(r, rest, pmus);
    return rc || pmus->n ? rc : fail(r, "'pmu' needs a name of libpfm4");
}

static int on_uncore(struct reader *r, char *rest)
{
    if (!r->group || r->group->n_events)
        return fail(r, "'uncore' stands before the events of a group");
    const int rc = take_pmus(r, rest, &r->group->uncore);
    return rc || r->group->uncore.n ? rc : fail(r, "'uncore' needs a name of a PMU in sysfs");
}

/* What a group must have once the next one begins or the file ends. */
static int end_group(struct reader *r)
{
    const struct counter_group *g = r->group;
    if (!g || (g->n_events && g->n_metrics))
        return 0;
    r->line = g->line;
    return fail(r, "group '%s' has no %s", g->name, g->n_events ? "metric" : "event");
}

static int on_group(struct reader *r, char *rest)
{
    struct counter_family *f = r->family;
    int rc = end_group(r);
    if (rc)
        return rc;
    if (f->n == MAX_GROUPS)
        return fail(r, "more than %d groups", MAX_GROUPS);
    r->group = &f->group[f->n++];
    r->metric = NULL;
    r->group->line = r->line;
    r->group->pmus = f->pmus;
    snprintf(r->group->family, sizeof r->group->family, "%s", f->name);
    rc = take_name(r, &rest, "group", r->group->name);
    return rc ? rc : take_text(r, rest, r->group->title, sizeof r->group->title);
}

static int on_event(struct reader *r, char *rest)
{
    struct counter_group *g = r->group;
    if (!g)
        return fail(r, "'event' before the first group");
    if (g->n_metrics)
        return fail(r, "'event' after a metric: events come first");
    if (g->n_events == GROUP_EVENTS)
        return fail(r, "more than %d events: no CPU counts so many at once", GROUP_EVENTS);
    struct counter_event *e = &g->event[g->n_events];
    const int rc = take_name(r, &rest, "event", e->label);
    if (rc)
        return rc;
    for (size_t i = 0; i < g->n_events; i++)
        if (!strcmp(g->event[i].label, e->label))
            return fail(r, "event '%s' is there twice", e->label);
    if (!strcmp(e->label, "time_s"))
        return fail(r, "'time_s' is the length of the window: the event needs another label");
    const char *name = take_word(&rest);
    if (!*name || strlen(name) >= sizeof e->name || *trimmed(rest))
        return fail(r, "event '%s': expected one name of the kernel or of libpfm4, at most %zu characters", e->label,
                    sizeof e->name - 1);
    if (g->uncore.n && name[0] != '/')
        return fail(r, "event '%s': events of uncore units are files or terms of sysfs, between slashes", e->label);
    snprintf(e->name, sizeof e->name, "%s", name);
    g->n_events++;
    return 0;
}

/* Units that metrics may have; they outlive every file. */
static const char *find_unit(const char *word)
{
    static const char *const units[] = {"1", "s", "Hz", "bytes", "B/s", "1/s", "W", "J"};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (!strcmp(units[i], word))
            return units[i];
    return NULL;
}

static int compile(const struct reader *r, struct counter_metric *m)
{
    const char *names[GROUP_EVENTS + 1];
    char why[FORMULA_ERR_LEN];
    const struct counter_group *g = r->group;
    for (size_t i = 0; i < g->n_events; i++)
        names[i] = g->event[i].label;
    names[g->n_events] = "time_s";
    const struct formula_names known = {names, g->n_events + 1};
    return formula_parse(m->text, &known, &m->formula, why) ? fail(r, "metric '%s': %s", m->name, why) : 0;
}

static int on_metric(struct reader *r, char *rest)
{
    struct counter_group *g = r->group;
    if (!g)
        return fail(r, "'metric' before the first group");
    if (g->n_metrics == GROUP_METRICS)
        return fail(r, "more than %d metrics", GROUP_METRICS);
    struct counter_metric *m = &g->metric[g->n_metrics];
    int rc = take_name(r, &rest, "metric", m->name);
    if (rc)
        return rc;
    for (size_t i = 0; i < g->n_metrics; i++)
        if (!strcmp(g->metric[i].name, m->name))
            return fail(r, "metric '%s' is there twice", m->name);
    const char *unit = take_word(&rest);
    m->unit = find_unit(unit);
    if (!m->unit)
        return fail(r, "metric '%s': '%.30s' is no unit: 1, s, Hz, bytes, B/s, 1/s, W or J", m->name, unit);
    if (strcmp(take_word(&rest), "=") != 0)
        return fail(r, "metric '%s': expected NAME UNIT = FORMULA", m->name);
    rc = take_text(r, rest, m->text, sizeof m->text);
    rc = rc ? rc : compile(r, m);
    g->n_metrics += !rc;
    r->metric = m;
    return rc;
}

static int on_caveat(struct reader *r, char *rest)
{
    if (!r->group)
        return fail(r, "'caveat' before the first group");
    char *into = r->metric ? r->metric->caveat : r->group->caveat;
    if (into[0])
        return fail(r, "a second 'caveat' of the same %s", r->metric ? "metric" : "group");
    return take_text(r, rest, into, GROUP_CAVEAT_LEN);
}

static int on_line(struct reader *r, char *text)
{
    static const struct {
        const char *keyword;
        int (*handle)(struct reader *r, char *rest);
    } keywords[] = {{"family", on_family}, {"title", on_title}, {"pmu", on_pmu},       {"uncore", on_uncore},
                    {"group", on_group},   {"event", on_event}, {"metric", on_metric}, {"caveat", on_caveat}};
    char *rest = trimmed(text);
    if (!*rest || *rest == '#')
        return 0;
    const char *word = take_word(&rest);
    if (!r->family->name[0] && strcmp(word, "family") != 0)
        return fail(r, "'%.40s': the first line is 'family NAME'", word);
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        if (!strcmp(keywords[i].keyword, word))
            return keywords[i].handle(r, rest);
    return fail(r, "unknown keyword '%.40s': family, title, pmu, uncore, group, event, metric or caveat", word);
}

static int read_lines(struct reader *r, FILE *f)
{
    char text[LINE_LEN];
    int rc = 0;
    while (!rc && fgets(text, sizeof text, f)) {
        r->line++;
        if (!strchr(text, '\n') && !feof(f))
            return fail(r, "line too long: at most %d characters", LINE_LEN - 2);
        rc = on_line(r, text);
    }
    if (rc)
        return rc;
    if (ferror(f))
        return fail(r, "cannot be read");
    return r->family->n ? end_group(r) : fail(r, "no group in this file");
}

int counter_family_read(const char *path, struct counter_family **out, char err[GROUP_ERR_LEN])
{
    FILE *f = fopen(path, "re");
    if (!f) {
        const int e = errno;
        snprintf(err, GROUP_ERR_LEN, "%.300s: %s", path, strerror(e));
        return -e;
    }
    struct counter_family *family = calloc(1, sizeof *family);
    if (family)
        family->group = calloc(MAX_GROUPS, sizeof *family->group);
    int rc = family && family->group ? 0 : -ENOMEM;
    if (rc)
        snprintf(err, GROUP_ERR_LEN, "out of memory");
    struct reader r = {.family = family, .path = path, .err = err};
    rc = rc ? rc : read_lines(&r, f);
    fclose(f);
    if (rc) {
        counter_family_free(family);
        return rc;
    }
    *out = family;
    return 0;
}

void counter_family_free(struct counter_family *f)
{
    if (f)
        free(f->group);
    free(f);
}
