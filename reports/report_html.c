/* report.html: prints the blocks as one self-contained page: style and plots are inside, nothing is fetched.
 *
 * Light and dark follow the reader's preference; wide tables scroll inside their own box, so the page fits a telephone. The plots
 * are the SVG files that gnuplot wrote; their ids get a prefix, because a page may hold an id only once. */
#include "reports/report_doc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/report_matrix.h"

static const char style[] =
    ":root{color-scheme:light dark;--fg:#1a1a1a;--bg:#fff;--soft:#5b5b5b;--line:#d8d8d8;--band:#f5f6f8;\n"
    "--link:#0060a0;--yes:#00664d;--part:#8a5a00;--no:#a33b00}\n"
    "@media(prefers-color-scheme:dark){:root{--fg:#e4e4e4;--bg:#16181b;--soft:#a8a8a8;--line:#3a3d42;--band:#1f2226;\n"
    "--link:#7cc0f0;--yes:#4fd0ab;--part:#f0b64a;--no:#ff9a5c}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;padding:1rem;max-width:84rem;color:var(--fg);background:var(--bg);\n"
    "font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\n"
    "h1{font-size:1.6rem;line-height:1.25}\n"
    "h2{font-size:1.25rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line)}\n"
    "h3{font-size:1.05rem;margin:1.6rem 0 .4rem}\n"
    "p,li{max-width:62rem}a{color:var(--link)}\n"
    "nav{display:flex;flex-wrap:wrap;gap:.2rem .9rem;margin:1rem 0;font-size:.875rem}\n"
    ".scroll{overflow-x:auto;margin:.6rem 0 .2rem}\n"
    "table{border-collapse:collapse;font-size:.8125rem;font-variant-numeric:tabular-nums;overflow-wrap:normal}\n"
    "caption{text-align:left;color:var(--soft);padding:.2rem 0}\n"
    "th,td{padding:.3rem .35rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}\n"
    "th{vertical-align:bottom;font-weight:600}td.n,th.n{text-align:right}td.n,td.f{white-space:nowrap}\n"
    "td.t{min-width:7rem;max-width:44rem;overflow-wrap:break-word}td.d{min-width:14rem;max-width:30rem}\n"
    "tbody tr{background:var(--bg)}tbody tr:nth-child(odd){background:var(--band)}\n"
    "td.f:first-child{position:sticky;left:0;background:inherit}\n"
    ".sw{display:inline-block;width:.7em;height:.7em;margin-right:.45em;border-radius:2px;outline:1px solid var(--line)}\n"
    ".v{font-weight:600;white-space:nowrap}\n"
    ".holds{color:var(--yes)}.part{color:var(--part)}.fails{color:var(--no)}.open{color:var(--soft)}\n"
    "ol.notes{list-style:none;margin:.2rem 0 1rem;padding:0;font-size:.8125rem;color:var(--soft)}\n"
    "pre{overflow-x:auto;padding:.7rem;background:var(--band);border:1px solid var(--line);font-size:.8125rem;\n"
    "white-space:pre-wrap}\n"
    "figure{margin:1rem 0;overflow-x:auto}\n"
    "figure svg{display:block;width:100%;min-width:42rem;max-width:62rem;height:auto}\n"
    "@media screen and (max-width:44rem){\n"
    ".cards,.cards tbody,.cards tr,.cards td{display:block;max-width:none;min-width:0}\n"
    ".cards thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\n"
    ".cards tr{padding:.5rem 0;border-bottom:1px solid var(--line)}\n"
    ".cards td,.cards td.n{border:0;padding:.05rem .5rem;text-align:left;white-space:normal}\n"
    ".cards td:first-child{font-weight:600}.cards td.e{display:none}\n"
    ".cards td:not(:first-child)::before{content:attr(data-head) ': ';color:var(--soft)}}\n"
    "@page{size:landscape;margin:12mm}\n"
    "@media print{:root{--fg:#000;--bg:#fff;--soft:#444;--line:#bbb;--band:#f4f4f4}\n"
    "body{font-size:10pt;max-width:none;padding:0}nav{display:none}.scroll,figure{overflow:visible}\n"
    "table{font-size:7pt}figure,tr{break-inside:avoid}figure svg{min-width:0;width:auto;max-width:100%;max-height:165mm}\n"
    "h2,h3,caption{break-after:avoid}}\n"
    "figcaption{font-size:.8125rem;color:var(--soft)}\n"
    "figure svg [color=black]{color:var(--fg)}figure svg [stroke=black]{stroke:var(--fg)}figure svg [fill=black]{fill:var(--fg)}\n"
    "figure svg rect[fill='#ffffff']{fill:none}\n"
    "figure svg [stroke='rgb(192, 192, 192)']{stroke:var(--line)}figure svg [fill='rgb(96,96,96)']{fill:var(--soft)}\n"
    "figure svg [stroke='rgb(  0,   0,   0)']{stroke:var(--fg)}figure svg [color='rgb(  0,   0,   0)']{color:var(--fg)}\n";

