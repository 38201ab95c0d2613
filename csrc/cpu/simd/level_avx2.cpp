// Compiled with this instruction set's flags (setup.py); run only where levels.cpp finds it.
#if defined(__x86_64__)

#include "cpu/objectives/train_chunk.h"
#include "cpu/simd/level_kernels.h"
#include "cpu/simd/vector_avx2.h"

namespace full_w2v {

const LevelKernels kAvx2Kernels = level_kernels<Avx2>("avx2");

}  // namespace full_w2v

#endif
