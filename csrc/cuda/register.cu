#include "cuda/kernels/register.cuh"

#include "cuda/launch.h"

namespace full_w2v {
namespace {

LaunchShape shape(const SgnsParams& params, int64_t shared_limit) {
  const int64_t walk = WalkShape::of(params).bytes();
  if (params.order == Order::pair) return {kWarpSize, walk, 0};
  const int64_t floats = WindowScratch::of(params, row_stride(params.dimension)).floats();
  const int64_t with_scratch = walk + floats * static_cast<int64_t>(sizeof(float));
  if (with_scratch <= shared_limit) return {kWarpSize, with_scratch, 0};
  return {kWarpSize, walk, floats};
}

void launch(const KernelArguments& arguments, const LaunchShape& shape, int64_t blocks, cudaStream_t stream) {
  const int values = lane_values(arguments.params);
  const auto kernel = values <= 4    ? register_kernel<4>
                      : values <= 10 ? register_kernel<10>
                                     : register_kernel<32>;
  launch_checked("register", kernel, shape, blocks, stream, arguments);
}

}  // namespace

const Kernel kRegisterKernel = {"register", kWindowOrder | kPairOrder, &shape, &launch};

}  // namespace full_w2v
