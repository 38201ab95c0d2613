// One checked launch, and the choice of a template by the row's length.
#pragma once

#include <string>

#include "cuda/check.h"
#include "cuda/kernels.h"

namespace full_w2v {

// Enqueues a kernel, after allowing it as much shared memory as it asks for.
template <class Arguments>
void launch_checked(const char* name, void (*kernel)(Arguments), const LaunchShape& shape, int64_t blocks,
                    cudaStream_t stream, const Arguments& arguments) {
  constexpr int64_t kAlwaysAllowed = 48 * 1024;
  if (shape.shared_bytes > kAlwaysAllowed) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(shape.shared_bytes)),
          "cudaFuncSetAttribute(MaxDynamicSharedMemorySize)");
  }
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(shape.threads));
  config.dynamicSmemBytes = static_cast<size_t>(shape.shared_bytes);
  config.stream = stream;
  check(cudaLaunchKernelEx(&config, kernel, arguments), (std::string("launch of kernel ") + name).c_str());
}

// Values of a row that each lane of a warp holds.
inline int lane_values(const SgnsParams& params) {
  return static_cast<int>((row_stride(params.dimension) + kWarpSize - 1) / kWarpSize);
}

}  // namespace full_w2v
