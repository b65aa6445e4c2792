/* The table of architectures. RoPE pairs: the bitnet family rotates halves (i, i + dim/2); files of `llama` have permuted q and k
 * and rotate (2i, 2i + 1). */
#include "engine/arch.h"

#include <string.h>

static const struct arch archs[] = {
    {"bitnet-b1.58", FFN_RELU2, true, false},
    {"bitnet-25", FFN_RELU2, true, false},
    {"bitnet", FFN_SILU, true, false},
    {"llama", FFN_SILU, false, true},
};

const struct arch *arch_find(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++)
        if (len == strlen(archs[i].name) && memcmp(name, archs[i].name, len) == 0)
            return &archs[i];
    return NULL;
}
