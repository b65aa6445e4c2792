/* Parsing of number ranges and word lists. A list is cut at commas; each part is a number, a range or a word.
 * Sizes are bounded by LIST_MAX, so a range such as 1-4000000000 is refused, not expanded. */
#include "harness/lists.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool parse_uint(const char *text, unsigned long long min, unsigned long long max, unsigned long long *out)
{
    if (!isdigit((unsigned char)text[0]))
        return false;
    char *end;
    errno = 0;
    const unsigned long long v = strtoull(text, &end, 10);
    if (errno || *end || v < min || v > max)
        return false;
    *out = v;
    return true;
}

/* Cuts the next comma-separated part, without the blanks around it, out of *rest into part (a part that is too long is cut, and
 * refused by whoever reads it). False at the end; a comma at the very end is allowed, since a list may go on in the next line. */
static bool next_part(const char **rest, char *part, size_t cap)
{
    if (!*rest)
        return false;
    const char *start = *rest, *comma = strchr(start, ',');
    const char *end = comma ? comma : start + strlen(start);
    *rest = comma && comma[1] ? comma + 1 : NULL;
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    size_t len = (size_t)(end - start);
    if (len >= cap)
        len = cap - 1;
    memcpy(part, start, len);
    part[len] = 0;
    return true;
}

static int push(struct uint_list *l, unsigned long long v, char err[LIST_ERR_LEN])
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i] == v)
            return 0;
    if (l->n == LIST_MAX) {
        snprintf(err, LIST_ERR_LEN, "more than %d values in a list", LIST_MAX);
        return -EINVAL;
    }
    l->v[l->n++] = (unsigned)v;
    return 0;
}

static int push_pow2(struct uint_list *l, unsigned all, char err[LIST_ERR_LEN])
{
    for (unsigned v = 1; v < all; v *= 2) {
        const int rc = push(l, v, err);
        if (rc)
            return rc;
    }
    return push(l, all, err);
}

/* "4", "1-8", "1-8+2", "1-8*2"; false when it is none of them. */
static bool parse_range(const char *part, struct uint_limits lim, unsigned long long r[3], char *op)
{
    char text[64];
    if (strlen(part) >= sizeof text)
        return false;
    memcpy(text, part, strlen(part) + 1);
    char *step = strpbrk(text, "+*");
    r[2] = 1;
    *op = '+';
    if (step) {
        *op = *step;
        *step++ = 0;
        if (!parse_uint(step, *op == '*' ? 2 : 1, UINT32_MAX, &r[2]))
            return false;
    }
    char *last = strchr(text, '-');
    if (last)
        *last++ = 0;
    else if (step)
        return false;
    if (!parse_uint(text, lim.min, lim.max, &r[0]))
        return false;
    r[1] = r[0];
    return !last || parse_uint(last, r[0], lim.max, &r[1]);
}

static int add_part(struct uint_list *l, const char *part, struct uint_limits lim, char err[LIST_ERR_LEN])
{
    if (lim.all && !strcmp(part, "all"))
        return push(l, lim.all, err);
    if (lim.all && !strcmp(part, "pow2"))
        return push_pow2(l, lim.all, err);
    unsigned long long r[3];
    char op;
    if (!parse_range(part, lim, r, &op) || (op == '*' && r[0] == 0)) {
        snprintf(err, LIST_ERR_LEN, "'%.60s' is not a number from %u to %u or a range such as 1-8, 1-8+2, 1-8*2%s", part, lim.min,
                 lim.max, lim.all ? ", nor 'all' or 'pow2'" : "");
        return -EINVAL;
    }
    for (unsigned long long v = r[0]; v <= r[1]; v = op == '*' ? v * r[2] : v + r[2]) {
        const int rc = push(l, v, err);
        if (rc)
            return rc;
    }
    return 0;
}

int uint_list_add(struct uint_list *l, const char *text, struct uint_limits lim, char err[LIST_ERR_LEN])
{
    char part[128];
    int rc = 0;
    while (!rc && next_part(&text, part, sizeof part))
        rc = add_part(l, part, lim, err);
    return rc;
}

static bool parse_request(const char *part, const char *first, const char *middle, unsigned max, struct request *out)
{
    char text[64];
    unsigned long long prompt, gen;
    const char *cut = strstr(part, middle);
    const size_t skip = strlen(first);
    if (strncmp(part, first, skip) || !cut || (size_t)(cut - part) >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)(cut - part - (ptrdiff_t)skip), part + skip);
    if (!parse_uint(text, 1, max, &prompt) || !parse_uint(cut + strlen(middle), 1, max, &gen))
        return false;
    *out = (struct request){(unsigned)prompt, (unsigned)gen};
    return true;
}

static int push_request(struct request_list *l, struct request r, char err[LIST_ERR_LEN])
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].n_prompt == r.n_prompt && l->v[i].n_gen == r.n_gen)
            return 0;
    if (l->n == REQUESTS_MAX) {
        snprintf(err, LIST_ERR_LEN, "more than %d requests in a list", REQUESTS_MAX);
        return -EINVAL;
    }
    l->v[l->n++] = r;
    return 0;
}

int request_list_add(struct request_list *l, const char *text, unsigned max, char err[LIST_ERR_LEN])
{
    char part[64];
    struct request r;
    int rc = 0;
    if (parse_request(text, "", ",", max, &r))
        return push_request(l, r, err);
    while (!rc && next_part(&text, part, sizeof part)) {
        if (parse_request(part, "pp", "+tg", max, &r)) {
            rc = push_request(l, r, err);
        } else {
            snprintf(err, LIST_ERR_LEN, "'%.60s' is no request such as pp128+tg32 (or 128,32), each number from 1 to %u", part,
                     max);
            rc = -EINVAL;
        }
    }
    return rc;
}

static int push_word(struct str_list *l, const char *word)
{
    for (size_t i = 0; i < l->n; i++)
        if (!strcmp(l->v[i], word))
            return 0;
    char **grown = realloc(l->v, (l->n + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    l->v = grown;
    l->v[l->n] = strdup(word);
    if (!l->v[l->n])
        return -ENOMEM;
    l->n++;
    return 0;
}

int str_list_add(struct str_list *l, const char *text, char err[LIST_ERR_LEN])
{
    char part[4096];
    while (next_part(&text, part, sizeof part)) {
        if (!part[0]) {
            snprintf(err, LIST_ERR_LEN, "an empty word in a list");
            return -EINVAL;
        }
        if (push_word(l, part)) {
            snprintf(err, LIST_ERR_LEN, "out of memory");
            return -ENOMEM;
        }
    }
    return 0;
}

void str_list_clear(struct str_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    l->v = NULL;
    l->n = 0;
}
