/* A table of texts, printed with aligned columns or as Markdown. The first column is aligned left, the others right. */
#ifndef BITJOULE_TEXT_GRID_H
#define BITJOULE_TEXT_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TEXT_GRID_COLUMNS = 8, TEXT_GRID_CELL = 320 };

struct text_grid {
    char (*cells)[TEXT_GRID_CELL]; /* row by row; the first row is the head */
    size_t n, cap;
    size_t columns; /* at most TEXT_GRID_COLUMNS */
};

/* Appends one cell, cut to TEXT_GRID_CELL - 1 bytes. 0 or -ENOMEM. */
int text_grid_add(struct text_grid *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Ends a row that may be short. 0 or -ENOMEM. */
int text_grid_fill(struct text_grid *g);
/* Prints whole rows. In Markdown a | in a text is escaped. */
void text_grid_print(const struct text_grid *g, FILE *out, bool markdown);
void text_grid_free(struct text_grid *g);

#endif
