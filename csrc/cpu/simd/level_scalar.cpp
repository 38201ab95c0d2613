// Compiled with the compiler's defaults: runs on every machine of its architecture.
#include "cpu/objectives/train_chunk.h"
#include "cpu/simd/level_kernels.h"
#include "cpu/simd/vector_scalar.h"

namespace full_w2v {

const LevelKernels kScalarKernels = level_kernels<Scalar>("scalar");

}  // namespace full_w2v
