// One tile whose shape the compiler knows: C contexts and O outputs, all loops over them unrolled, scores in
// registers from the dot products to the gradients. The shapes that text has nearly always.
// Pays 1.5x and more over general_kernel.h: scripts/benchmark/cpu.py.
#pragma once

#include "cpu/gradient_kernel.h"
#include "cpu/score_kernel.h"
#include "cpu/tile.h"
#include "cpu/update_kernel.h"
#include "cpu/vector.h"

namespace full_w2v {

template <class V, int C, int O>
struct FixedKernel {
  using Float = typename V::Float;
  static constexpr SlotLayout<V> layout{C, O};
  static_assert(O <= V::widest, "one block of outputs");
  static constexpr int height = layout.height;
  static constexpr int slots = layout.slots();
  static constexpr int all_groups = slots / V::group;

  // 1 where the slot is a context's pair with the target, the first output.
  struct Labels {
    alignas(64) float value[slots];
    constexpr Labels() : value{} {
      for (int c = 0; c < C; ++c) value[layout.slot(c, 0)] = 1.0f;
    }
  };
  static constexpr Labels labels{};

  template <int From>
  KERNEL_INLINE static void score(const Tile& tile, Float* groups) {
    constexpr int T = C - From < height ? C - From : height;
    score_block<V, T, O>(tile.context + From, tile.output, tile.vectors, groups);
    if constexpr (From + T < C) score<From + T>(tile, groups + layout.block(O) / V::group);
  }

  template <bool Counted>
  KERNEL_INLINE static void find_gradients(const Tile& tile) {
    constexpr int per_vector = V::lanes / V::group;
    Float groups[all_groups];
    UNROLL for (int g = 0; g < all_groups; ++g) groups[g] = V::broadcast(0.0f);
    score<0>(tile, groups);
    UNROLL for (int v = 0; v < slots / V::lanes; ++v) {
      const int at = v * V::lanes;
      const Float scores = V::join_groups(groups + v * per_vector);
      if (tile.keep_scores) V::store(tile.scores + at, scores);
      const Float positive = V::load((Counted ? tile.positive : labels.value) + at);
      const Float total = Counted ? V::load(tile.total + at) : V::broadcast(1.0f);
      V::store(tile.gradients + at, gradient<V>(scores, positive, total, tile.rate));
    }
  }

  template <bool Counted, int S>
  KERNEL_INLINE static void update_at(const Tile& tile, int k) {
    OutputSlices<V, O, S> slices;
    slices.load(tile.output, tile.output, k);
    UNROLL for (int c = 0; c < C; ++c) {
      float* const row = tile.context[c] + k * V::lanes;
      slices.meet(row, row, tile.gradients + layout.slot(c, 0));
    }
    slices.store(tile.output, k);
    prefetch_ahead<V, S>(tile.ahead, Counted ? tile.ahead_rows : O + 1, k);
  }

  template <bool Counted>
  static void train(const Tile& tile) {
    constexpr int S = update_slices<V>(O);
    find_gradients<Counted>(tile);
    int k = 0;
    for (; k + S <= tile.vectors; k += S) update_at<Counted, S>(tile, k);
    for (; k < tile.vectors; ++k) update_at<Counted, 1>(tile, k);
  }
};

// Fixed kernels by their number of contexts.
template <class V, int O, int MostContexts, bool Counted>
struct FixedKernels {
  using Kernel = void (*)(const Tile&);
  static constexpr bool exist = O <= V::widest;
  static const FixedKernels table;

  Kernel by_contexts[MostContexts + 1];

  constexpr FixedKernels() : by_contexts{} {
    if constexpr (exist) fill<1>();
  }
  static bool fits(int contexts, int outputs) { return exist && outputs == O && contexts <= MostContexts; }

 private:
  template <int C>
  constexpr void fill() {
    by_contexts[C] = &FixedKernel<V, C, O>::template train<Counted>;
    if constexpr (C < MostContexts) fill<C + 1>();
  }
};

template <class V, int O, int MostContexts, bool Counted>
constexpr FixedKernels<V, O, MostContexts, Counted> FixedKernels<V, O, MostContexts, Counted>::table{};

}  // namespace full_w2v
