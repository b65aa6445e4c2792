/* Peak loops on AVX-512 with VNNI: vpdpbusd does 64 int8 multiply-adds into int32 at once. All else is in peak_kernel.h. */
#ifndef __AVX512VNNI__
#error "compile with -mavx512f -mavx512bw -mavx512vnni"
#endif
#define VEC_BITS 512
#define VEC_DPBUSD _mm512_dpbusd_epi32

#include "kernels/cpu.h"
#include "kernels/x86/peak_kernel.h"

const struct peak_loops peak_avx512vnni = {"avx512vnni", CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI, PEAK_LOOPS};
