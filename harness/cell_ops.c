/* struct op_line <-> JSON. A number that does not apply to an operation (GB/s of a norm) is null in JSON and NAN in C. */
#include "harness/cell_ops.h"

#include <errno.h>
#include <math.h>

#include "harness/json_util.h"
#include "harness/op_counters.h"

static json_t *line_json(const struct op_line *l)
{
    return json_pack("{s:s, s:f, s:f, s:f, s:o, s:o, s:o}", "op", l->op, "s_per_token", l->s_per_token, "slowest_s_per_token",
                     l->slowest_s_per_token, "share", l->share, "calls", json_number_or_null(l->calls), "gmac_s",
                     json_number_or_null(l->gmac_s), "gb_s", json_number_or_null(l->gb_s));
}

json_t *ops_answer_json(const struct op_profile *p, double time_s, double tokens)
{
    struct op_line lines[OP_KINDS + 1];
    const size_t n = op_profile_lines(p, time_s, tokens, lines);
    double reads = 0;
    json_t *ops = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(ops, line_json(&lines[i]));
        reads += isfinite(lines[i].calls) ? lines[i].calls : 0;
    }
    return json_pack("{s:f, s:f, s:I, s:o}", "time_s", time_s, "clock_s", op_clock_cost_s(), "clock_reads", (json_int_t)reads,
                     "ops", ops);
}

int ops_into_cell(json_t *cell, json_t *answer, double median_s)
{
    json_t *profile = json_null(), *ops = json_null();
    if (answer) {
        ops = json_incref(json_object_get(answer, "ops"));
        profile = json_copy(answer);
        json_object_del(profile, "ops");
        json_object_set_new(profile, "overhead",
                            json_number_or_null(json_number_value(json_object_get(answer, "time_s")) / median_s));
    }
    const int rc_ops = json_object_set_new(cell, "ops", ops), rc_profile = json_object_set_new(cell, "profile", profile);
    return rc_ops || rc_profile ? -ENOMEM : 0;
}

static double number_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static void print_cell(FILE *f, const json_t *cell, const json_t *ops)
{
    struct op_line lines[OP_KINDS + 1];
    const json_t *profile = json_object_get(cell, "profile"), *op;
    size_t i, n = 0;
    json_array_foreach(ops, i, op)
    {
        if (n < OP_KINDS + 1)
            lines[n++] = (struct op_line){.op = json_string_value(json_object_get(op, "op")),
                                          .s_per_token = number_of(op, "s_per_token"),
                                          .slowest_s_per_token = number_of(op, "slowest_s_per_token"),
                                          .share = number_of(op, "share"),
                                          .calls = number_of(op, "calls"),
                                          .gmac_s = number_of(op, "gmac_s"),
                                          .gb_s = number_of(op, "gb_s")};
    }
    fprintf(f, "\n%s: where the time goes\n", json_string_value(json_object_get(cell, "id")));
    fprintf(f, "  (one more repetition, %.3f x the median of the timed ones; %.0f clock readings of %.0f ns)\n",
            number_of(profile, "overhead"), number_of(profile, "clock_reads"), 1e9 * number_of(profile, "clock_s"));
    op_lines_print(f, lines, n);
    op_counters_print(f, ops, profile);
}

void ops_print(FILE *f, const json_t *root)
{
    size_t i;
    const json_t *cell;
    json_array_foreach(json_object_get(root, "cells"), i, cell)
    {
        const json_t *ops = json_object_get(cell, "ops");
        if (json_is_array(ops))
            print_cell(f, cell, ops);
    }
}
