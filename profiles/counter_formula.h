/* Formulas of counter groups: "1000 * l2_misses / instructions". Internal to profiles/.
 *
 *     sum     = product { ("+" | "-") product }
 *     product = factor { ("*" | "/") factor }
 *     factor  = number | name | "(" sum ")" | "-" factor
 * A name is a letter or '_' followed by letters, digits and '_', and must be one of those that are given. */
#ifndef BITJOULE_COUNTER_FORMULA_H
#define BITJOULE_COUNTER_FORMULA_H

#include <stddef.h>

enum { FORMULA_STEPS = 40, FORMULA_DEPTH = 12, FORMULA_ERR_LEN = 128 };

/* One step of the formula in postfix order. */
struct formula_step {
    char op;        /* '#' a number, '$' a variable, '~' the negative of the top, or one of + - * / */
    unsigned which; /* the variable */
    double number;
};

struct formula {
    size_t n;
    struct formula_step step[FORMULA_STEPS];
};

/* The names that a formula may use; variable i is names[i]. */
struct formula_names {
    const char *const *names;
    size_t n;
};

/* 0, or -EINVAL and one line about what is wrong and where (column, from 1) in err. */
int formula_parse(const char *text, const struct formula_names *names, struct formula *out, char err[FORMULA_ERR_LEN]);

/* NAN when a variable is NAN or something is divided by 0. */
double formula_value(const struct formula *f, const double *variables);

#endif
