// Scores of a block of a tile: T context rows meet B output rows.
#pragma once

#include "cpu/simd/vector.h"
#include "cpu/tile/prefetch.h"
#include "cpu/tile/tile.h"

namespace full_w2v {

// Half-finished sums of a block's T * B scores; SlotLayout's order, padded with zeros to whole groups.
template <class V, int T, int B>
struct BlockSums {
  static constexpr int groups = (T * B + V::group - 1) / V::group;
};

// Dot products of T context rows and B output rows, reduced group by group: each output vector is loaded once
// for all T contexts, and each group of accumulators is summed over its lanes in one transposed tree. Rows
// `ahead` are fetched meanwhile.
template <class V, int T, int B>
KERNEL_INLINE void score_block(float* const* context, float* const* output, int vectors,
                               typename V::Float* groups, const RowsAhead& ahead) {
  using Float = typename V::Float;
  constexpr int padded = BlockSums<V, T, B>::groups * V::group;
  Float sums[padded];
  UNROLL for (int i = 0; i < padded; ++i) sums[i] = V::broadcast(0.0f);
  for (int k = 0; k < vectors; ++k) {
    Float x[T];
    UNROLL for (int c = 0; c < T; ++c) x[c] = V::load(context[c] + k * V::lanes);
    UNROLL for (int o = 0; o < B; ++o) {
      const Float y = V::load(output[o] + k * V::lanes);
      UNROLL for (int c = 0; c < T; ++c) sums[c * B + o] = V::fma(x[c], y, sums[c * B + o]);
    }
    prefetch<V, 1>(ahead, k);
  }
  UNROLL for (int g = 0; g < BlockSums<V, T, B>::groups; ++g) groups[g] =
      V::reduce_group(sums + g * V::group);
}

}  // namespace full_w2v
