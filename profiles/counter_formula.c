/* Recursive descent into postfix steps, and a small stack that runs them.
 *
 * The depth of nesting is bounded, and with it the recursion and the stack: a file cannot make either grow. Knows four operations
 * and no functions, since no metric here needs more. */
#include "profiles/counter_formula.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    const char *text, *at;
    const struct formula_names *names;
    struct formula *out;
    unsigned depth; /* of parentheses and signs */
    char *err;      /* FORMULA_ERR_LEN */
};

__attribute__((format(printf, 2, 3))) static bool fail(struct parser *p, const char *fmt, ...)
{
    va_list ap;
    const int n = snprintf(p->err, FORMULA_ERR_LEN, "column %zu of the formula: ", (size_t)(p->at - p->text) + 1);
    va_start(ap, fmt);
    vsnprintf(p->err + n, (size_t)(FORMULA_ERR_LEN - n), fmt, ap);
    va_end(ap);
    return false;
}

static char peek(struct parser *p)
{
    p->at += strspn(p->at, " \t");
    return *p->at;
}

static bool emit(struct parser *p, struct formula_step step)
{
    if (p->out->n == FORMULA_STEPS)
        return fail(p, "too long: at most %d numbers, names and signs", FORMULA_STEPS);
    p->out->step[p->out->n++] = step;
    return true;
}

static bool number(struct parser *p)
{
    char *end;
    const double v = strtod(p->at, &end);
    if (!isfinite(v) || *p->at == '+' || *p->at == '-')
        return fail(p, "the number is out of range");
    p->at = end;
    return emit(p, (struct formula_step){.op = '#', .number = v});
}

static bool name(struct parser *p)
{
    size_t len = 1;
    while (isalnum((unsigned char)p->at[len]) || p->at[len] == '_')
        len++;
    for (unsigned i = 0; i < p->names->n; i++)
        if (strlen(p->names->names[i]) == len && !strncmp(p->names->names[i], p->at, len)) {
            p->at += len;
            return emit(p, (struct formula_step){.op = '$', .which = i});
        }
    return fail(p, "'%.*s' is no event of this group", (int)(len < 40 ? len : 40), p->at);
}

static bool sum(struct parser *p);

static bool nested(struct parser *p)
{
    p->at++;
    if (!sum(p))
        return false;
    if (peek(p) != ')')
        return fail(p, "expected ')'");
    p->at++;
    return true;
}

static bool factor(struct parser *p)
{
    const char c = peek(p);
    bool ok;
    if (isdigit((unsigned char)c) || c == '.')
        return number(p);
    if (isalpha((unsigned char)c) || c == '_')
        return name(p);
    if (c != '(' && c != '-')
        return c ? fail(p, "expected a number, a name or '(', not '%c'", c) : fail(p, "the formula ends too early");
    if (++p->depth > FORMULA_DEPTH)
        return fail(p, "nested more than %d deep", FORMULA_DEPTH);
    if (c == '(') {
        ok = nested(p);
    } else {
        p->at++;
        ok = factor(p) && emit(p, (struct formula_step){.op = '~'});
    }
    p->depth--;
    return ok;
}

/* `next` separated by one of the two operators, from left to right. */
static bool chain(struct parser *p, const char *operators, bool (*next)(struct parser *))
{
    if (!next(p))
        return false;
    for (char c = peek(p); c && strchr(operators, c); c = peek(p)) {
        p->at++;
        if (!next(p) || !emit(p, (struct formula_step){.op = c}))
            return false;
    }
    return true;
}

static bool product(struct parser *p)
{
    return chain(p, "*/", factor);
}

static bool sum(struct parser *p)
{
    return chain(p, "+-", product);
}

int formula_parse(const char *text, const struct formula_names *names, struct formula *out, char err[FORMULA_ERR_LEN])
{
    struct parser p = {.text = text, .at = text, .names = names, .out = out, .err = err};
    *out = (struct formula){.n = 0};
    err[0] = '\0';
    if (sum(&p) && peek(&p))
        fail(&p, "expected an operator or the end, not '%c'", *p.at);
    return err[0] ? -EINVAL : 0;
}

static double apply(char op, double a, double b)
{
    switch (op) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    default: return b == 0.0 ? (double)NAN : a / b;
    }
}

double formula_value(const struct formula *f, const double *variables)
{
    double stack[FORMULA_STEPS + 1] = {(double)NAN};
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct formula_step *s = &f->step[i];
        if (s->op == '#' || s->op == '$') {
            stack[n++] = s->op == '#' ? s->number : variables[s->which];
        } else if (s->op == '~') {
            stack[n - 1] = -stack[n - 1];
        } else {
            n--;
            stack[n - 1] = apply(s->op, stack[n - 1], stack[n]);
        }
    }
    return stack[0];
}