static void element(struct textbuf *out, const char *name, const char *text)
{
    textbuf_addf(out, "<%s>", name);
    escape_html(out, text);
    textbuf_addf(out, "</%s>\n", name);
}

/* The words of the verdict with a sign and a colour, then the rest: neither sign nor colour says anything that the words do not. */
static void print_verdict(struct textbuf *out, const char *text)
{
    static const struct {
        const char *words, *class, *sign;
    } looks[] = {{"holds in part", "part", "\u25d0"},
                 {"holds", "holds", "\u2714"},
                 {"does not hold", "fails", "\u2718"},
                 {"not testable here", "open", "\u25cb"},
                 {"not a measurement", "open", "\u2260"},
                 {"pass", "holds", "\u2714"},
                 {"improve", "holds", "\u25b2"},
                 {"inconclusive", "part", "\u25d0"},
                 {"regress", "fails", "\u25bc"},
                 {"failed", "fails", "\u2718"},
                 {"inform", "open", "\u25cb"}};
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        const size_t n = strlen(looks[i].words);
        if (strncmp(text, looks[i].words, n) != 0)
            continue;
        textbuf_addf(out, "<span class=\"v %s\"><span aria-hidden=\"true\">%s</span> %s</span>", looks[i].class, looks[i].sign,
                     looks[i].words);
        text += n;
        break;
    }
    escape_html(out, text);
}

/* A table of verdicts has few rows and much text: on a telephone every row becomes a card, which needs its heads in the cells. */
static bool is_cards(const struct doc_table *t)
{
    for (size_t i = 0; i < t->n_columns; i++)
        if (t->columns[i].kind == COLUMN_VERDICT)
            return true;
    return false;
}

/* Black is the colour of text, and as that it shows in the dark, too. */
static void put_swatch(struct textbuf *out, const char *colour)
{
    textbuf_addf(out, "<span class=\"sw\" style=\"background:%s\"></span>",
                 strcmp(colour, "#000000") == 0 ? "currentColor" : colour);
}

static void print_cell(struct textbuf *out, const struct doc_column *column, bool cards, const char *text)
{
    const enum column_kind kind = column->kind;
    static const char *const classes[] = {
        [COLUMN_TEXT] = "t", [COLUMN_NUMBER] = "n", [COLUMN_FORMAT] = "f", [COLUMN_VERDICT] = "d"};
    textbuf_addf(out, "<td class=\"%s%s\"", classes[kind], cards && strcmp(text, "-") == 0 ? " e" : "");
    if (cards) {
        textbuf_add(out, " data-head=\"");
        escape_html(out, column->head);
        textbuf_add(out, "\"");
    }
    textbuf_add(out, ">");
    if (kind == COLUMN_FORMAT)
        put_swatch(out, report_format_colour(text));
    if (kind == COLUMN_VERDICT)
        print_verdict(out, text);
    else
        escape_html(out, text);
    textbuf_add(out, "</td>");
}

