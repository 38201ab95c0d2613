// One tile of any shape, counted: blocks of outputs and contexts at run time. Same arithmetic as
// fixed_kernel.h.
#pragma once

#include <cstring>

#include "contract/tf32.h"
#include "cpu/simd/vector.h"
#include "cpu/tile/gradient_kernel.h"
#include "cpu/tile/prefetch.h"
#include "cpu/tile/score_kernel.h"
#include "cpu/tile/tile.h"
#include "cpu/tile/update_kernel.h"

namespace full_w2v {

// Contexts first ... last - 1 of a tile, which meet all of its outputs in turn.
struct Band {
  int first, last;
  bool copied;               // whether `old_context` holds their vectors as they were, else the rows do
  float* const* old_output;  // the output rows before the tile
  int ahead_share;           // rows ahead that are fetched with the update of each block of outputs
};

// The kernels of one block of outputs by its width and, for scores, by the number of contexts that meet it;
// for updates, by the vectors of a row that are updated together.
template <class V>
struct BlockKernels {
  using Float = typename V::Float;
  using Layout = SlotLayout<V>;
  using Score = void (*)(float* const* context, float* const* output, int vectors, float* scores);
  using Update = void (*)(const Tile& tile, const Layout& layout, const Band& band, int output, int k);
  static const BlockKernels table;
  static constexpr int kMostSlices = 2;

  Score score[V::widest + 1][Layout::kTallest + 1];
  Update update[kMostSlices + 1][V::widest + 1];

  constexpr BlockKernels() : score{}, update{} { fill<1>(); }

 private:
  template <int B>
  constexpr void fill() {
    fill_scores<B, 1>();
    update[1][B] = &update_slice<B, 1>;
    update[2][B] = &update_slice<B, 2>;
    if constexpr (B < V::widest) fill<B + 1>();
  }

  template <int B, int T>
  constexpr void fill_scores() {
    score[B][T] = &write_scores<T, B>;
    if constexpr (T < Layout{1, B}.height) fill_scores<B, T + 1>();
  }

  // Scores of T contexts and B outputs, padded to whole vectors.
  template <int T, int B>
  static void write_scores(float* const* context, float* const* output, int vectors, float* scores) {
    constexpr int groups = BlockSums<V, T, B>::groups, per_vector = V::lanes / V::group;
    constexpr int vectors_out = (groups + per_vector - 1) / per_vector;
    Float sums[vectors_out * per_vector];
    UNROLL for (int g = 0; g < vectors_out * per_vector; ++g) sums[g] = V::broadcast(0.0f);
    score_block<V, T, B>(context, output, vectors, sums, {});
    UNROLL for (int v = 0; v < vectors_out; ++v) {
      V::store_unaligned(scores + v * V::lanes, V::join_groups(sums + v * per_vector));
    }
  }

  // Vectors k ... k + S - 1 of the band's contexts and of the outputs output ... output + B - 1.
  template <int B, int S>
  static void update_slice(const Tile& tile, const Layout& layout, const Band& band, int output, int k) {
    const int padding = layout.block(B) - layout.height * B;
    const float* gradients = tile.gradients + layout.slot(band.first, output);
    const float* old = tile.old_context;
    OutputSlices<V, B, S> slices;
    slices.load(tile.output + output, band.old_output + output, k);
    for (int c = band.first, in_block = 0; c < band.last; ++c) {
      float* const row = tile.context[c] + k * V::lanes;
      slices.meet(row, band.copied ? old : row, gradients);
      old += S * V::lanes;
      gradients += B;
      if (++in_block == layout.height) gradients += padding, in_block = 0;
    }
    slices.store(tile.output + output, k);
  }
};

template <class V>
constexpr BlockKernels<V> BlockKernels<V>::table{};

// Band after band of contexts, each with all outputs: its rows come from memory once.
template <class V>
struct GeneralKernel {
  using Float = typename V::Float;
  using Layout = SlotLayout<V>;

  static void train(const Tile& tile) {
    const Layout layout{tile.contexts, tile.outputs};
    const int length = layout.band();
    const int blocks = Layout::ceil_divide(tile.outputs, layout.width);
    Band band{0, 0, blocks > 1, tile.output, Layout::ceil_divide(tile.ahead_rows, blocks)};
    if (length < tile.contexts) band.old_output = copy_outputs(tile);
    for (; band.first < tile.contexts && !tile.is_stopped(); band.first = band.last) {
      band.last = Layout::least(band.first + length, tile.contexts);
      find_gradients(tile, layout, band);
      update(tile, layout, band);
      band.ahead_share = 0;
    }
  }

