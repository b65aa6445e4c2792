/* Claims about speed: an arm over a base (one size, or a range over sizes), tokens per second, milliseconds per token.
 *
 * Why a number is what it is follows from the roofline: bytes per token over bandwidth. It bounds what the machine could do; it is
 * never taken for a measurement. */
#include "reports/claims_judge.h"

#include <math.h>
#include <string.h>

#include "reports/report_sections.h"

static const struct claim_words no_words = {NULL, 0};

/* One comparison at one model. */
struct pair {
    const struct report_group *g;
    const struct report_cell *arm, *base; /* NULL: missing */
    struct report_interval x;
    bool known; /* the interval is */
};

/* threads: both arms on so many; CLAIM_BEST: each at its best */
static struct pair pair_at(const struct claim_case *k, const struct report_group *g, long long threads)
{
    struct pair p = {.g = g, .x = {(double)NAN, (double)NAN, (double)NAN}};
    p.arm = claim_fastest(g, &k->c->arms, &k->c->embedding, threads);
    p.base = claim_fastest(g, &k->c->base, &no_words, threads);
    if (p.arm && p.base) {
        p.x = report_ratio_of(p.arm, p.base).x;
        p.known = claim_interval_known(p.arm) && claim_interval_known(p.base) && !isnan(p.x.lo);
    }
    return p;
}

static double bytes_per_token(const struct report_cell *c)
{
    return c->work_bytes > 0.0 && c->work_tokens > 0.0 ? c->work_bytes / c->work_tokens : (double)NAN;
}

static const char *percent(struct arena *a, double share)
{
    return arena_fmt(a, "%s %%", number_sig(a, 100.0 * share, 2));
}

static const char *on_threads(struct arena *a, const struct report_cell *c)
{
    return arena_fmt(a, "%s on %s", c->format, text_threads(a, c->threads));
}

/* What the roofline allows as a ratio, and how near both arms come to theirs. */
static void explain_pair(const struct claim_case *k, const struct pair *p, struct claim_result *r)
{
    struct arena *a = k->a;
    const double x = bytes_per_token(p->arm), y = bytes_per_token(p->base);
    claim_add(a, r,
              arena_fmt(a, "%s, %s: %s against %s.", p->arm->model, p->g->title, on_threads(a, p->arm), on_threads(a, p->base)));
    if (report_is_decode(p->arm->test) && !isnan(x) && !isnan(y)) {
        r->ceiling = y / x;
        claim_add(a, r,
                  arena_fmt(a, "%s against %s per token allow a ratio of %s where both read at full bandwidth.", number_bytes(a, x),
                            number_bytes(a, y), number_sig(a, r->ceiling, 3)));
    }
    if (!isnan(p->arm->share) && !isnan(p->base->share))
        claim_add(
            a, r,
            arena_fmt(a, "The arms reach %s and %s of their rooflines.", percent(a, p->arm->share), percent(a, p->base->share)));
}

/* "at equal threads 5.10 [5.0, 5.2] (1), 5.31 [5.2, 5.4] (2)" */
static void explain_equal(const struct claim_case *k, const struct report_group *g, struct claim_result *r)
{
    size_t n = 0;
    const char *s = "";
    const long long *t = report_group_threads(k->a, g, &n);
    for (size_t i = 0; t && i < n; i++) {
        const struct pair p = pair_at(k, g, t[i]);
        if (!isnan(p.x.mid))
            s = arena_fmt(k->a, "%s%s%s (%lld)", s, *s ? ", " : "", text_interval(k->a, p.x, 1.0), t[i]);
    }
    if (*s)
        claim_add(k->a, r, arena_fmt(k->a, "At equal threads: %s.", s));
}

/* The fastest of a sweep with holes is not known to be the best: of the base that flatters the arm, of the arm it wrongs it. */
static void mind_holes(const struct claim_case *k, const struct pair *p, struct claim_result *r)
{
    static const char hole[] = "%s has no result on some thread counts, so its best is not known; %s among the others";
    const char *x = text_interval(k->a, p->x, 1.0);
    if (!report_sweep_complete(p->g, p->base))
        claim_reserve(r, arena_fmt(k->a, hole, p->base->format, x));
    if (r->verdict == VERDICT_FAILS && !report_sweep_complete(p->g, p->arm)) {
        r->verdict = VERDICT_NOT_TESTABLE;
        r->detail = arena_fmt(k->a, hole, p->arm->format, x);
    }
}

