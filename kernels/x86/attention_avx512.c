/* Attention on AVX-512 (F). All else is in attention_kernel.h. */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif
#define VEC_BITS 512

#include "kernels/x86/attention_kernel.h"

ATTENTION_KERNELS(avx512)
