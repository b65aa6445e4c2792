/* What a gate says of every metric of every cell, and of the whole.
 *
 * With c the ratio new / base turned so that above 1 is worse, its interval [lo, hi], and t the tolerance:
 *   regress       Holm-adjusted p < alpha and lo > 1 + t
 *   improve       Holm-adjusted p < alpha and hi < 1 / (1 + t)
 *   pass          hi <= 1 + t: at most the tolerance worse. With lo >= 1 / (1 + t) too it is an equivalence, which the reason says.
 *   inconclusive  anything else, and what is missing; with the rounds that would settle it
 *   failed        a cell failed: there is no run to judge
 * An exact metric has one value per side: regress when c > 1 + t, improve when c < 1 / (1 + t), else pass. Holm's adjustment goes
 * over the sampled rows that are gated. */
#ifndef BITJOULE_GATE_VERDICT_H
#define BITJOULE_GATE_VERDICT_H

#include "harness/comparison.h"
#include "harness/gate_config.h"

enum gate_verdict { GATE_PASS, GATE_IMPROVE, GATE_INCONCLUSIVE, GATE_REGRESS, GATE_FAILED };
enum { GATE_REASON_LEN = 320, GATE_MOST_ROUNDS = 1000 };

struct gate_row {
    const struct comparison_row *row; /* NULL: of no cell, such as a metric that is missing everywhere */
    const char *metric;
    bool inform;
    double tolerance;
    enum gate_verdict verdict;
    double p_holm; /* NAN: no test */
    double mde;    /* smallest change that this many rounds find in 80 % of cases, as a share; NAN */
    size_t rounds; /* that would settle an inconclusive one; 0: none would, or more than GATE_MOST_ROUNDS */
    char reason[GATE_REASON_LEN];
};

struct gate_report {
    struct gate_row *rows;
    size_t n;
    enum gate_verdict verdict; /* of the whole */
    bool unfit;                /* a record warns that its machine was not fit to measure: nothing sampled is conclusive */
    char unfit_reason[GATE_REASON_LEN];
};

const char *gate_verdict_name(enum gate_verdict v);
/* 0 pass and improve, 1 regress, 3 inconclusive (0 with warn_only), 4 failed */
int gate_exit_status(const struct gate_config *g, const struct gate_report *r);

/* Rows point into the table. base and fresh: the records, for their warnings; may be the same. 0, -ENOMEM, or -EINVAL with a line
 * in err for a metric that is estimated. */
int gate_judge(const struct gate_config *g, const struct comparison_table *t, const json_t *base, const json_t *fresh,
               struct gate_report *out, char err[GATE_ERR_LEN]);
void gate_report_free(struct gate_report *r);

#endif
