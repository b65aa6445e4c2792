/* Peak loops on AVX-512 (BW) without VNNI: those of AVX2 on 64 bytes. All else is in peak_kernel.h. */
#ifndef __AVX512BW__
#error "compile with -mavx512f -mavx512bw"
#endif
#define VEC_BITS 512

#include "kernels/cpu.h"
#include "kernels/x86/peak_kernel.h"

const struct peak_loops peak_avx512 = {"avx512", CPU_AVX2 | CPU_AVX512, PEAK_LOOPS};
