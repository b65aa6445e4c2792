/* Blocks and tables of a report in memory. Printing is in report_md.c and report_html.c. */
#include "reports/report_doc.h"

#include <string.h>

static void add_block(struct doc *d, struct doc_block b)
{
    struct doc_block *blocks = arena_grow(d->arena, d->blocks, d->n_blocks, sizeof(*blocks));
    if (!blocks)
        return;
    blocks[d->n_blocks++] = b;
    d->blocks = blocks;
}

void doc_heading(struct doc *d, int level, const char *text)
{
    add_block(d, (struct doc_block){.kind = BLOCK_HEADING, .level = level, .text = text});
}

void doc_paragraph(struct doc *d, const char *text)
{
    add_block(d, (struct doc_block){.kind = BLOCK_PARAGRAPH, .text = text});
}

void doc_item(struct doc *d, const char *text)
{
    add_block(d, (struct doc_block){.kind = BLOCK_ITEM, .text = text});
}

void doc_code(struct doc *d, const char *text)
{
    add_block(d, (struct doc_block){.kind = BLOCK_CODE, .text = text});
}

void doc_plot(struct doc *d, const char *stem, const char *text)
{
    add_block(d, (struct doc_block){.kind = BLOCK_PLOT, .text = text, .href = stem});
}

void doc_link(struct doc *d, const char *href, const char *text)
{
    add_block(d, (struct doc_block){.kind = BLOCK_LINK, .text = text, .href = href});
}

struct doc_table *doc_table(struct doc *d, const char *caption)
{
    static struct doc_table lost; /* takes what is put into a table that there is no memory for; the arena's flag is set */
    struct doc_table *t = arena_alloc(d->arena, sizeof(*t));
    if (!t) {
        lost = (struct doc_table){0};
        return &lost;
    }
    t->caption = caption;
    add_block(d, (struct doc_block){.kind = BLOCK_TABLE, .table = t});
    return t;
}

void table_column(struct doc *d, struct doc_table *t, const char *head, enum column_kind kind)
{
    struct doc_column *c = arena_grow(d->arena, t->columns, t->n_columns, sizeof(*c));
    if (!c)
        return;
    c[t->n_columns++] = (struct doc_column){head, kind};
    t->columns = c;
}

static size_t add_string(struct arena *a, const char ***list, size_t n, const char *text)
{
    const char **s = arena_grow(a, *list, n, sizeof(*s));
    if (!s)
        return n;
    s[n] = text;
    *list = s;
    return n + 1;
}

void table_cell(struct doc *d, struct doc_table *t, const char *text)
{
    t->n_cells = add_string(d->arena, &t->cells, t->n_cells, text ? text : "-");
}

size_t table_note(struct doc *d, struct doc_table *t, const char *text)
{
    for (size_t i = 0; i < t->n_notes; i++)
        if (strcmp(t->notes[i], text) == 0)
            return i + 1;
    t->n_notes = add_string(d->arena, &t->notes, t->n_notes, text);
    return t->n_notes;
}

void table_missing(struct doc *d, struct doc_table *t, const char *what, const char *why)
{
    table_cell(d, t, arena_fmt(d->arena, "%s (%zu)", what, table_note(d, t, why)));
}
