// Reads rows of a matrix, or adds to them, and does nothing else: what a device's memory gives at best.
//
// A warp takes a row at a time, all lanes side by side, as training does (row.cuh): kUnit values of a lane
// in one request, 1 or 4. Rows are taken as they are listed, so that the list decides what meets: a row
// that is listed often is added to by many warps at once.
//
// Launch: one warp a block, any grid (blocks stride over the list), no shared memory.
// Synchronisation: none.
#pragma once

#include "cuda/kernels/device.cuh"

namespace full_w2v {

struct RowRateArguments {
  float* matrix;
  int64_t stride;  // a multiple of 8
  const int32_t* rows;
  int64_t count;
  double* sum;  // of what was read; added to by each block
};

// Values of a request where it asks for kUnit: 16-byte additions begin with compute capability 9.0.
template <int kUnit, int kAdd>
struct RequestUnit {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  static constexpr int kSize = kUnit;
#else
  static constexpr int kSize = kAdd ? 1 : kUnit;
#endif
};

// kAdd: adds one to each value instead of reading it.
template <int kUnit, int kAdd>
__global__ void __launch_bounds__(kWarpSize, 32) row_rate_kernel(const RowRateArguments arguments) {
  constexpr int kSize = RequestUnit<kUnit, kAdd>::kSize;
  float sum = 0.0f;
  for (int64_t i = blockIdx.x; i < arguments.count; i += gridDim.x) {
    float* row = arguments.matrix + arguments.rows[i] * arguments.stride;
    for (int64_t at = threadIdx.x * kSize; at < arguments.stride; at += kWarpSize * kSize) {
      float values[kSize];
      if constexpr (kAdd) {
        for (float& value : values) value = 1.0f;
        add_values<kSize>(row + at, values);
      } else {
        read_values<kSize>(row + at, values);
        for (const float value : values) sum += value;
      }
    }
  }
  if constexpr (!kAdd) {
    sum = warp_sum(sum);
    if (threadIdx.x == 0) atomicAdd(arguments.sum, static_cast<double>(sum));
  }
}

}  // namespace full_w2v
