// A row of either matrix, spread over a warp: lane l holds values l, l + 32, ..., so that the warp's loads
// and atomics touch whole sectors.
#pragma once

#include "cuda/device.cuh"

namespace full_w2v {

// Blocks of one warp that a multiprocessor should hold. Rows of up to 128 values leave room for 16, with 128
// registers a lane; longer ones take what registers there are.
constexpr int resident_warps(int values) { return values <= 4 ? 16 : 8; }

// 64-bit: vocabulary * stride may exceed 2^31.
__device__ __forceinline__ float* row_of(float* matrix, int32_t word, int64_t stride) {
  return matrix + word * stride;
}

__device__ __forceinline__ float segment_rate(const KernelArguments& arguments, const Segment& segment) {
  return learning_rate(arguments.params, arguments.batch.corpus_tokens, arguments.batch.epoch, segment.begin);
}

__device__ __forceinline__ void tally_pair(Tally& tally, bool loss, float score, bool positive) {
  ++tally.pairs;
  if (loss) tally.loss += pair_loss(score, positive);
}

// One lane's share of a row of at most 32 * kValues values. Values past the row are zero. No function
// synchronises.
template <int kValues>
struct Row {
  float value[kValues];

  __device__ __forceinline__ void clear() {
    for (int i = 0; i < kValues; ++i) value[i] = 0.0f;
  }

  // From a row of `stride` values in global memory.
  __device__ __forceinline__ void load(const float* row, int64_t stride) {
    for (int i = 0; i < kValues; ++i) {
      const int at = index(i);
      value[i] = at < stride ? read_row(row + at) : 0.0f;
    }
  }

  // Adds factor * this to a row in global memory.
  __device__ __forceinline__ void add_to(float* row, int64_t stride, float factor = 1.0f) const {
    for (int i = 0; i < kValues; ++i) {
      const int at = index(i);
      if (at < stride) atomicAdd(row + at, factor * value[i]);
    }
  }

  // As load() and its opposite, from memory that belongs to this warp alone.
  __device__ __forceinline__ void get(const float* row, int64_t stride) {
    for (int i = 0; i < kValues; ++i) value[i] = index(i) < stride ? row[index(i)] : 0.0f;
  }
  __device__ __forceinline__ void put(float* row, int64_t stride) const {
    for (int i = 0; i < kValues; ++i) {
      if (index(i) < stride) row[index(i)] = value[i];
    }
  }

  // This lane's part of the dot product.
  __device__ __forceinline__ float dot(const Row& other) const {
    float sum = value[0] * other.value[0];
    for (int i = 1; i < kValues; ++i) sum += value[i] * other.value[i];
    return sum;
  }

  // this += factor * other
  __device__ __forceinline__ void add(const Row& other, float factor) {
    for (int i = 0; i < kValues; ++i) value[i] += factor * other.value[i];
  }

 private:
  __device__ __forceinline__ static int index(int i) {
    return static_cast<int>(threadIdx.x % kWarpSize) + i * kWarpSize;
  }
};

}  // namespace full_w2v