static const struct report_group *group_of_both(const struct claim_case *k, const char *model)
{
    const struct report_group *g = claim_group(k, model, &k->c->base);
    return g ? g : claim_group(k, model, &k->c->arms);
}

/* The ratio that bytes alone allow for a model that did not run. */
static void extrapolate_ratio(const struct claim_case *k, const char *model, struct claim_result *r)
{
    double least = (double)NAN;
    const char *format = NULL;
    for (size_t i = 0; i < k->c->arms.n; i++) {
        const double x = claim_token_bytes(k->reg, model, k->c->arms.v[i]);
        if (x > 0.0 && !(x >= least)) {
            least = x;
            format = k->c->arms.v[i];
        }
    }
    const double base = claim_token_bytes(k->reg, model, k->c->base.v[0]);
    if (!format || isnan(base))
        return;
    r->ceiling = base / least;
    claim_add(k->a, r,
              arena_fmt(k->a, "Extrapolated, not measured: %s in %s against %s in %s per token would allow %s.",
                        number_bytes(k->a, least), format, number_bytes(k->a, base), k->c->base.v[0],
                        number_sig(k->a, r->ceiling, 3)));
}

static struct claim_result judge_one(const struct claim_case *k, const char *model)
{
    const struct report_group *g = group_of_both(k, model);
    struct pair p = {.g = NULL};
    if (g)
        p = pair_at(k, g, k->c->threads);
    if (!p.arm || !p.base) {
        const struct claim_words *lost = g && p.arm ? &k->c->base : g && p.base ? &k->c->arms : &k->c->base;
        struct claim_result r = claim_unjudged(VERDICT_NOT_TESTABLE, claim_missing(k, model, lost, k->c->threads), "");
        extrapolate_ratio(k, model, &r);
        return r;
    }
    struct claim_result r = claim_at_least(k, p.x, p.known);
    if (k->c->threads <= 0)
        mind_holes(k, &p, &r);
    explain_pair(k, &p, &r);
    if (k->c->threads <= 0)
        explain_equal(k, g, &r);
    return r;
}

/* ---- a range over sizes ------------------------------------------------------------------------------------------------------- */

struct range {
    size_t ran, met;
    const char *lost, *below; /* sizes that did not run; comparisons below the lower end */
    struct pair lowest, highest;
    bool undecided, no_interval;
    bool reached; /* a comparison is surely as high as the upper end */
};

static void range_check(const struct claim_case *k, struct range *s, const struct pair *p, const char *how)
{
    const double needed = k->c->value.lo - claim_rounding(&k->c->value);
    s->no_interval |= !p->known;
    s->reached |= p->known && p->x.lo >= k->c->value.hi - claim_rounding(&k->c->value);
    if (!s->lowest.arm || p->x.mid < s->lowest.x.mid)
        s->lowest = *p;
    if (!s->highest.arm || p->x.mid > s->highest.x.mid)
        s->highest = *p;
    if (p->known && p->x.lo >= needed)
        return;
    s->undecided |= p->known && p->x.hi >= needed;
    s->below = arena_fmt(k->a, "%s%s%s %s %s", s->below, *s->below ? ", " : "", p->arm->model, how, text_interval(k->a, p->x, 1.0));
}

static void range_size(const struct claim_case *k, struct range *s, const char *model)
{
    size_t n = 0;
    const struct report_group *g = group_of_both(k, model);
    const struct pair best = g ? pair_at(k, g, CLAIM_BEST) : (struct pair){.g = NULL};
    if (!best.arm || !best.base) {
        s->lost = arena_fmt(k->a, "%s%s%s", s->lost, *s->lost ? ", " : "", model);
        return;
    }
    const char *before = s->below;
    s->ran++;
    range_check(k, s, &best, "each at its best");
    const long long *t = report_group_threads(k->a, g, &n);
    for (size_t i = 0; t && i < n; i++) {
        const struct pair p = pair_at(k, g, t[i]);
        if (p.arm && p.base)
            range_check(k, s, &p, arena_fmt(k->a, "on %s", text_threads(k->a, t[i])));
    }
    s->met += s->below == before;
}

