// Compiled with the compiler's defaults: runs on every machine of its architecture.
#include "cpu/objectives/train_chunk.h"
#include "cpu/simd/level_kernels.h"
#include "cpu/simd/vector_128.h"

namespace full_w2v {

#if defined(__aarch64__)
static constexpr char kName[] = "neon";
#else
static constexpr char kName[] = "sse2";
#endif

const LevelKernels kVector128Kernels = level_kernels<Vector128>(kName);

}  // namespace full_w2v
