/* The registry of ternary formats, the choice of a kernel (the first row of the table this CPU can run), and what holds for weights of
 * every format. */
#include "kernels/format.h"

#include <string.h>

#include "kernels/cpu.h"
#include "kernels/ternary.h"

const struct format *const ternary_formats[] = {&format_i2_s, &format_tl2, &format_tl1, &format_tq1_0, &format_tq2_0, NULL};

const struct kernel *format_kernel(const struct format *fmt)
{
    const uint32_t have = cpu_features();
    const struct kernel *k = fmt->kernels;
    while ((k->need & have) != k->need)
        k++;
    return k;
}

const struct kernel *kernel_used(const struct kernel *k, size_t n)
{
    const struct kernel *used = k;
    for (const struct kernel *row = k; n == 1 && row->need; row++)
        if (row->gemv == k->gemv)
            used = row;
    return used;
}

size_t weights_bytes(const struct weights *w)
{
    return w->per_block ? w->rows * w->fmt->row_bytes(w->cols) : w->fmt->mem_bytes(w->rows, w->cols);
}

void weights_load(const struct weights *w, const void *file, size_t row0, size_t row1, void *data)
{
    const size_t row = w->fmt->row_bytes(w->cols);
    if (w->fmt->load && !w->per_block)
        w->fmt->load(file, row0, row1, w, data);
    else
        memcpy((char *)data + row0 * row, (const char *)file + row0 * row, (row1 - row0) * row);
}
