// How the matrices keep rows: read exactly into float32, and changes added atomically. A policy of Row.
//
// A change to a row of bf16 is rounded at random (contract/rounding.h) together with the value that it is
// added to: an addition of the device itself rounds to the nearest, and would lose what is small. The value
// is known from loading the row, so that no request reads it once more:
// - From compute capability 9.0 on, the difference of the rounded sum and that value is added, four or eight
//   bytes in a request that nobody waits for. That is exact while the value stays between a half and twice of
//   what it was. Where a step takes it further, or another warp moved it past a power of two meanwhile, the
//   difference or the device's sum is rounded once more, to the nearest: without bias no longer for sure.
// - Before, the device cannot add bf16. Two values, a word, are exchanged for their rounded sums if they are
//   what was loaded, and else rounded once more with what was found.
#pragma once

#include "contract/rounding.h"
#include "cuda/kernels/device.cuh"

namespace full_w2v {

// Values that a load or an addition takes together: 16 bytes, or 8, where the device adds so many at a time.
// Elsewhere one: a lane's additions to 4 neighbouring values would be 4 requests that touch every sector of
// the row each (384 sectors a word instead of 112 at d = 128).
template <int kValues>
struct RowUnit {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  static constexpr int kSize = kValues % 4 == 0 ? 4 : kValues % 2 == 0 ? 2 : 1;
#else
  static constexpr int kSize = 1;
#endif
};

struct Float32Rows {
  using Stored = float;
  static constexpr bool kRounds = false;
  template <int kValues>
  static constexpr int kUnit = RowUnit<kValues>::kSize;

  __device__ __forceinline__ static float* input(const Rows& rows) { return rows.input; }
  __device__ __forceinline__ static float* output(const Rows& rows) { return rows.output; }

  template <int kCount>
  __device__ __forceinline__ static void read(const float* from, float* values) {
    read_values<kCount>(from, values);
  }
  template <int kCount>
  __device__ __forceinline__ static void add(float* to, const float* changes, const float*, uint32_t, int) {
    add_values<kCount>(to, changes);
  }
};

// Two values of bf16 in a word, the first one in its lower half.
__device__ __forceinline__ float low_value(uint32_t word) { return float_of(word << 16); }
__device__ __forceinline__ float high_value(uint32_t word) { return float_of(word & 0xFFFF0000u); }

// The word of two sums, rounded by the two halves of `bits`.
__device__ __forceinline__ uint32_t rounded_word(float low, float high, uint32_t bits) {
  return (float_bits(low) + (bits & 0xFFFFu)) >> 16 | ((float_bits(high) + (bits >> 16)) & 0xFFFF0000u);
}

struct Bf16Rows {
  using Stored = Bf16;
  static constexpr bool kRounds = true;
  // Whole words: a device adds or exchanges no less.
  template <int kValues>
  static constexpr int kUnit = RowUnit<kValues>::kSize == 4 ? 4 : 2;

  __device__ __forceinline__ static Bf16* input(const Rows& rows) { return rows.input_bf16; }
  __device__ __forceinline__ static Bf16* output(const Rows& rows) { return rows.output_bf16; }

  template <int kCount>
  __device__ __forceinline__ static void read(const Bf16* from, float* values) {
    uint32_t words[kCount / 2];
    read_words<kCount / 2>(reinterpret_cast<const uint32_t*>(from), words);
    for (int w = 0; w < kCount / 2; ++w) {
      values[2 * w] = low_value(words[w]);
      values[2 * w + 1] = high_value(words[w]);
    }
  }

  // Adds changes to values that were `before` when they were loaded; the first has place `at` in its row.
  template <int kCount>
  __device__ __forceinline__ static void add(Bf16* to, const float* changes, const float* before,
                                             uint32_t key, int at) {
    auto* const words = reinterpret_cast<uint32_t*>(to);
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    uint32_t differences[kCount / 2];
    for (int w = 0; w < kCount / 2; ++w) {
      differences[w] = difference(changes + 2 * w, before + 2 * w, rounding_bits(key, at / 2 + w));
    }
    add_bf16_pairs<kCount / 2>(words, differences);
#else
    for (int w = 0; w < kCount / 2; ++w) {
      exchange(words + w, changes + 2 * w, before + 2 * w, rounding_bits(key, at / 2 + w));
    }
#endif
  }

 private:
#if defined(__CUDACC__)
  // The word of what two values move by, from `before` to their rounded sums.
  __device__ __forceinline__ static uint32_t difference(const float* changes, const float* before,
                                                        uint32_t bits) {
    const uint32_t sums = rounded_word(before[0] + changes[0], before[1] + changes[1], bits);
    return bf16_pair(low_value(sums) - before[0], high_value(sums) - before[1]);
  }
#endif

  __device__ __forceinline__ static void exchange(uint32_t* word, const float* changes, const float* before,
                                                  uint32_t bits) {
    uint32_t expected = float_bits(before[0]) >> 16 | float_bits(before[1]);
    for (;;) {
      const uint32_t sums =
          rounded_word(low_value(expected) + changes[0], high_value(expected) + changes[1], bits);
      const uint32_t found = compare_and_swap(word, expected, sums);
      if (found == expected) return;
      expected = found;
    }
  }
};

}  // namespace full_w2v
