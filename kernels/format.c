/* The registry of ternary formats, and the choice of a kernel: the first row of the table this CPU can run. */
#include "kernels/format.h"

#include "kernels/cpu.h"
#include "kernels/ternary.h"

const struct format *const ternary_formats[] = {&format_i2_s, &format_tl2, &format_tq1_0, &format_tq2_0, NULL};

const struct kernel *format_kernel(const struct format *fmt)
{
    const uint32_t have = cpu_features();
    const struct kernel *k = fmt->kernels;
    while ((k->need & have) != k->need)
        k++;
    return k;
}
