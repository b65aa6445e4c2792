/* The report as a list of blocks: headings, paragraphs, tables, plots, links. Sections fill it; report_md.c and report_html.c
 * print it, so the two files cannot differ in content.
 *
 * All text is plain: no markup in it is ever interpreted. Strings must live as long as the arena. */
#ifndef BITJOULE_REPORT_DOC_H
#define BITJOULE_REPORT_DOC_H

#include "reports/report_text.h"

enum column_kind {
    COLUMN_TEXT,
    COLUMN_NUMBER,
    COLUMN_FORMAT, /* a format name; gets its colour in HTML */
    COLUMN_VERDICT /* begins with a verdict's words; gets a sign and a colour in HTML */
};

struct doc_column {
    const char *head;
    enum column_kind kind;
};

struct doc_table {
    const char *caption;
    struct doc_column *columns;
    size_t n_columns;
    const char **cells; /* row after row; n_cells is a multiple of n_columns once a row is complete */
    size_t n_cells;
    const char **notes; /* footnotes; cells refer to them as "(1)" */
    size_t n_notes;
};

enum block_kind { BLOCK_HEADING, BLOCK_PARAGRAPH, BLOCK_ITEM, BLOCK_CODE, BLOCK_TABLE, BLOCK_PLOT, BLOCK_LINK };

struct doc_block {
    enum block_kind kind;
    int level;        /* heading: 1 or more */
    const char *text; /* plot: its description; link: what it is */
    const char *href; /* plot: path without extension, relative to the report; link: relative path */
    struct doc_table *table;
};

struct doc {
    struct arena *arena;
    struct doc_block *blocks;
    size_t n_blocks;
};

void doc_heading(struct doc *d, int level, const char *text);
void doc_paragraph(struct doc *d, const char *text);
void doc_item(struct doc *d, const char *text); /* of a bulleted list */
void doc_code(struct doc *d, const char *text);
void doc_plot(struct doc *d, const char *stem, const char *text);
void doc_link(struct doc *d, const char *href, const char *text);

/* A table; put columns first, then cells from left to right. Never NULL: on lack of memory only the arena's flag is set. */
struct doc_table *doc_table(struct doc *d, const char *caption);
void table_column(struct doc *d, struct doc_table *t, const char *head, enum column_kind kind);
void table_cell(struct doc *d, struct doc_table *t, const char *text);
/* Number of the footnote with this text; equal texts share one. */
size_t table_note(struct doc *d, struct doc_table *t, const char *text);
/* A cell that has no value: "skipped (1)" with the reason as the footnote. */
void table_missing(struct doc *d, struct doc_table *t, const char *what, const char *why);

/* Printers. `dir`: of the report; the SVG files of plots are read from below it. */
void doc_print_markdown(const struct doc *d, struct textbuf *out);
/* 0, or negative errno when an SVG cannot be read. */
int doc_print_html(const struct doc *d, const char *dir, struct textbuf *out);

#endif
