/* Text for reports: buffer, arena, numbers, file output. Escaping is in report_escape.c.
 *
 * The arena is a list of separately allocated nodes, freed together. Numbers are formatted in the C locale, which a C program
 * has unless it asks for another. */
#include "reports/report_text.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool textbuf_room(struct textbuf *b, size_t n)
{
    if (b->oom)
        return false;
    if (n < b->cap - b->len)
        return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap - b->len <= n) {
        if (cap > SIZE_MAX / 2) {
            b->oom = true;
            return false;
        }
        cap *= 2;
    }
    char *s = realloc(b->s, cap);
    if (!s) {
        b->oom = true;
        return false;
    }
    b->s = s;
    b->cap = cap;
    return true;
}

void textbuf_put(struct textbuf *b, const char *s, size_t n)
{
    if (!textbuf_room(b, n))
        return;
    memcpy(b->s + b->len, s, n);
    b->len += n;
    b->s[b->len] = '\0';
}

void textbuf_add(struct textbuf *b, const char *s)
{
    textbuf_put(b, s, strlen(s));
}

void textbuf_addf(struct textbuf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        b->oom = true;
    else if (textbuf_room(b, (size_t)n)) {
        vsnprintf(b->s + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void textbuf_free(struct textbuf *b)
{
    free(b->s);
    *b = (struct textbuf){0};
}

struct arena_node {
    struct arena_node *next;
    _Alignas(max_align_t) char data[];
};

void *arena_alloc(struct arena *a, size_t n)
{
    if (a->oom || n > SIZE_MAX - sizeof(struct arena_node)) {
        a->oom = true;
        return NULL;
    }
    struct arena_node *node = calloc(1, sizeof(*node) + n);
    if (!node) {
        a->oom = true;
        return NULL;
    }
    node->next = a->head;
    a->head = node;
    return node->data;
}

void *arena_grow(struct arena *a, void *array, size_t n, size_t elem)
{
    if (n != 0 && (n & (n - 1)) != 0)
        return array; /* there is room up to the next power of two */
    if (n > SIZE_MAX / 2 / elem) {
        a->oom = true;
        return NULL;
    }
    void *bigger = arena_alloc(a, (n ? 2 * n : 1) * elem);
    if (bigger && n)
        memcpy(bigger, array, n * elem);
    return bigger;
}

const char *arena_fmt(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *s = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (s)
        vsnprintf(s, (size_t)n + 1, fmt, again);
    else
        a->oom = true;
    va_end(again);
    return s ? s : "";
}

void arena_free(struct arena *a)
{
    while (a->head) {
        struct arena_node *next = a->head->next;
        free(a->head);
        a->head = next;
    }
    *a = (struct arena){0};
}

const char *number_sig(struct arena *a, double v, int digits)
{
    if (!isfinite(v))
        return "n/a";
    if (v == 0.0)
        return "0";
    /* The exponent after rounding: 9.996 with 3 digits is 1.00e+01, so it is written 10.0. */
    char e[64];
    snprintf(e, sizeof(e), "%.*e", digits - 1, v);
    const long exponent = strtol(strchr(e, 'e') + 1, NULL, 10);
    if (exponent < -4 || exponent > 14)
        return arena_fmt(a, "%s", e);
    return arena_fmt(a, "%.*f", exponent >= digits - 1 ? 0 : digits - 1 - (int)exponent, v);
}

const char *number_bytes(struct arena *a, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    if (!isfinite(bytes))
        return "n/a";
    size_t u = 0;
    while (fabs(bytes) >= 999.5 && u + 1 < sizeof(units) / sizeof(units[0])) {
        bytes /= 1000.0;
        u++;
    }
    return arena_fmt(a, "%s %s", number_sig(a, bytes, 3), units[u]);
}

const char *number_exact(struct arena *a, double v)
{
    if (!isfinite(v))
        return "";
    if (v == floor(v) && fabs(v) < 1e15)
        return arena_fmt(a, "%.0f", v);
    for (int digits = 1; digits < 17; digits++) {
        char s[64];
        snprintf(s, sizeof(s), "%.*g", digits, v);
        if (strtod(s, NULL) == v)
            return arena_fmt(a, "%s", s);
    }
    return arena_fmt(a, "%.17g", v);
}

int write_text_file(const char *path, const struct textbuf *b)
{
    if (b->oom)
        return -ENOMEM;
    struct textbuf tmp = {0};
    textbuf_addf(&tmp, "%s.new", path);
    if (tmp.oom) {
        textbuf_free(&tmp);
        return -ENOMEM;
    }
    int rc = 0;
    FILE *f = fopen(tmp.s, "w");
    if (!f) {
        rc = -errno;
        goto out;
    }
    if (b->len && fwrite(b->s, 1, b->len, f) != b->len)
        rc = -errno;
    if (fclose(f) != 0 && rc == 0)
        rc = -errno;
    if (rc == 0 && rename(tmp.s, path) != 0)
        rc = -errno;
    if (rc != 0)
        unlink(tmp.s);
out:
    textbuf_free(&tmp);
    return rc;
}
