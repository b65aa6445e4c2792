/* Source "meter:FILE.csv[,offset=SECONDS]": what an external power meter wrote down, cut to the window by its times.
 *
 * The file: one reading per line, "time,watts" or "time;watts" with decimal points, '#' begins a comment. A first line with names may
 * say which columns these are: time | timestamp | unix_s, and watts | w | power_w | power_mw. Time is seconds since 1970 (with
 * decimals) or 2026-11-23T06:00:00.25Z. `offset` is added to the meter's times, for a meter whose clock is off. Energy is the
 * integral by the trapezoid rule, interpolated at both ends of the window. Meters write late: if the file ends before the window
 * does, it is read again for up to 3 s. It is the only source that sees the wall plug. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "profiles/energy_source.h"

static const double max_gap_s = 5.0, max_w = 1e6;
enum { TRIES = 31, /* every 0.1 s */ MIN_READINGS = 4, LINE_LEN = 1024, MAX_COLUMNS = 32 };

struct meter {
    char path[512];
    double offset_s;
    size_t time_column, watts_column;
    double watts_scale;
};

/* The integral so far, reading by reading. */
struct cut {
    double from_s, to_s, joules;
    double last_s, last_w; /* the reading before; NAN: none */
    double gap_s;          /* longest inside the window */
    size_t inside;         /* readings inside the window */
    bool began_before, ended_after;
};

/* ---- parsing ---- */

/* Cuts a line at its separators, in place, blanks around a field removed; returns the number of fields. Where there is a
 * semicolon, commas separate nothing: they may be those of decimals, as in "25;42,5", of which no number must be made. */
static size_t split(char *line, char *field[MAX_COLUMNS])
{
    size_t n = 0;
    const char *separator = strchr(line, ';') ? ";" : ",";
    for (char *p = line; p && n < MAX_COLUMNS;) {
        char *end = strpbrk(p, separator);
        if (end)
            *end++ = '\0';
        p += strspn(p, " \t\"");
        char *last = p + strlen(p);
        while (last > p && (isspace((unsigned char)last[-1]) || last[-1] == '"'))
            *--last = '\0';
        field[n++] = p;
        p = end;
    }
    return n;
}

static bool parse_number(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && isfinite(*out);
}

/* Seconds since 1970 of "1795413600.25" or "2026-11-23T06:00:00.25Z". */
static bool parse_time(const char *text, double *out)
{
    struct tm tm = {0};
    if (parse_number(text, out))
        return true;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    char *end;
    double fraction = 0;
    if (!rest)
        return false;
    if (*rest == '.') {
        fraction = strtod(rest, &end);
        rest = end;
    }
    *out = (double)timegm(&tm) + fraction;
    return strcmp(rest, "Z") == 0 || strcmp(rest, "+00:00") == 0;
}

static bool is_word(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcasecmp(word, *list) == 0)
            return true;
    return false;
}

/* Takes the columns from a line of names. False: the line has no names of ours. */
static bool take_header(struct meter *m, char *const *field, size_t n)
{
    static const char *const times[] = {"time", "timestamp", "unix_s", NULL}, *const watts[] = {"watts", "w", "power_w", NULL},
                             *const milliwatts[] = {"power_mw", "mw", NULL};
    bool time = false, power = false;
    for (size_t i = 0; i < n; i++) {
        const bool milli = is_word(field[i], milliwatts);
        if (is_word(field[i], times)) {
            m->time_column = i;
            time = true;
        } else if (milli || is_word(field[i], watts)) {
            m->watts_column = i;
            m->watts_scale = milli ? 1e-3 : 1;
            power = true;
        }
    }
    return time && power;
}

/* ---- integration ---- */

static void add_reading(struct cut *k, double t, double w)
{
    if (!isnan(k->last_s) && t > k->from_s && k->last_s < k->to_s) {
        const double a = fmax(k->last_s, k->from_s), b = fmin(t, k->to_s), slope = (w - k->last_w) / (t - k->last_s);
        const double wa = k->last_w + slope * (a - k->last_s), wb = k->last_w + slope * (b - k->last_s);
        k->joules += 0.5 * (wa + wb) * (b - a);
        k->gap_s = fmax(k->gap_s, t - k->last_s);
    }
    k->inside += t >= k->from_s && t <= k->to_s;
    k->began_before |= t <= k->from_s;
    k->ended_after |= t >= k->to_s;
    k->last_s = t;
    k->last_w = w;
}

