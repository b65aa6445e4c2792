/* Constants and formulas of the two estimates; see energy_estimate.h for why they are no measurement. */
#include "profiles/energy_estimate.h"

enum arith_type { ARITH_FP32, ARITH_FP16, ARITH_INT8 };

/* pJ, [type][node]; arXiv 2310.11453, Table 2 */
static const double add_pj[3][2] = {{0.9, 0.38}, {0.4, 0.16}, {0.03, 0.007}};
static const double mul_pj[3][2] = {{3.7, 1.31}, {1.1, 0.34}, {0.2, 0.07}};

double arith_energy_j(enum arith_linear linear, double linear_macs, double attention_macs, enum arith_node node)
{
    static const enum arith_type type[] = {ARITH_FP32, ARITH_FP16, ARITH_INT8, ARITH_INT8};
    const double mul = linear == ARITH_LINEAR_TERNARY ? 0 : mul_pj[type[linear]][node];
    const double linear_pj = linear_macs * (add_pj[type[linear]][node] + mul);
    return 1e-12 * (linear_pj + attention_macs * (add_pj[ARITH_FP16][node] + mul_pj[ARITH_FP16][node]));
}

double arith_attention_macs(const struct arith_shape *s, double tokens, double seen)
{
    return 2 * tokens * seen * s->heads * s->head_dim * s->layers;
}

static const double full_load_w = 200;

double proxy_energy_j(double busy_cpu_s, unsigned n_cpus)
{
    return full_load_w * busy_cpu_s / n_cpus;
}
