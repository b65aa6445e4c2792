/* Energy that was not measured: the two ways in which publications on ternary models arrive at joules. For comparison with them
 * only: every number made from these has the status `estimated`, names that begin with "estimated_", and needs to be asked for.
 *
 * (a) Arithmetic model of arXiv 2310.11453 (Table 2, after Horowitz 2014 and Zhang et al. 2022): energy = sum over kinds of
 *     operations of count * picojoule per operation. It knows no memory access, no instruction overhead, no idle power.
 * (b) CPU share times a constant: 200 W * busy CPU time / (CPUs * seconds), as the benchmark script beside bitnet.cpp does. It
 *     measures time, not energy. */
#ifndef BITJOULE_ENERGY_ESTIMATE_H
#define BITJOULE_ENERGY_ESTIMATE_H

enum arith_node { ARITH_45NM, ARITH_7NM };

/* How the linear layers of a format are counted: ternary weights need additions only. */
enum arith_linear { ARITH_LINEAR_FP32, ARITH_LINEAR_FP16, ARITH_LINEAR_INT8, ARITH_LINEAR_TERNARY };

/* Joules of linear_macs multiply-adds in linear layers and attention_macs (q.k and p.v, always fp16 in the model). */
double arith_energy_j(enum arith_linear linear, double linear_macs, double attention_macs, enum arith_node node);

struct arith_shape {
    double layers, heads, head_dim;
};
/* Multiply-adds of attention, `tokens` tokens that each look at `seen` positions: 2 * tokens * seen * heads * head_dim * layers */
double arith_attention_macs(const struct arith_shape *s, double tokens, double seen);

/* (b) */
double proxy_energy_j(double busy_cpu_s, unsigned n_cpus);

#endif
