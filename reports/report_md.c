/* report.md: prints the blocks as GitHub-flavoured Markdown. Every text is escaped; code is fenced with more back-quotes than
 * any run inside it. */
#include "reports/report_doc.h"

#include <string.h>

static void line_of(struct textbuf *out, const char *prefix, const char *text)
{
    textbuf_add(out, prefix);
    escape_markdown(out, text);
    textbuf_add(out, "\n");
}

static void print_code(struct textbuf *out, const char *text)
{
    size_t longest = 2, run = 0;
    for (const char *s = text; *s; s++) {
        run = *s == '`' ? run + 1 : 0;
        if (run > longest)
            longest = run;
    }
    struct textbuf fence = {0};
    for (size_t i = 0; i <= longest; i++)
        textbuf_add(&fence, "`");
    out->oom |= fence.oom;
    if (!fence.oom)
        textbuf_addf(out, "%s\n%s\n%s\n", fence.s, text, fence.s);
    textbuf_free(&fence);
}

static void print_row(struct textbuf *out, const struct doc_table *t, const char **cells)
{
    for (size_t c = 0; c < t->n_columns; c++) {
        textbuf_add(out, c ? " | " : "| ");
        escape_markdown(out, cells[c]);
    }
    textbuf_add(out, " |\n");
}

static void print_table(struct textbuf *out, const struct doc_table *t)
{
    if (t->caption) {
        textbuf_add(out, "**");
        escape_markdown(out, t->caption);
        textbuf_add(out, "**\n\n");
    }
    for (size_t c = 0; c < t->n_columns; c++) {
        textbuf_add(out, c ? " | " : "| ");
        escape_markdown(out, t->columns[c].head);
    }
    textbuf_add(out, " |\n");
    for (size_t c = 0; c < t->n_columns; c++)
        textbuf_add(out, t->columns[c].kind == COLUMN_NUMBER ? "|---:" : "|---");
    textbuf_add(out, "|\n");
    for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns)
        print_row(out, t, t->cells + i);
    for (size_t i = 0; i < t->n_notes; i++) {
        textbuf_addf(out, "%s(%zu) ", i ? "\\\n" : "\n", i + 1); /* a back-slash ends the line, so each note has its own */
        escape_markdown(out, t->notes[i]);
    }
    if (t->n_notes)
        textbuf_add(out, "\n");
}

static void print_block(struct textbuf *out, const struct doc_block *b)
{
    switch (b->kind) {
    case BLOCK_HEADING:
        for (int i = 0; i < b->level; i++)
            textbuf_add(out, "#");
        line_of(out, " ", b->text);
        break;
    case BLOCK_PARAGRAPH: line_of(out, "", b->text); break;
    case BLOCK_ITEM: line_of(out, "- ", b->text); break;
    case BLOCK_CODE: print_code(out, b->text); break;
    case BLOCK_TABLE: print_table(out, b->table); break;
    case BLOCK_PLOT: /* stems and links are slugs or fixed names: nothing to escape in the address */
        textbuf_add(out, "![");
        escape_markdown(out, b->text);
        textbuf_addf(out, "](%s.svg)\n", b->href);
        break;
    case BLOCK_LINK:
        textbuf_add(out, "- [");
        escape_markdown(out, b->text);
        textbuf_addf(out, "](%s)\n", b->href);
        break;
    }
}

static bool in_list(const struct doc_block *b)
{
    return b->kind == BLOCK_ITEM || b->kind == BLOCK_LINK;
}

void doc_print_markdown(const struct doc *d, struct textbuf *out)
{
    for (size_t i = 0; i < d->n_blocks; i++) {
        if (i && !(in_list(&d->blocks[i]) && in_list(&d->blocks[i - 1])))
            textbuf_add(out, "\n");
        print_block(out, &d->blocks[i]);
    }
}
