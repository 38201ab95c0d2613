// Update of a tile from its gradients: x_c += sum_o g_co y_o and y_o += sum_c g_co x_c, with the rows as they
// were before.
#pragma once

#include "cpu/simd/vector.h"
#include "cpu/tile/tile.h"

namespace full_w2v {

// Vectors of a row that a block of B outputs updates together: old and new outputs stay in registers.
template <class V>
constexpr int update_slices(int outputs) {
  const int fit = V::accumulators / (2 * outputs);
  return fit < 1 ? 1 : fit > 2 ? 2 : fit;
}

// S vectors of B output rows, before a tile and as it changes them.
template <class V, int B, int S>
struct OutputSlices {
  using Float = typename V::Float;
  Float before[S][B], after[S][B];

  // `old` points to the rows as they were before the tile: `row` itself unless some contexts were trained.
  KERNEL_INLINE void load(float* const* row, float* const* old, int k) {
    UNROLL for (int o = 0; o < B; ++o) {
      UNROLL for (int s = 0; s < S; ++s) {
        before[s][o] = V::load(old[o] + (k + s) * V::lanes);
        after[s][o] = V::load(row[o] + (k + s) * V::lanes);
      }
    }
  }

  // Meets S vectors of a context row, whose B gradients are `g`; `old` is that row before the tile.
  KERNEL_INLINE void meet(float* row, const float* old, const float* g) {
    Float x[S], sum[S];
    UNROLL for (int s = 0; s < S; ++s) {
      x[s] = V::load(old + s * V::lanes);
      sum[s] = V::load(row + s * V::lanes);
    }
    UNROLL for (int o = 0; o < B; ++o) {
      const Float factor = V::broadcast(g[o]);
      UNROLL for (int s = 0; s < S; ++s) {
        sum[s] = V::fma(factor, before[s][o], sum[s]);
        after[s][o] = V::fma(factor, x[s], after[s][o]);
      }
    }
    UNROLL for (int s = 0; s < S; ++s) V::store(row + s * V::lanes, sum[s]);
  }

  KERNEL_INLINE void store(float* const* row, int k) const {
    UNROLL for (int o = 0; o < B; ++o) {
      UNROLL for (int s = 0; s < S; ++s) V::store(row[o] + (k + s) * V::lanes, after[s][o]);
    }
  }
};

}  // namespace full_w2v
