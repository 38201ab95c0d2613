// Update of a tile from its gradients: x_c += sum_o g_co y_o and y_o += sum_c g_co x_c, with the rows as they
// were before.
#pragma once

#include "cpu/tile.h"
#include "cpu/vector.h"

namespace full_w2v {

// Vectors of a row that a block of B outputs updates together: old and new outputs stay in registers.
template <class V>
constexpr int update_slices(int outputs) {
  const int fit = V::accumulators / (2 * outputs);
  return fit < 1 ? 1 : fit > 2 ? 2 : fit;
}

// Fetches the part of each coming row that stands beside vectors k ... k + S - 1.
template <class V, int S>
KERNEL_INLINE void prefetch_ahead(const char* const* ahead, int rows, int k) {
  constexpr int bytes = V::lanes * 4, line = 64;
  for (int at = k * bytes / line; at < (k + S) * bytes / line; ++at) {
    UNROLL for (int r = 0; r < rows; ++r) __builtin_prefetch(ahead[r] + at * line, 0, 3);
  }
}

// Vectors k ... k + S - 1 of B output rows and of every context row. `gradient(c)` points to the B gradients
// of context c, `old(c)` to vectors k ... of its row before the tile.
template <class V, int B, int S, class Gradient, class Old>
KERNEL_INLINE void update_block(float* const* output, float* const* context, int contexts, int k,
                                const Gradient& gradient, const Old& old) {
  using Float = typename V::Float;
  Float before[S][B], after[S][B];
  UNROLL for (int o = 0; o < B; ++o) {
    UNROLL for (int s = 0; s < S; ++s) after[s][o] = before[s][o] = V::load(output[o] + (k + s) * V::lanes);
  }
  UNROLL for (int c = 0; c < contexts; ++c) {
    float* const row = context[c] + k * V::lanes;
    const float* const old_row = old(c);
    const float* const g = gradient(c);
    Float x[S], sum[S];
    UNROLL for (int s = 0; s < S; ++s) {
      x[s] = V::load(old_row + s * V::lanes);
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
  UNROLL for (int o = 0; o < B; ++o) {
    UNROLL for (int s = 0; s < S; ++s) V::store(output[o] + (k + s) * V::lanes, after[s][o]);
  }
}

}  // namespace full_w2v
