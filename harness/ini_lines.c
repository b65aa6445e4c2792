/* Reads line by line for inih, and counts. */
#include "harness/ini_lines.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

struct source {
    FILE *f;
    const char *path;
    unsigned line;
    bool continued;
    ini_lines_key *on_key;
    void *user;
    int rc;
    char *err;
};

static void fail(struct source *s, int rc, const char *why)
{
    if (s->rc)
        return;
    s->rc = rc;
    snprintf(s->err, INI_LINES_ERR_LEN, "%.200s:%u: %.290s", s->path, s->line, why);
}

static char *next_line(char *buf, int cap, void *stream)
{
    struct source *s = stream;
    if (s->rc || !fgets(buf, cap, s->f))
        return NULL;
    s->line++;
    s->continued = isspace((unsigned char)buf[0]);
    if (strchr(buf, '\n') || feof(s->f))
        return buf;
    fail(s, -EINVAL, "line too long: cut a list in two, the second line beginning with a blank");
    return NULL;
}

static int hand_over(void *user, const char *section, const char *name, const char *value)
{
    struct source *s = user;
    const struct ini_line line = {section, name, value, s->continued};
    char why[INI_LINES_ERR_LEN] = "", what[INI_LINES_ERR_LEN];
    const int rc = value[0] ? s->on_key(s->user, &line, why) : -EINVAL;
    if (rc) {
        snprintf(what, sizeof what, "%.60s: %.380s", name, value[0] ? why : "has no value");
        fail(s, rc, what);
    }
    return !rc;
}

int ini_lines_read(const char *path, ini_lines_key *on_key, void *user, char err[INI_LINES_ERR_LEN])
{
    struct source s = {.f = fopen(path, "re"), .path = path, .on_key = on_key, .user = user, .err = err};
    if (!s.f) {
        const int e = errno;
        snprintf(err, INI_LINES_ERR_LEN, "%.300s: %s", path, strerror(e));
        return -e;
    }
    const int bad_line = ini_parse_stream(next_line, &s, hand_over, &s);
    if (ferror(s.f))
        fail(&s, -EIO, "cannot be read");
    fclose(s.f);
    if (!s.rc && bad_line) { /* reading went on to the end, so the number is inih's */
        s.line = bad_line > 0 ? (unsigned)bad_line : s.line;
        fail(&s, -EINVAL, "neither 'key = value', '[section]' nor a comment");
    }
    return s.rc;
}
