/* Collects the texts first, then prints, as widths are known only at the end. Widths count code points, which is right for what is
 * printed here (Latin letters, digits, mathematical signs). */
#include "harness/text_grid.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int append(struct text_grid *g, const char text[TEXT_GRID_CELL])
{
    if (g->n == g->cap) {
        const size_t cap = g->cap ? 2 * g->cap : 64;
        void *grown = realloc(g->cells, cap * sizeof *g->cells);
        if (!grown)
            return -ENOMEM;
        g->cells = grown;
        g->cap = cap;
    }
    memcpy(g->cells[g->n++], text, TEXT_GRID_CELL);
    return 0;
}

int text_grid_add(struct text_grid *g, const char *fmt, ...)
{
    char text[TEXT_GRID_CELL] = "";
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return append(g, text);
}

int text_grid_fill(struct text_grid *g)
{
    while (g->n % g->columns)
        if (text_grid_add(g, "%s", ""))
            return -ENOMEM;
    return 0;
}

static int width_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void print_row(const struct text_grid *g, size_t row, const int *width, FILE *out)
{
    for (size_t c = 0; c < g->columns; c++) {
        const char *text = g->cells[row * g->columns + c];
        const int pad = width[c] - width_of(text), last = c + 1 == g->columns;
        fprintf(out, "%s%*s%s%*s", c ? "  " : "", c ? pad : 0, "", text, c || last ? 0 : pad, "");
    }
    fputc('\n', out);
}

static void print_markdown_row(const struct text_grid *g, size_t row, FILE *out)
{
    for (size_t c = 0; c < g->columns; c++) {
        fputs("| ", out);
        for (const char *p = g->cells[row * g->columns + c]; *p; p++)
            fprintf(out, *p == '|' ? "\\%c" : "%c", *p);
        fputc(' ', out);
    }
    fputs("|\n", out);
    for (size_t c = 0; row == 0 && c < g->columns; c++)
        fputs(c ? "|---:" : "|---", out);
    if (row == 0)
        fputs("|\n", out);
}

void text_grid_print(const struct text_grid *g, FILE *out, bool markdown)
{
    int width[TEXT_GRID_COLUMNS] = {0};
    const size_t rows = g->n / g->columns;
    for (size_t i = 0; i < rows * g->columns; i++) {
        const int w = width_of(g->cells[i]);
        if (w > width[i % g->columns])
            width[i % g->columns] = w;
    }
    for (size_t r = 0; r < rows; r++)
        if (markdown)
            print_markdown_row(g, r, out);
        else
            print_row(g, r, width, out);
}

void text_grid_free(struct text_grid *g)
{
    free(g->cells);
    *g = (struct text_grid){0};
}
