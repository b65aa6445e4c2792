/* Escaping: text of the record (model names, reasons, command lines) inside HTML, Markdown, CSV, gnuplot scripts and shell words.
 *
 * Everything in a record is untrusted: a GGUF file may call itself "<script>". Each function keeps the text readable and takes
 * away its power. The record reader has checked that it is UTF-8; bytes above 127 pass through. */
#include "reports/report_text.h"

#include <string.h>

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20) || c == 0x7f;
}

static const char *html_entity(char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return is_control(c) && c != '\n' ? " " : NULL; /* line breaks matter inside <pre> */
    }
}

void escape_html(struct textbuf *b, const char *s)
{
    for (; s && *s; s++) {
        const char *e = html_entity(*s);
        if (e)
            textbuf_add(b, e);
        else
            textbuf_put(b, s, 1);
    }
}

/* '_' is markup only at the edge of a word; i2_s stays as it is. */
static bool markdown_special(const char *s, const char *start)
{
    if (*s == '_')
        return s == start || !is_alnum(s[-1]) || !is_alnum(s[1]);
    if (s == start && strchr("#+-=", *s))
        return s[1] == ' ' || s[1] == *s; /* heading, list or rule at the start of a line */
    return strchr("\\`*[]|~!$", *s) != NULL;
}

/* Length of "[3.19, 3.31]" or 0: brackets around numbers are no link, unless "(" or "[" follows. */
static size_t number_brackets(const char *s)
{
    const size_t n = strspn(s + (*s == '['), "0123456789.,e+- ") + 1;
    return *s == '[' && s[n] == ']' && (s[n + 1] == '\0' || !strchr("([:", s[n + 1])) ? n + 1 : 0;
}

void escape_markdown(struct textbuf *b, const char *s)
{
    for (const char *start = s; s && *s; s++) {
        const size_t brackets = number_brackets(s);
        if (brackets) {
            textbuf_put(b, s, brackets);
            s += brackets - 1;
        } else if (*s == '&' || *s == '<' || *s == '>')
            textbuf_add(b, html_entity(*s));
        else if (is_control(*s))
            textbuf_add(b, " ");
        else if (markdown_special(s, start))
            textbuf_addf(b, "\\%c", *s);
        else
            textbuf_put(b, s, 1);
    }
}

void escape_csv(struct textbuf *b, const char *s)
{
    if (!s)
        return;
    if (!strpbrk(s, ",\"\r\n") && s[0] != ' ' && (s[0] == '\0' || s[strlen(s) - 1] != ' ')) {
        textbuf_add(b, s);
        return;
    }
    textbuf_add(b, "\"");
    for (; *s; s++) {
        if (*s == '"')
            textbuf_add(b, "\"");
        textbuf_put(b, s, 1);
    }
    textbuf_add(b, "\"");
}

/* Inside single quotes gnuplot knows only one escape, '' for a quote; back-quotes would run a command elsewhere, so they go. */
void escape_gnuplot(struct textbuf *b, const char *s)
{
    textbuf_add(b, "'");
    for (; s && *s; s++) {
        if (*s == '\'')
            textbuf_add(b, "''");
        else if (is_control(*s) || *s == '`')
            textbuf_add(b, " ");
        else
            textbuf_put(b, s, 1);
    }
    textbuf_add(b, "'");
}

void escape_shell(struct textbuf *b, const char *s)
{
    if (!s)
        return;
    if (*s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%_+=:,./-") == strlen(s)) {
        textbuf_add(b, s);
        return;
    }
    textbuf_add(b, "'");
    for (; *s; s++) {
        if (*s == '\'')
            textbuf_add(b, "'\\''");
        else
            textbuf_put(b, s, 1);
    }
    textbuf_add(b, "'");
}

const char *text_slug(struct arena *a, const char *s)
{
    const size_t n = strlen(s);
    char *slug = arena_alloc(a, n + 1);
    if (!slug)
        return "";
    size_t len = 0;
    for (size_t i = 0; i < n && len < 40; i++) {
        const char c = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + ('a' - 'A')) : s[i];
        if (is_alnum(c))
            slug[len++] = c;
        else if (len && slug[len - 1] != '-')
            slug[len++] = '-';
    }
    while (len && slug[len - 1] == '-')
        len--;
    slug[len] = '\0';
    return len ? slug : "x";
}
