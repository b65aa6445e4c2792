/* Peak loops on AVX-VNNI: vpdpbusd does 32 int8 multiply-adds into int32 in one instruction. All else is in peak_kernel.h. */
#ifndef __AVXVNNI__
#error "compile with -mavx2 -mfma -mf16c -mavxvnni"
#endif
#define VEC_DPBUSD _mm256_dpbusd_avx_epi32

#include "kernels/cpu.h"
#include "kernels/x86/peak_kernel.h"

const struct peak_loops peak_avxvnni = {"avxvnni", CPU_AVX2 | CPU_AVXVNNI, PEAK_LOOPS};
