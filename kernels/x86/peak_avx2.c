/* Peak loops on AVX2: vpmaddubsw + vpaddw (32 multiply-adds in two instructions) and vfmadd. All else is in peak_kernel.h. */
#ifndef __AVX2__
#error "compile with -mavx2 -mfma -mf16c"
#endif
#include "kernels/cpu.h"
#include "kernels/x86/peak_kernel.h"

const struct peak_loops peak_avx2 = {"avx2", CPU_AVX2, PEAK_LOOPS};
