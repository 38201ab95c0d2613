// Compiled with the compiler's defaults: runs on every machine of its architecture.
#include "cpu/kernels.h"
#include "cpu/train_chunk.h"
#include "cpu/vector_128.h"

namespace full_w2v {

#if defined(__aarch64__)
static constexpr char kName[] = "neon";
#else
static constexpr char kName[] = "sse2";
#endif

const LevelKernels kVector128Kernels = {kName, &train_chunk<Vector128>, &most_slots<Vector128>};

}  // namespace full_w2v