static struct claim_result judge_range(const struct claim_case *k)
{
    struct arena *a = k->a;
    struct range s = {.lost = "", .below = ""};
    for (size_t i = 0; i < k->c->models.n; i++)
        range_size(k, &s, k->c->models.v[i]);
    if (s.ran == 0) {
        struct claim_result r =
            claim_unjudged(VERDICT_NOT_TESTABLE, claim_missing(k, k->c->models.v[k->c->models.n - 1], &k->c->base, CLAIM_ANY), "");
        extrapolate_ratio(k, k->c->models.v[k->c->models.n - 1], &r);
        return r;
    }
    struct claim_result r = claim_unjudged(VERDICT_HOLDS, "", "");
    r.measured = (struct report_interval){s.highest.x.mid, s.highest.x.lo, s.highest.x.hi};
    r.needed = k->c->value.lo;
    const char *span = arena_fmt(a, "%s to %s", number_sig(a, s.lowest.x.mid, 3), number_sig(a, s.highest.x.mid, 3));
    if (s.no_interval)
        r = claim_unjudged(VERDICT_NOT_TESTABLE,
                           arena_fmt(a, "measured %s, but partly without an interval, which two repetitions give", span), "");
    else if (s.met == 0 && !s.undecided) {
        r.verdict = VERDICT_FAILS;
        r.detail = arena_fmt(a, "measured %s, needed %s at every size", text_interval(a, s.highest.x, 1.0), k->c->value.as);
    } else if (*s.below || *s.lost || !s.reached) {
        r.verdict = VERDICT_IN_PART;
        r.detail = arena_fmt(a, "%zu of %zu sizes ran, %s%s%s%s%s%s", s.ran, k->c->models.n,
                             *s.below ? "not shown to reach the lower end: " : "all above the lower end", s.below,
                             s.reached ? "; the upper end is reached" : "; no size is shown to reach the upper end",
                             *s.lost ? "; not run: " : "", s.lost, "");
    }
    claim_add(a, &r,
              arena_fmt(a, "Measured %s over sizes and thread counts, highest %s at %s (%s against %s).", span,
                        text_interval(a, s.highest.x, 1.0), s.highest.arm->model, on_threads(a, s.highest.arm),
                        on_threads(a, s.highest.base)));
    explain_pair(k, &s.highest, &r);
    return r;
}

struct claim_result claim_judge_speedup(const struct claim_case *k)
{
    const bool range = k->c->value.lo < k->c->value.hi;
    return range && k->c->models.n > 1 ? judge_range(k) : judge_one(k, k->c->models.v[0]);
}

/* ---- tokens per second, milliseconds per token -------------------------------------------------------------------------------- */

/* In the unit of the claim: x tokens/s, or 1000 / x milliseconds. */
static double in_unit(const struct claim_case *k, double tokens_per_s)
{
    return k->c->metric == CLAIM_LATENCY_MS ? 1e3 / tokens_per_s : tokens_per_s;
}

static double needed_tokens_per_s(const struct claim_case *k)
{
    return k->c->metric == CLAIM_LATENCY_MS ? 1e3 / k->c->value.hi : k->c->value.lo;
}

/* Bytes over bandwidth: what the claim needs, and what this machine could do at most. */
static void explain_bandwidth(const struct claim_case *k, double bytes, const char *what, struct claim_result *r)
{
    struct arena *a = k->a;
    const double gb_s = claim_read_gb_s(k->run), needed = needed_tokens_per_s(k);
    if (isnan(bytes))
        return;
    claim_add(a, r,
              arena_fmt(a, "%s reads %s per token: %s tokens/s need %s GB/s.", what, number_bytes(a, bytes),
                        number_sig(a, needed, 3), number_sig(a, needed * bytes / 1e9, 3)));
    if (isnan(gb_s))
        return;
    r->ceiling = in_unit(k, gb_s * 1e9 / bytes);
    claim_add(a, r,
              arena_fmt(a, "The fastest reading that was measured here is %s GB/s, so at most %s tokens/s.", number_sig(a, gb_s, 3),
                        number_sig(a, gb_s * 1e9 / bytes, 3)));
}

