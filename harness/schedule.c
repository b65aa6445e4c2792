/* Groups -> batches by first fit in the order of the plan, with the base in front; then the contests of each batch. */
#include "harness/schedule.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Largest of the group's cells; 0: none of them is run. */
static double group_need(const struct plan *p, size_t group)
{
    double need = 0;
    for (size_t i = 0; i < p->n_cells; i++)
        if (p->cells[i].group == group && !p->cells[i].reason[0])
            need = fmax(need, p->cells[i].need_bytes);
    return need;
}

static bool same_model(const struct plan *p, size_t a, size_t b)
{
    return !strcmp(p->groups[a].spec, p->groups[b].spec) && p->groups[a].quality == p->groups[b].quality;
}

static bool holds(const struct batch *b, size_t group)
{
    for (size_t i = 0; i < b->n_groups; i++)
        if (b->groups[i] == group)
            return true;
    return false;
}

static int add_group(const struct plan *p, struct batch *b, size_t group)
{
    size_t *grown = realloc(b->groups, (b->n_groups + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    b->groups = grown;
    grown[b->n_groups++] = group;
    const double need = group_need(p, group);
    b->need_bytes = b->by_turns ? fmax(b->need_bytes, need) : b->need_bytes + need;
    return 0;
}

static struct batch *new_batch(struct schedule *s)
{
    struct batch *grown = realloc(s->batches, (s->n_batches + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    s->batches = grown;
    grown[s->n_batches] = (struct batch){0};
    return &grown[s->n_batches++];
}

/* Puts a group, and its base where it has one, into a batch of its model that has room: one of those from `first` on. */
static int place(const struct plan *p, struct schedule *s, size_t first, size_t group)
{
    const size_t base = plan_base_group(p, group);
    const bool paired = base != group && base < p->n_groups && group_need(p, base) > 0;
    const double need = group_need(p, group), base_need = paired ? group_need(p, base) : 0;
    for (size_t i = first; i < s->n_batches; i++) {
        struct batch *b = &s->batches[i];
        const bool add_base = paired && !holds(b, base);
        if (b->by_turns || b->need_bytes + need + (add_base ? base_need : 0) > p->mem_available)
            continue;
        if (add_base && add_group(p, b, base))
            return -ENOMEM;
        return add_group(p, b, group);
    }
    struct batch *b = new_batch(s);
    if (!b)
        return -ENOMEM;
    b->by_turns = paired && need + base_need > p->mem_available;
    if (paired && add_group(p, b, base))
        return -ENOMEM;
    return add_group(p, b, group);
}

static bool placed(const struct schedule *s, size_t first, size_t group)
{
    for (size_t i = first; i < s->n_batches; i++)
        if (holds(&s->batches[i], group))
            return true;
    return false;
}

/* All groups of the model that `leader` is the first of. A base is placed by those that need it, else on its own. */
static int batch_model(const struct plan *p, struct schedule *s, size_t leader)
{
    const size_t first = s->n_batches;
    int rc = 0;
    for (int pass = 0; pass < 2; pass++) /* those that have a base, then what is left */
        for (size_t g = leader; g < p->n_groups && !rc; g++) {
            const size_t base = plan_base_group(p, g);
            if (!same_model(p, leader, g) || !(group_need(p, g) > 0) || placed(s, first, g))
                continue;
            if (pass || (base < p->n_groups && base != g))
                rc = place(p, s, first, g);
        }
    return rc;
}

/* ---- contests ------------------------------------------------------------------------------------------------------- */

static int add_contest(const struct plan *p, struct schedule *s, size_t batch, size_t leader)
{
    const struct batch *b = &s->batches[batch];
    struct contest *grown = realloc(s->contests, (s->n_contests + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    s->contests = grown;
    struct contest *c = &grown[s->n_contests];
    *c = (struct contest){.batch = batch, .cells = calloc(b->n_groups, sizeof *c->cells)};
    if (!c->cells)
        return -ENOMEM;
    s->n_contests++;
    for (size_t i = 0; i < p->n_cells; i++)
        if (!p->cells[i].reason[0] && holds(b, p->cells[i].group) && plan_same_contest(p, &p->cells[leader], &p->cells[i]))
            c->cells[c->n_cells++] = i;
    return 0;
}

static int add_contests(const struct plan *p, struct schedule *s, size_t batch)
{
    const size_t first = s->n_contests;
    int rc = 0;
    for (size_t i = 0; i < p->n_cells && !rc; i++) {
        bool seen = p->cells[i].reason[0] || !holds(&s->batches[batch], p->cells[i].group);
        for (size_t k = first; k < s->n_contests && !seen; k++)
            seen = plan_same_contest(p, &p->cells[s->contests[k].cells[0]], &p->cells[i]);
        if (!seen)
            rc = add_contest(p, s, batch, i);
    }
    return rc;
}

int schedule_make(const struct plan *p, struct schedule *out)
{
    int rc = 0;
    *out = (struct schedule){0};
    for (size_t g = 0; g < p->n_groups && !rc; g++) {
        bool leader = true;
        for (size_t k = 0; k < g; k++)
            leader &= !same_model(p, k, g);
        if (leader)
            rc = batch_model(p, out, g);
    }
    for (size_t b = 0; b < out->n_batches && !rc; b++)
        rc = add_contests(p, out, b);
    if (rc)
        schedule_free(out);
    return rc;
}

void schedule_free(struct schedule *s)
{
    for (size_t i = 0; i < s->n_batches; i++)
        free(s->batches[i].groups);
    for (size_t i = 0; i < s->n_contests; i++)
        free(s->contests[i].cells);
    free(s->batches);
    free(s->contests);
    *s = (struct schedule){0};
}

bool contest_has(const struct contest *c, size_t cell)
{
    for (size_t i = 0; i < c->n_cells; i++)
        if (c->cells[i] == cell)
            return true;
    return false;
}

size_t schedule_contests_of(const struct schedule *s, size_t cell)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_contests; i++)
        n += contest_has(&s->contests[i], cell);
    return n;
}

unsigned schedule_passes(const struct plan *p, const struct schedule *s, const struct suite *suite)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_contests; i++)
        n += !p->cells[s->contests[i].cells[0]].quality;
    return n > 1 ? suite_passes(suite) : 1;
}

double schedule_need_bytes(const struct plan *p, const struct schedule *s)
{
    double together = 0, by_turns = 0;
    for (size_t g = 0; g < p->n_groups; g++) {
        bool stays = false;
        for (size_t i = 0; i < s->n_batches; i++) {
            stays |= holds(&s->batches[i], g) && !s->batches[i].by_turns && !p->groups[g].quality;
            by_turns = s->batches[i].by_turns ? fmax(by_turns, s->batches[i].need_bytes) : by_turns;
        }
        together += stays ? group_need(p, g) : 0;
    }
    return together + by_turns;
}
