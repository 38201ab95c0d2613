// Rows of bf16 as the kernels train them: widened to a float32 copy, and rounded when they are written back.
#pragma once

#include <cstdint>

#include "contract/rounding.h"
#include "cpu/simd/vector.h"

namespace full_w2v {

KERNEL_INLINE void widen_row(const Bf16* from, int64_t values, float* to) {
  for (int64_t k = 0; k < values; ++k) to[k] = widened(from[k]);
}

// `values` is even: rows are padded.
KERNEL_INLINE void round_row(const float* from, int64_t values, uint32_t key, Bf16* to) {
  for (int64_t pair = 0; pair < values / 2; ++pair) {
    const uint32_t bits = rounding_bits(key, static_cast<uint32_t>(pair));
    to[2 * pair] = rounded_at_random(from[2 * pair], bits & 0xFFFFu);
    to[2 * pair + 1] = rounded_at_random(from[2 * pair + 1], bits >> 16);
  }
}

}  // namespace full_w2v
