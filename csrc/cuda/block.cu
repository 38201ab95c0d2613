#include "cuda/kernels/block.cuh"

#include "cuda/launch.h"

namespace full_w2v {
namespace {

LaunchShape shape(const SgnsParams& params, int64_t) {
  const BlockLayout layout = BlockLayout::of(params, row_stride(params.dimension));
  return {layout.threads, layout.bytes, 0};
}

void launch(const KernelArguments& arguments, const LaunchShape& shape, int64_t blocks, cudaStream_t stream) {
  launch_checked("block", block_kernel, shape, blocks, stream, arguments);
}

}  // namespace

const Kernel kBlockKernel = {"block", kPairOrder, &shape, &launch};

}  // namespace full_w2v
