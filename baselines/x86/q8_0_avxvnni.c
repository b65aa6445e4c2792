/* q8_0 on AVX-VNNI; the kernels are in q8_0_vnni.h and byte_tile.h. */
#ifndef __AVXVNNI__
#error "compile with -mavx2 -mfma -mf16c -mavxvnni"
#endif
#define VEC_DPBUSD _mm256_dpbusd_avx_epi32
#define DPBUSD_256 VEC_DPBUSD

#include "baselines/x86/q8_0_vnni.h"

BLOCK_KERNELS(q8_0, avxvnni)
