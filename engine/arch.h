/* The architectures of GGUF files that the engine runs, and what each fixes in the graph. */
#ifndef BITJOULE_ARCH_H
#define BITJOULE_ARCH_H

#include "engine/model.h"

struct arch {
    const char *name; /* general.architecture */
    enum ffn_act act;
    bool sub_norm, rope_interleaved;
};

#define ARCH_NAMES "bitnet-b1.58, bitnet-25, bitnet, llama"

/* NULL: not one of ours. */
const struct arch *arch_find(const char *name, size_t len);

#endif