static void print_table(struct textbuf *out, const struct doc_table *t)
{
    const bool cards = is_cards(t);
    textbuf_addf(out, "<div class=\"scroll\" tabindex=\"0\"><table%s>\n", cards ? " class=\"cards\"" : "");
    if (t->caption)
        element(out, "caption", t->caption);
    textbuf_add(out, "<thead><tr>");
    for (size_t c = 0; c < t->n_columns; c++) {
        textbuf_add(out, t->columns[c].kind == COLUMN_NUMBER ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
        escape_html(out, t->columns[c].head);
        textbuf_add(out, "</th>");
    }
    textbuf_add(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns) {
        textbuf_add(out, "<tr>");
        for (size_t c = 0; c < t->n_columns; c++)
            print_cell(out, &t->columns[c], cards, t->cells[i + c]);
        textbuf_add(out, "</tr>\n");
    }
    textbuf_add(out, "</tbody></table></div>\n");
    if (t->n_notes)
        textbuf_add(out, "<ol class=\"notes\">\n");
    for (size_t i = 0; i < t->n_notes; i++) {
        textbuf_addf(out, "<li>(%zu) ", i + 1);
        escape_html(out, t->notes[i]);
        textbuf_add(out, "</li>\n");
    }
    if (t->n_notes)
        textbuf_add(out, "</ol>\n");
}

static int read_file(const char *path, struct textbuf *out)
{
    char block[8192];
    size_t n;
    FILE *f = fopen(path, "r");
    if (!f)
        return -errno;
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        textbuf_put(out, block, n);
    const int rc = ferror(f) ? -EIO : 0;
    fclose(f);
    return rc;
}

/* Copies an SVG from its <svg> tag on, with "pN-" before every id and every reference to one. */
static void put_svg(struct textbuf *out, const char *svg, size_t number)
{
    static const char *const marks[] = {" id='", " id=\"", "href='#", "href=\"#", "url(#"};
    while (*svg) {
        size_t len = 0;
        for (size_t i = 0; len == 0 && i < sizeof(marks) / sizeof(marks[0]); i++)
            if (strncmp(svg, marks[i], strlen(marks[i])) == 0)
                len = strlen(marks[i]);
        textbuf_put(out, svg, len ? len : 1);
        if (len)
            textbuf_addf(out, "p%zu-", number);
        svg += len ? len : 1;
    }
}

static int print_plot(struct textbuf *out, const struct doc_block *b, const char *dir, size_t number)
{
    struct textbuf path = {0}, svg = {0};
    textbuf_addf(&path, "%s/%s.svg", dir, b->href);
    int rc = path.oom ? -ENOMEM : read_file(path.s, &svg);
    const char *start = rc == 0 && svg.s ? strstr(svg.s, "<svg") : NULL;
    if (rc == 0 && !start)
        rc = svg.oom ? -ENOMEM : -EINVAL;
    if (rc == 0) {
        textbuf_add(out, "<figure role=\"img\" aria-label=\"");
        escape_html(out, b->text);
        textbuf_add(out, "\">\n");
        put_svg(out, start, number);
        element(out, "figcaption", b->text);
        textbuf_add(out, "</figure>\n");
    }
    textbuf_free(&path);
    textbuf_free(&svg);
    return rc;
}

/* A heading of level 2 can be jumped to: its id is its position. */
static void print_heading(struct textbuf *out, const struct doc_block *b, size_t number)
{
    if (b->level == 2)
        textbuf_addf(out, "<h2 id=\"s%zu\">", number);
    else
        textbuf_addf(out, "<h%d>", b->level);
    escape_html(out, b->text);
    textbuf_addf(out, "</h%d>\n", b->level);
}

/* Links to the sections. */
static void print_contents(struct textbuf *out, const struct doc *d)
{
    textbuf_add(out, "<nav aria-label=\"Sections\">\n");
    for (size_t i = 0; i < d->n_blocks; i++) {
        if (d->blocks[i].kind != BLOCK_HEADING || d->blocks[i].level != 2)
            continue;
        textbuf_addf(out, "<a href=\"#s%zu\">", i);
        escape_html(out, d->blocks[i].text);
        textbuf_add(out, "</a>\n");
    }
    textbuf_add(out, "</nav>\n");
}

/* `number`: position of the block */
static void print_block(struct textbuf *out, const struct doc_block *b, size_t number)
{
    switch (b->kind) {
    case BLOCK_HEADING: print_heading(out, b, number); break;
    case BLOCK_PARAGRAPH: element(out, "p", b->text); break;
    case BLOCK_ITEM: element(out, "li", b->text); break;
    case BLOCK_CODE: element(out, "pre", b->text); break;
    case BLOCK_TABLE: print_table(out, b->table); break;
    case BLOCK_LINK:
        textbuf_addf(out, "<li><a href=\"%s\">", b->href);
        escape_html(out, b->text);
        textbuf_add(out, "</a></li>\n");
        break;
    case BLOCK_PLOT: break; /* print_plot */
    }
}

static bool in_list(const struct doc *d, size_t i)
{
    return i < d->n_blocks && (d->blocks[i].kind == BLOCK_ITEM || d->blocks[i].kind == BLOCK_LINK);
}

int doc_print_html(const struct doc *d, const char *dir, struct textbuf *out)
{
    int rc = 0;
    size_t plots = 0;
    bool contents = false;
    textbuf_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    element(out, "title", d->n_blocks ? d->blocks[0].text : "bitjoule report");
    textbuf_addf(out, "<style>\n%s</style>\n</head>\n<body>\n", style);
    for (size_t i = 0; rc == 0 && i < d->n_blocks; i++) {
        if (!contents && d->blocks[i].kind == BLOCK_HEADING && d->blocks[i].level == 2) {
            print_contents(out, d);
            contents = true;
        }
        if (in_list(d, i) && (i == 0 || !in_list(d, i - 1)))
            textbuf_add(out, "<ul>\n");
        if (d->blocks[i].kind == BLOCK_PLOT)
            rc = print_plot(out, &d->blocks[i], dir, ++plots);
        else
            print_block(out, &d->blocks[i], i);
        if (in_list(d, i) && !in_list(d, i + 1))
            textbuf_add(out, "</ul>\n");
    }
    textbuf_add(out, "</body>\n</html>\n");
    return rc;
}
