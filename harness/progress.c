/* Progress lines and bar. The bar is erased before each line and drawn again after it. */
#include "harness/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "profiles/time_clock.h"

void progress_begin(struct progress *p, FILE *out, const struct plan *plan)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    *p = (struct progress){.out = out, .plan = plan, .began_s = time_now_s()};
    p->terminal = isatty(fileno(out)) && term && strcmp(term, "dumb");
    p->colour = p->terminal && !(no_color && no_color[0]);
    for (size_t i = 0; i < plan->n_cells; i++)
        if (!plan->cells[i].reason[0])
            p->total_s += plan->cells[i].estimate_s;
}

double progress_left_s(const struct progress *p, double now_s)
{
    const double left = p->total_s - p->done_s;
    return p->done_s > 0 ? left * (now_s - p->began_s) / p->done_s : left;
}

void progress_duration(double s, char *buf, size_t len)
{
    const long t = lround(s);
    if (t < 60)
        snprintf(buf, len, "%ld s", t);
    else if (t < 3600)
        snprintf(buf, len, "%ld min %02ld s", t / 60, t % 60);
    else
        snprintf(buf, len, "%ld h %02ld min", t / 3600, t % 3600 / 60);
}

static void erase(struct progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", p->out);
    p->drawn = false;
}

void progress_step(struct progress *p, const struct cell *c, const char *what)
{
    enum { WIDTH = 20 };
    char id[PLAN_ID_LEN] = "", left[32], line[512], bar[WIDTH + 1];
    struct winsize size;
    if (!p->terminal)
        return;
    const int columns = !ioctl(fileno(p->out), TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
    const int filled = p->total_s > 0 ? (int)(WIDTH * p->done_s / p->total_s) : 0;
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < filled ? '=' : i == filled ? '>' : ' ';
    bar[WIDTH] = 0;
    if (c)
        plan_cell_id(p->plan, c, id);
    progress_duration(progress_left_s(p, time_now_s()), left, sizeof left);
    snprintf(line, sizeof line, "[%s] %zu/%zu  ETA %s  %s %s", bar, p->done, p->plan->n_cells, left, id, what);
    erase(p);
    fprintf(p->out, "%.*s", columns - 1, line);
    fflush(p->out);
    p->drawn = true;
}

void progress_advance(struct progress *p, double estimate_s)
{
    p->done_s += estimate_s;
}

void progress_cell_done(struct progress *p, const struct cell *c, const char *outcome, bool bad)
{
    char id[PLAN_ID_LEN], left[32];
    p->done++;
    plan_cell_id(p->plan, c, id);
    progress_duration(progress_left_s(p, time_now_s()), left, sizeof left);
    erase(p);
    fprintf(p->out, "[%zu/%zu] %s: %s%s%s", p->done, p->plan->n_cells, id, bad && p->colour ? "\033[31m" : "", outcome,
            bad && p->colour ? "\033[0m" : "");
    fprintf(p->out, p->done < p->plan->n_cells ? "  (ETA %s)\n" : "\n", left);
    fflush(p->out);
}

void progress_pass_done(struct progress *p, const char *contest, unsigned pass, unsigned passes, unsigned rounds)
{
    char left[32];
    progress_duration(progress_left_s(p, time_now_s()), left, sizeof left);
    erase(p);
    fprintf(p->out, "pass %u/%u %s: %u rounds  (ETA %s)\n", pass, passes, contest, rounds, left);
    fflush(p->out);
}

void progress_note(struct progress *p, const char *text)
{
    erase(p);
    fprintf(p->out, "bitjoule: %s\n", text);
    fflush(p->out);
}

void progress_end(struct progress *p)
{
    erase(p);
    fflush(p->out);
}
