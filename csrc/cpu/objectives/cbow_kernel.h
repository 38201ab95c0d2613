// One window of CBOW: the mean or sum h of its context rows meets every output row.
//   h = a sum_c x_c;  g_o = rate (label_o - sigmoid(h.y_o));  x_c += b sum_o g_o y_o;  y_o += g_o h
// from the output rows as they were before it. Rows are taken in pieces as wide as the registers hold, each
// piece read once for h and the scores and once for the update. There are as many rows as in skip-gram, but
// with six scores for its sixty they are soon done: what counts is that they are in the cache, and that the
// prefetches of coming rows do not come all at once.
#pragma once

#include <type_traits>

#include "cpu/simd/vector.h"
#include "cpu/tile/gradient_kernel.h"
#include "cpu/tile/prefetch.h"
#include "cpu/tile/tile.h"
#include "cpu/tile/update_kernel.h"

namespace full_w2v {

// Rows may repeat, among contexts and among outputs. Scores, labels and gradients of output o are at slot o.
struct CbowTile : Tile {
  float* hidden;  // h
  float* sums;    // of each output a vector of half-finished sums of its score
  float scale;    // a: 1 / contexts for their mean, 1 for their sum
  float share;    // b: 1 for the mean, 1 / contexts for the sum, as in gensim
};

// Whether an output row may come twice in a window.
enum class Outputs { distinct, repeated };

template <class V, Outputs kOutputs>
struct CbowKernel {
  using Float = typename V::Float;
  static constexpr int slices = V::accumulators / 3;  // vectors of h, as many of its error, and a few more

  // Calls part(S, k) for vectors k ... k + S - 1 of the rows until all have come, S as large as possible.
  template <int S = slices, class Part>
  KERNEL_INLINE static void for_slices(int vectors, const Part& part, int k = 0) {
    for (; k + S <= vectors; k += S) part(std::integral_constant<int, S>{}, k);
    if constexpr (S > 1) for_slices<S / 2>(vectors, part, k);
  }

  // Vectors k ... k + S - 1 of h.
  template <int S>
  KERNEL_INLINE static void find_hidden(const CbowTile& tile, int at, Float* h) {
    UNROLL for (int s = 0; s < S; ++s) h[s] = V::load(tile.context[0] + at + s * V::lanes);
    for (int c = 1; c < tile.contexts; ++c) {
      const float* const row = tile.context[c] + at;
      UNROLL for (int s = 0; s < S; ++s) h[s] = V::add(h[s], V::load(row + s * V::lanes));
    }
    const Float scale = V::broadcast(tile.scale);
    UNROLL for (int s = 0; s < S; ++s) {
      h[s] = V::mul(h[s], scale);
      V::store(tile.hidden + at + s * V::lanes, h[s]);
    }
  }

  // What vectors k ... k + S - 1 add to each score.
  template <int S>
  KERNEL_INLINE static void score(const CbowTile& tile, int k) {
    const int at = k * V::lanes;
    Float h[S];
    find_hidden<S>(tile, at, h);
    for (int o = 0; o < tile.outputs; ++o) {
      if (o % 2 == 0) prefetch<V, S>({tile.ahead + o, 1}, k);
      const float* const row = tile.output[o] + at;
      Float sum = k == 0 ? V::broadcast(0.0f) : V::load(tile.sums + o * V::lanes);
      UNROLL for (int s = 0; s < S; ++s) sum = V::fma(h[s], V::load(row + s * V::lanes), sum);
      V::store(tile.sums + o * V::lanes, sum);
    }
  }

  // Scores and gradients of a whole vector of outputs at a time; values past the last one are not used.
  KERNEL_INLINE static void find_gradients(const CbowTile& tile) {
    for (int from = 0; from < tile.outputs; from += V::lanes) {
      Float sums[V::lanes], groups[V::lanes / V::group];
      UNROLL for (int o = 0; o < V::lanes; ++o) sums[o] = V::load(tile.sums + (from + o) * V::lanes);
      UNROLL for (int g = 0; g < V::lanes / V::group; ++g) groups[g] = V::reduce_group(sums + g * V::group);
      const Float scores = V::join_groups(groups);
      if (tile.keep_scores) V::store(tile.scores + from, scores);
      const Float positive = V::load(tile.positive + from), total = V::load(tile.total + from);
      V::store(tile.gradients + from, gradient<V>(scores, positive, total, tile.rate));
    }
  }

  // sum_o g_o y_o, with the outputs as they are.
  template <int S>
  KERNEL_INLINE static void add_errors(const CbowTile& tile, int at, Float* error) {
    for (int o = 0; o < tile.outputs; ++o) {
      const Float g = V::broadcast(tile.gradients[o]);
      const float* const row = tile.output[o] + at;
      UNROLL for (int s = 0; s < S; ++s) error[s] = V::fma(g, V::load(row + s * V::lanes), error[s]);
    }
  }

  // Changes vectors k ... k + S - 1 of the outputs; `error` becomes sum_o g_o y_o of before.
  template <int S>
  KERNEL_INLINE static void update_outputs(const CbowTile& tile, int k, Float* error) {
    const int at = k * V::lanes;
    Float h[S];
    UNROLL for (int s = 0; s < S; ++s) h[s] = V::load(tile.hidden + at + s * V::lanes);
    UNROLL for (int s = 0; s < S; ++s) error[s] = V::broadcast(0.0f);
    // With repeated rows all are read before the first is stored, or later reads would see updates.
    if (kOutputs == Outputs::repeated) add_errors<S>(tile, at, error);
    for (int o = 0; o < tile.outputs; ++o) {
      if (o % 2 == 1) prefetch<V, S>({tile.ahead + o, 1}, k);
      const Float g = V::broadcast(tile.gradients[o]);
      float* const row = tile.output[o] + at;
      UNROLL for (int s = 0; s < S; ++s) {
        const Float y = V::load(row + s * V::lanes);
        if (kOutputs == Outputs::distinct) error[s] = V::fma(g, y, error[s]);
        V::store(row + s * V::lanes, V::fma(g, h[s], y));
      }
    }
  }

  // Changes vectors k ... k + S - 1 of all rows.
  template <int S>
  KERNEL_INLINE static void update(const CbowTile& tile, int k) {
    Float error[S];
    update_outputs<S>(tile, k, error);
    const Float share = V::broadcast(tile.share);
    UNROLL for (int s = 0; s < S; ++s) error[s] = V::mul(error[s], share);
    for (int c = 0; c < tile.contexts; ++c) {
      float* const row = tile.context[c] + k * V::lanes;
      UNROLL for (int s = 0; s < S; ++s) {
        V::store(row + s * V::lanes, V::add(V::load(row + s * V::lanes), error[s]));
      }
    }
    prefetch<V, S>({tile.ahead + tile.outputs, 1}, k);
  }

  static void train(const CbowTile& tile) {
    for_slices(tile.vectors, [&](auto count, int k) { score<count()>(tile, k); });
    find_gradients(tile);
    for_slices(tile.vectors, [&](auto count, int k) { update<count()>(tile, k); });
  }
};

}  // namespace full_w2v
