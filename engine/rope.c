/* Rotary position embedding (Su et al., arXiv 2104.09864): pair i of a head is turned by pos * theta^(-2i / rope_dim), divided by the
 * model's factor for pair i where it has one. Angles in double, from trig.h, so that every machine gets the same bits. */
#include "engine/session_internal.h"
#include "engine/trig.h"

void rope_frequencies(const struct model *m, double *inv_freq)
{
    const size_t dim = m->hp.rope_dim;
    for (size_t i = 0; i < dim / 2; i++) {
        inv_freq[i] = powd((double)m->hp.rope_theta, -2.0 * (double)i / (double)dim);
        if (m->rope_factors)
            inv_freq[i] /= (double)m->rope_factors[i];
    }
}

void rope_angles(const double *inv_freq, size_t rope_dim, size_t pos, float *rope)
{
    for (size_t i = 0; i < rope_dim / 2; i++) {
        double sin_x, cos_x;
        sincosd((double)pos * inv_freq[i], &sin_x, &cos_x);
        rope[2 * i] = (float)cos_x;
        rope[2 * i + 1] = (float)sin_x;
    }
}