static void extrapolate_rate(const struct claim_case *k, const char *model, struct claim_result *r)
{
    double least = (double)NAN;
    const char *format = "";
    for (size_t i = 0; i < k->c->arms.n; i++) {
        const double x = claim_token_bytes(k->reg, model, k->c->arms.v[i]);
        if (x > 0.0 && !(x >= least)) {
            least = x;
            format = k->c->arms.v[i];
        }
    }
    if (report_is_decode(k->c->test) && !isnan(least))
        explain_bandwidth(k, least, arena_fmt(k->a, "Extrapolated, not measured: %s in %s", model, format), r);
}

static void explain_rate(const struct claim_case *k, const struct report_group *g, const struct report_cell *c,
                         struct claim_result *r)
{
    struct arena *a = k->a;
    claim_add(a, r, arena_fmt(a, "%s, %s: %s.", c->model, g->title, on_threads(a, c)));
    if (report_is_decode(c->test))
        explain_bandwidth(k, bytes_per_token(c), arena_fmt(a, "%s in %s", c->model, c->format), r);
    else if (!isnan(c->limit_tps)) {
        r->ceiling = in_unit(k, c->limit_tps);
        claim_add(a, r,
                  arena_fmt(a, "The roofline on %s allows %s tokens/s%s%s.", text_threads(a, c->threads),
                            number_sig(a, c->limit_tps, 3), c->bound ? ", bound by " : "", c->bound ? c->bound : ""));
    }
}

/* The most threads any ok cell of the group ran on */
static long long most_threads(const struct report_group *g)
{
    long long most = 0;
    for (size_t i = 0; i < g->n; i++)
        if (g->cells[i]->ok && g->cells[i]->threads > most)
            most = g->cells[i]->threads;
    return most;
}

struct claim_result claim_judge_rate(const struct claim_case *k)
{
    struct arena *a = k->a;
    const char *model = k->c->models.v[0];
    const struct report_group *g = claim_group(k, model, &k->c->arms);
    const bool fewer = g && k->c->threads > most_threads(g);
    const struct report_cell *c = g ? claim_fastest(g, &k->c->arms, &k->c->embedding, fewer ? CLAIM_BEST : k->c->threads) : NULL;
    if (!c) {
        const char *lost = claim_missing(k, model, &k->c->arms, k->c->threads);
        if (g && k->c->embedding.n)
            lost = arena_fmt(a, "%s and embedding %s", lost, claim_join(a, &k->c->embedding, " or "));
        struct claim_result r = claim_unjudged(VERDICT_NOT_TESTABLE, lost, "");
        extrapolate_rate(k, model, &r);
        return r;
    }
    struct report_interval x = {in_unit(k, c->tps.mid), in_unit(k, c->tps.lo), in_unit(k, c->tps.hi)};
    const bool latency = k->c->metric == CLAIM_LATENCY_MS, known = claim_interval_known(c);
    if (latency)
        x = (struct report_interval){x.mid, x.hi, x.lo};
    struct claim_result r = latency ? claim_at_most(k, x, known) : claim_at_least(k, x, known);
    /* with fewer threads than the claim has, falling short proves nothing */
    if (fewer && r.verdict != VERDICT_HOLDS && known) {
        r.verdict = VERDICT_NOT_TESTABLE;
        r.detail = arena_fmt(a, "needs %s; %s here, the most that ran: %s %s", text_threads(a, k->c->threads),
                             text_threads(a, most_threads(g)), text_interval(a, x, 1.0), claims_unit(k->c->metric));
    }
    explain_rate(k, g, c, &r);
    return r;
}