/* Handles line `number` of the file. False: reason tells what is wrong with it. */
static bool take_line(struct meter *m, struct cut *k, char *line, size_t number, char reason[METRIC_REASON_LEN])
{
    char *field[MAX_COLUMNS];
    double t, w;
    line[strcspn(line, "#\r\n")] = '\0';
    if (!line[strspn(line, " \t,;")])
        return true;
    const size_t n = split(line, field);
    if (isnan(k->last_s) && isalpha((unsigned char)field[0][0]) && take_header(m, field, n))
        return true;
    if (m->time_column >= n || m->watts_column >= n || !parse_time(field[m->time_column], &t) ||
        !parse_number(field[m->watts_column], &w)) {
        snprintf(reason, METRIC_REASON_LEN,
                 "%.120s:%zu: expected time,watts with decimal points (seconds since 1970 or 2026-11-23T06:00:00Z)", m->path,
                 number);
        return false;
    }
    t += m->offset_s;
    w *= m->watts_scale;
    if (!(w >= 0 && w <= max_w))
        snprintf(reason, METRIC_REASON_LEN, "%.120s:%zu: %g W is no possible power", m->path, number, w);
    else if (t <= k->last_s)
        snprintf(reason, METRIC_REASON_LEN, "%.120s:%zu: the time does not go on", m->path, number);
    if (reason[0])
        return false;
    add_reading(k, t, w);
    return true;
}

/* The whole file. A last line without its end is still being written and is left alone. */
static bool read_file(const struct meter *base, struct cut *k, char reason[METRIC_REASON_LEN])
{
    struct meter m = *base;
    char line[LINE_LEN];
    FILE *f = fopen(m.path, "re");
    if (!f) {
        snprintf(reason, METRIC_REASON_LEN, "%.120s: %s", m.path, strerror(errno));
        return false;
    }
    bool ok = true;
    for (size_t number = 1; ok && fgets(line, sizeof line, f) && strchr(line, '\n'); number++)
        ok = take_line(&m, k, line, number, reason);
    fclose(f);
    return ok;
}

static void judge(const struct meter *m, const struct cut *k, char reason[METRIC_REASON_LEN])
{
    if (isnan(k->last_s))
        snprintf(reason, METRIC_REASON_LEN, "%.120s: holds no reading yet", m->path);
    else if (!k->began_before)
        snprintf(reason, METRIC_REASON_LEN,
                 "%.120s: the first reading is later than the start of the window; start the meter earlier", m->path);
    else if (!k->ended_after)
        snprintf(
            reason, METRIC_REASON_LEN,
            "%.120s: the last reading lies %.3g s before the end of the window; let the meter run on, or set offset=SECONDS if its "
            "clock is off",
            m->path, k->to_s - k->last_s);
    else if (k->gap_s > max_gap_s)
        snprintf(reason, METRIC_REASON_LEN, "%.120s: no reading for %.3g s inside the window (limit %g s)", m->path, k->gap_s,
                 max_gap_s);
    else if (k->inside < MIN_READINGS)
        snprintf(reason, METRIC_REASON_LEN,
                 "%.120s: only %zu readings in a window of %.3g s; measure longer or let it write more often", m->path, k->inside,
                 k->to_s - k->from_s);
}

/* Only a file that is fine and ends too early is worth waiting for. */
static bool meter_record(const struct energy_channels *c, double from_s, double to_s, double *joules,
                         char reason[METRIC_REASON_LEN])
{
    const struct meter *m = c->own;
    for (int tries = 1;; tries++) {
        struct cut k = {.from_s = from_s, .to_s = to_s, .last_s = (double)NAN};
        reason[0] = '\0';
        const bool fine = read_file(m, &k, reason);
        if (fine)
            judge(m, &k, reason);
        *joules = k.joules;
        if (!fine || k.ended_after || tries == TRIES)
            return !reason[0];
        energy_sleep_s(&c->env, 0.1);
    }
}

/* ---- the source ---- */

/* "FILE" or "FILE,offset=SECONDS" */
static bool parse_argument(const char *argument, struct meter *m)
{
    const char *option = strstr(argument, ",offset=");
    const size_t n = option ? (size_t)(option - argument) : strlen(argument);
    if (n == 0 || n >= sizeof m->path)
        return false;
    memcpy(m->path, argument, n);
    return !option || parse_number(option + 8, &m->offset_s);
}

static int meter_open(struct energy_channels *c)
{
    struct meter *m = calloc(1, sizeof *m);
    struct energy_channel *ch = m ? energy_add(c) : NULL;
    c->own = m;
    if (!ch)
        return -ENOMEM;
    m->watts_column = 1;
    m->watts_scale = 1;
    ch->domain = ENERGY_BOARD;
    snprintf(ch->name, sizeof ch->name, "external meter");
    if (!parse_argument(c->argument ? c->argument : "", m)) {
        snprintf(ch->problem, sizeof ch->problem, "needs the file of a meter: --source meter:FILE.csv[,offset=SECONDS]");
        return 0;
    }
    const char *base = strrchr(m->path, '/');
    snprintf(ch->label, sizeof ch->label, "%s", base ? base + 1 : m->path);
    FILE *f = fopen(m->path, "re");
    if (f)
        fclose(f);
    else
        snprintf(ch->problem, sizeof ch->problem, "%.120s: %s", m->path, strerror(errno));
    return 0;
}

static void meter_close(struct energy_channels *c)
{
    free(c->own);
}

const struct energy_source energy_meter = {
    .name = "meter",
    .title = "an external meter's file: --source meter:FILE.csv[,offset=SECONDS]",
    .kind = ENERGY_RECORD,
    .ask_only = true,
    .open = meter_open,
    .record = meter_record,
    .close = meter_close,
};
