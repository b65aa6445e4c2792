/* Text for reports: a growing buffer, an arena for the strings of one report, numbers with sensible digits, and escaping.
 *
 * A failed allocation sets the `oom` flag of the buffer or arena and later calls do nothing, so that text can be built in a
 * straight line and is checked once, at the end. */
#ifndef BITJOULE_REPORT_TEXT_H
#define BITJOULE_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A growing, zero-terminated buffer. Start with {0}. */
struct textbuf {
    char *s; /* NULL as long as it is empty */
    size_t len, cap;
    bool oom;
};

void textbuf_put(struct textbuf *b, const char *s, size_t n);
void textbuf_add(struct textbuf *b, const char *s);
void textbuf_addf(struct textbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void textbuf_free(struct textbuf *b);

/* Memory that lives as long as one report. Start with {0}. */
struct arena {
    struct arena_node *head;
    bool oom;
};

void *arena_alloc(struct arena *a, size_t n); /* zeroed; NULL when oom */
/* Grows an array of n elements by one; doubles the room at powers of two. Returns the array (maybe moved) or NULL when oom. */
void *arena_grow(struct arena *a, void *array, size_t n, size_t elem);
const char *arena_fmt(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* never NULL */
void arena_free(struct arena *a);

/* Numbers; "n/a" for NAN and infinities. `digits`: significant digits; integers are never cut: 123456 with 3 digits stays. */
const char *number_sig(struct arena *a, double v, int digits);
const char *number_bytes(struct arena *a, double bytes); /* "1.25 GB", decimal prefixes */
/* Shortest text that reads back as the same double, whole numbers in full; "" for NAN. */
const char *number_exact(struct arena *a, double v);

/* Appends s (NULL: nothing) as text of a format, so that no part of it acts as markup. Control characters become spaces. */
void escape_html(struct textbuf *b, const char *s);
void escape_markdown(struct textbuf *b, const char *s);
void escape_csv(struct textbuf *b, const char *s);     /* RFC 4180: quoted when needed; line breaks are kept */
void escape_gnuplot(struct textbuf *b, const char *s); /* with its single quotes around */
void escape_shell(struct textbuf *b, const char *s);   /* one POSIX shell word */

/* Lower-case letters, digits and '-' only; for file names. */
const char *text_slug(struct arena *a, const char *s);

/* Writes the buffer to `path` through a temporary file beside it. 0 or negative errno. */
int write_text_file(const char *path, const struct textbuf *b);

#endif
