// One tile of any shape, counted: blocks of outputs and contexts at run time. Same arithmetic as
// fixed_kernel.h.
#pragma once

#include "cpu/gradient_kernel.h"
#include "cpu/score_kernel.h"
#include "cpu/tile.h"
#include "cpu/update_kernel.h"
#include "cpu/vector.h"

namespace full_w2v {

template <class V>
struct GeneralKernel {
  using Float = typename V::Float;
  using Layout = SlotLayout<V>;

  // Scores of T contexts and B outputs, written as T * B floats, padded to whole groups.
  template <int T, int B>
  static void score(float* const* context, float* const* output, int vectors, float* scores) {
    constexpr int groups = BlockSums<V, T, B>::groups, per_vector = V::lanes / V::group;
    constexpr int vectors_out = (groups + per_vector - 1) / per_vector;
    Float sums[vectors_out * per_vector];
    UNROLL for (int g = 0; g < vectors_out * per_vector; ++g) sums[g] = V::broadcast(0.0f);
    score_block<V, T, B>(context, output, vectors, sums);
    UNROLL for (int v = 0; v < vectors_out; ++v) {
      V::store(scores + v * V::lanes, V::join_groups(sums + v * per_vector));
    }
  }

  using Score = void (*)(float* const*, float* const*, int, float*);

  template <int B, int T = 1>
  static Score score_for(int contexts) {
    constexpr int tallest = Layout{1, B}.height;
    if (contexts == T) return &score<T, B>;
    if constexpr (T < tallest) return score_for<B, T + 1>(contexts);
    return nullptr;
  }

  template <int B = V::widest>
  static Score score_for_shape(int contexts, int outputs) {
    if (outputs == B) return score_for<B>(contexts);
    if constexpr (B > 1) return score_for_shape<B - 1>(contexts, outputs);
    return nullptr;
  }

  static void find_scores(const Tile& tile, const Layout& layout) {
    alignas(64) float block[Layout::kTallest * V::widest + V::lanes];
    for (int o = 0; o < tile.outputs; o += layout.width) {
      const int across = layout.block_width(o);
      for (int c = 0; c < tile.contexts; c += layout.height) {
        const int down = Layout::least(layout.height, tile.contexts - c);
        score_for_shape(down, across)(tile.context + c, tile.output + o, tile.vectors, block);
        float* const scores = tile.scores + layout.slot(c, o);
        for (int i = 0; i < down * across; ++i) scores[i] = block[i];
      }
    }
  }

  static void find_gradients(const Tile& tile, const Layout& layout) {
    for (int at = 0; at < layout.slots(); at += V::lanes) {
      V::store(tile.gradients + at, gradient<V>(V::load(tile.scores + at), V::load(tile.positive + at),
                                                V::load(tile.total + at), tile.rate));
    }
  }

  // Vectors k ... k + S - 1 of all rows. With more than one block of outputs the contexts are copied first: a
  // block changes them, and the next one needs them as they were.
  template <int B, int S>
  KERNEL_INLINE static void update_outputs(const Tile& tile, const Layout& layout, int o, int k,
                                           bool copied) {
    const float* const gradients = tile.gradients + layout.slot(0, o);
    const int height = layout.height, block = layout.block(B);
    const auto gradient = [&](int c) { return gradients + c / height * block + c % height * B; };
    const auto old = [&](int c) {
      return copied ? tile.old_context + c * S * V::lanes : tile.context[c] + k * V::lanes;
    };
    update_block<V, B, S>(tile.output + o, tile.context, tile.contexts, k, gradient, old);
  }

  template <int S, int B = V::widest>
  KERNEL_INLINE static void update_width(const Tile& tile, const Layout& layout, int o, int k, bool copied) {
    if (layout.block_width(o) == B) return update_outputs<B, S>(tile, layout, o, k, copied);
    if constexpr (B > 1) update_width<S, B - 1>(tile, layout, o, k, copied);
  }

  template <int S>
  static void update(const Tile& tile, const Layout& layout, int k) {
    const bool several = layout.width < tile.outputs;
    for (int c = 0; several && c < tile.contexts; ++c) {
      for (int s = 0; s < S; ++s) {
        V::store(tile.old_context + (c * S + s) * V::lanes, V::load(tile.context[c] + (k + s) * V::lanes));
      }
    }
    for (int o = 0; o < tile.outputs; o += layout.width) update_width<S>(tile, layout, o, k, several);
    prefetch_ahead<V, S>(tile.ahead, tile.outputs + 1, k);
  }

  static void train(const Tile& tile) {
    const Layout layout{tile.contexts, tile.outputs};
    find_scores(tile, layout);
    find_gradients(tile, layout);
    for (int k = 0; k < tile.vectors; ++k) update<1>(tile, layout, k);
  }
};

}  // namespace full_w2v