 private:
  // Later bands meet the outputs as they were before the first.
  static float* const* copy_outputs(const Tile& tile) {
    for (int o = 0; o < tile.outputs; ++o) {
      std::memcpy(tile.old_output[o], tile.output[o], sizeof(float) * tile.vectors * V::lanes);
    }
    return tile.old_output;
  }

  static void round_rows(const Tile& tile, float* const* rows, int count, float* const* rounded) {
    for (int r = 0; r < count; ++r) {
      for (int k = 0; k < tile.vectors * V::lanes; ++k) rounded[r][k] = round_to_tf32(rows[r][k]);
    }
  }

  static void find_gradients(const Tile& tile, const Layout& layout, const Band& band) {
    float* const* context = tile.context + band.first;
    float* const* output = band.old_output;
    if (tile.rounded) {
      round_rows(tile, context, band.last - band.first, tile.rounded);
      if (band.first == 0) round_rows(tile, output, tile.outputs, tile.rounded + kMostBand);
      context = tile.rounded;
      output = tile.rounded + kMostBand;
    }
    for (int o = 0; o < tile.outputs; o += layout.width) {
      const int across = layout.block_width(o), first = layout.slot(band.first, o);
      const auto& score = BlockKernels<V>::table.score[across];
      int slot = first;
      for (int c = band.first; c < band.last; c += layout.height) {
        const int down = Layout::least(layout.height, band.last - c);
        score[down](context + (c - band.first), output + o, tile.vectors, tile.scores + slot);
        slot += layout.block(across);
      }
      score_to_gradients(tile, first, slot);
      if (tile.once && o == 0) add_labels(tile, layout, band);
    }
  }

  // The gradients of output 0, which were taken for those of a negative.
  static void add_labels(const Tile& tile, const Layout& layout, const Band& band) {
    const int across = layout.block_width(0);
    float* block = tile.gradients + layout.slot(band.first, 0);
    for (int c = band.first; c < band.last; c += layout.height, block += layout.block(across)) {
      const int down = Layout::least(layout.height, band.last - c);
      for (int row = 0; row < down; ++row) block[row * across] += tile.rate;
    }
  }

  // Slots first ... last - 1. Of pairs that are trained once all are taken for negatives here.
  static void score_to_gradients(const Tile& tile, int first, int last) {
    Float positive = V::broadcast(0.0f), total = V::broadcast(1.0f);
    for (int at = first; at < last; at += V::lanes) {
      if (!tile.once) positive = V::load(tile.positive + at), total = V::load(tile.total + at);
      V::store(tile.gradients + at, gradient<V>(V::load(tile.scores + at), positive, total, tile.rate));
    }
  }

  static void update(const Tile& tile, const Layout& layout, const Band& band) {
    const int wide = update_slices<V>(layout.width);
    int k = 0;
    for (; k + wide <= tile.vectors; k += wide) update_slice(tile, layout, band, k, wide);
    for (; k < tile.vectors; ++k) update_slice(tile, layout, band, k, 1);
  }

  // Vectors k ... k + S - 1 of all rows, S = 1 or 2.
  static void update_slice(const Tile& tile, const Layout& layout, const Band& band, int k, int slices) {
    if (band.copied) copy_contexts(tile, band, k, slices);
    const auto& update = BlockKernels<V>::table.update[slices];
    int row_ahead = 0;
    for (int o = 0; o < tile.outputs; o += layout.width) {
      update[layout.block_width(o)](tile, layout, band, o, k);
      const RowsAhead ahead = next_ahead(tile, band, row_ahead);
      for (int s = 0; s < slices; ++s) prefetch<V, 1>(ahead, k + s);
    }
  }

  // The next rows of the band's share, from row `at` on.
  static RowsAhead next_ahead(const Tile& tile, const Band& band, int& at) {
    const RowsAhead next{tile.ahead + at, Layout::least(band.ahead_share, tile.ahead_rows - at)};
    at += next.count;
    return next;
  }

  // One block of outputs changes the contexts, and the next one needs them as they were.
  static void copy_contexts(const Tile& tile, const Band& band, int k, int slices) {
    float* to = tile.old_context;
    for (int c = band.first; c < band.last; ++c) {
      const float* const row = tile.context[c] + k * V::lanes;
      for (int s = 0; s < slices; ++s, to += V::lanes) V::store(to, V::load(row + s * V::lanes));
    }
  }
};

}  // namespace full_w2v
