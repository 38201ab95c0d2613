// Compiled with this instruction set's flags (setup.py); run only where levels.cpp finds it.
#if defined(__x86_64__)

#include "cpu/objectives/train_chunk.h"
#include "cpu/simd/level_kernels.h"
#include "cpu/simd/vector_avx512.h"

namespace full_w2v {

const LevelKernels kAvx512Kernels = level_kernels<Avx512>("avx512");

}  // namespace full_w2v

#endif
