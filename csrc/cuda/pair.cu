#include "cuda/kernels/pair.cuh"

#include "cuda/launch.h"

namespace full_w2v {
namespace {

LaunchShape shape(const SgnsParams& params, int64_t) { return {kWarpSize, WalkShape::of(params).bytes(), 0}; }

void launch(const KernelArguments& arguments, const LaunchShape& shape, int64_t blocks, cudaStream_t stream) {
  const int values = lane_values(arguments.params);
  const auto kernel = values <= 4 ? pair_kernel<4> : values <= 10 ? pair_kernel<10> : pair_kernel<32>;
  launch_checked("pair", kernel, shape, blocks, stream, arguments);
}

}  // namespace

const Kernel kPairKernel = {"pair", kPairOrder, &shape, &launch};

}  // namespace full_w2v
