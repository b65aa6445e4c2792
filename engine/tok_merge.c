/* Joins neighbouring symbols of a text, the best pair first, until no pair is left.
 *
 * The symbols are a linked list in an array. All pairs that may be joined wait in a binary heap; joining two makes at most two
 * new pairs, so n symbols cost O(n log n) also when the text is one long run of spaces. Pairs whose symbols have changed since
 * stay in the heap and are recognised when they come up: a symbol's length only grows, or becomes 0 for good.
 * Which pairs may be joined, and their order, is the caller's. */
#include <errno.h>
#include <stdlib.h>

#include "engine/tok_internal.h"

#define NO_SYM UINT32_MAX

int tok_work_add(struct tok_work *w, size_t off, size_t len, int32_t id)
{
    if (w->n_sym == w->cap_sym) {
        const size_t cap = w->cap_sym ? w->cap_sym * 2 : 64;
        struct tok_sym *sym = realloc(w->sym, cap * sizeof *sym);
        if (!sym)
            return -ENOMEM;
        w->sym = sym;
        w->cap_sym = cap;
    }
    const uint32_t i = (uint32_t)w->n_sym++; /* off + len <= TOK_MAX_RUN: fits */
    w->sym[i] = (struct tok_sym){.off = (uint32_t)off, .len = (uint32_t)len, .prev = i ? i - 1 : NO_SYM, .next = NO_SYM, .id = id};
    if (i)
        w->sym[i - 1].next = i;
    return 0;
}

void tok_work_free(struct tok_work *w)
{
    free(w->sym);
    free(w->heap);
}

static bool before(const struct tok_pair *a, const struct tok_pair *b)
{
    return a->key != b->key ? a->key < b->key : a->left < b->left;
}

static int heap_push(struct tok_work *w, struct tok_pair p)
{
    if (w->n_heap == w->cap_heap) {
        const size_t cap = w->cap_heap ? w->cap_heap * 2 : 64;
        struct tok_pair *heap = realloc(w->heap, cap * sizeof *heap);
        if (!heap)
            return -ENOMEM;
        w->heap = heap;
        w->cap_heap = cap;
    }
    size_t i = w->n_heap++;
    while (i > 0 && before(&p, &w->heap[(i - 1) / 2])) {
        w->heap[i] = w->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->heap[i] = p;
    return 0;
}

static struct tok_pair heap_pop(struct tok_work *w)
{
    const struct tok_pair top = w->heap[0], last = w->heap[--w->n_heap];
    size_t i = 0;
    for (size_t child = 1; child < w->n_heap; child = 2 * i + 1) {
        if (child + 1 < w->n_heap && before(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (!before(&w->heap[child], &last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return top;
}

static int try_pair(const struct tokenizer *t, struct tok_work *w, uint32_t left, uint32_t right, tok_pair_fn pair)
{
    if (left == NO_SYM || right == NO_SYM)
        return 0;
    const struct tok_sym *a = &w->sym[left], *b = &w->sym[right];
    struct tok_pair p = {.left = left, .right = right, .len = a->len + b->len};
    return pair(t, w, a, b, &p) ? heap_push(w, p) : 0;
}

int tok_work_merge(const struct tokenizer *t, struct tok_work *w, tok_pair_fn pair)
{
    int rc = 0;
    w->n_heap = 0;
    for (uint32_t i = 1; rc == 0 && i < w->n_sym; i++)
        rc = try_pair(t, w, i - 1, i, pair);
    while (rc == 0 && w->n_heap > 0) {
        const struct tok_pair p = heap_pop(w);
        struct tok_sym *a = &w->sym[p.left], *b = &w->sym[p.right];
        if (a->len == 0 || b->len == 0 || a->len + b->len != p.len)
            continue; /* one of them has changed */
        a->len = p.len;
        a->id = p.id;
        a->next = b->next;
        if (b->next != NO_SYM)
            w->sym[b->next].prev = p.left;
        b->len = 0;
        rc = try_pair(t, w, a->prev, p.left, pair);
        if (rc == 0)
            rc = try_pair(t, w, p.left, a->next, pair);
    }
    return rc;
}
