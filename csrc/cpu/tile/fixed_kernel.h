// One tile whose shape the compiler knows: C contexts and O outputs, all loops over them unrolled, scores in
// registers from the dot products to the gradients. The shapes that text has nearly always.
// Pays 1.5x and more over general_kernel.h: scripts/benchmark/cpu.py.
#pragma once

#include "cpu/simd/vector.h"
#include "cpu/tile/gradient_kernel.h"
#include "cpu/tile/prefetch.h"
#include "cpu/tile/score_kernel.h"
#include "cpu/tile/tile.h"
#include "cpu/tile/update_kernel.h"

namespace full_w2v {

// How a kernel knows how often each pair of a tile is trained.
enum class Pairs {
  once,     // all once, those of output 0 with label 1
  counted,  // by tile.positive and tile.total
  windows,  // by tile.window_contexts: output w is the target of window w, the other outputs are negatives of
            // all
};
constexpr int kSharedWindows = 2;  // in a tile of Pairs::windows

// What the slots of a tile say of their pairs; zeros on padding.
template <class V, int C, int O>
struct SlotFacts {
  static constexpr SlotLayout<V> layout{C, O};
  static constexpr int slots = layout.slots();
  alignas(64) uint32_t context[slots];              // the bit of its context
  alignas(64) float target[kSharedWindows][slots];  // 1 where the output is this window's target
  alignas(64) float negative[slots];                // 1 where it is behind all targets

  constexpr SlotFacts() : context{}, target{}, negative{} {
    for (int c = 0; c < C; ++c) {
      for (int o = 0; o < O; ++o) {
        const int slot = layout.slot(c, o);
        context[slot] = 1u << c;
        (o < kSharedWindows ? target[o] : negative)[slot] = 1.0f;
      }
    }
  }
};

template <class V, int C, int O>
struct FixedKernel {
  using Float = typename V::Float;
  static constexpr SlotLayout<V> layout{C, O};
  static_assert(O <= V::widest, "one block of outputs");
  static constexpr int height = layout.height;
  static constexpr int slots = layout.slots();
  static constexpr int all_groups = slots / V::group;

  static constexpr SlotFacts<V, C, O> facts{};

  // Rows ahead that come while the first contexts are scored; the others come during the update.
  static constexpr int kFetchedByScores = 3;
  static_assert(O >= kFetchedByScores, "a tile has at least as many rows ahead as outputs");

  template <int From>
  KERNEL_INLINE static void score(const Tile& tile, Float* groups) {
    constexpr int T = C - From < height ? C - From : height;
    const RowsAhead ahead{tile.ahead, From == 0 ? kFetchedByScores : 0};
    score_block<V, T, O>(tile.context + From, tile.output, tile.vectors, groups, ahead);
    if constexpr (From + T < C) score<From + T>(tile, groups + layout.block(O) / V::group);
  }

  // How often the pairs of slots at ... at + V::lanes - 1 are trained with label 1, and how often in all.
  template <Pairs P>
  KERNEL_INLINE static void count(const Tile& tile, int at, Float& positive, Float& total) {
    if constexpr (P == Pairs::once) {
      positive = V::load(facts.target[0] + at);
      total = V::broadcast(1.0f);
    } else if constexpr (P == Pairs::counted) {
      positive = V::load(tile.positive + at);
      total = V::load(tile.total + at);
    } else {
      const auto context = V::load_words(facts.context + at);
      const Float negative = V::load(facts.negative + at);
      positive = total = V::broadcast(0.0f);
      UNROLL for (int w = 0; w < kSharedWindows; ++w) {
        const Float in_window =
            V::in_set(context, V::broadcast_word(static_cast<uint32_t>(tile.window_contexts[w])));
        positive = V::fma(in_window, V::load(facts.target[w] + at), positive);
        total = V::fma(in_window, negative, total);
      }
      total = V::add(total, positive);
    }
  }

  template <Pairs P>
  KERNEL_INLINE static void find_gradients(const Tile& tile) {
    constexpr int per_vector = V::lanes / V::group;
    Float groups[all_groups];
    UNROLL for (int g = 0; g < all_groups; ++g) groups[g] = V::broadcast(0.0f);
    score<0>(tile, groups);
    UNROLL for (int v = 0; v < slots / V::lanes; ++v) {
      const int at = v * V::lanes;
      const Float scores = V::join_groups(groups + v * per_vector);
      if (tile.keep_scores) V::store(tile.scores + at, scores);
      Float positive, total;
      count<P>(tile, at, positive, total);
      V::store(tile.gradients + at, gradient<V>(scores, positive, total, tile.rate));
    }
  }

  template <Pairs P, int S>
  KERNEL_INLINE static void update_at(const Tile& tile, int k) {
    OutputSlices<V, O, S> slices;
    slices.load(tile.output, tile.output, k);
    UNROLL for (int c = 0; c < C; ++c) {
      float* const row = tile.context[c] + k * V::lanes;
      slices.meet(row, row, tile.gradients + layout.slot(c, 0));
    }
    slices.store(tile.output, k);
    const int rows = P == Pairs::once ? O + 1 : tile.ahead_rows;
    prefetch<V, S>({tile.ahead + kFetchedByScores, rows - kFetchedByScores}, k);
  }

  template <Pairs P>
  static void train(const Tile& tile) {
    constexpr int S = update_slices<V>(O);
    find_gradients<P>(tile);
    int k = 0;
    for (; k + S <= tile.vectors; k += S) update_at<P, S>(tile, k);
    for (; k < tile.vectors; ++k) update_at<P, 1>(tile, k);
  }
};

// Fixed kernels by their number of contexts.
template <class V, int O, int MostContexts, Pairs P>
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
    by_contexts[C] = &FixedKernel<V, C, O>::template train<P>;
    if constexpr (C < MostContexts) fill<C + 1>();
  }
};

template <class V, int O, int MostContexts, Pairs P>
constexpr FixedKernels<V, O, MostContexts, P> FixedKernels<V, O, MostContexts, P>::table{};

}  // namespace full_w2v
