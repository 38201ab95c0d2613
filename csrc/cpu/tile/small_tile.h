// Builds the tile of a few windows of few words. In most text no row repeats in it: then what a context meets
// depends only on the windows that it is in. Repeated rows are merged and their words counted.
#pragma once

#include <cstdint>

#include "cpu/sampled_words.h"
#include "cpu/tile/counted_tile.h"
#include "cpu/tile/tile.h"

namespace full_w2v {

// Index of `id` among the first `count` of `ids`, else `count`.
KERNEL_INLINE int index_of(uint32_t id, const uint32_t* ids, int count) {
  int found = count;
  for (int i = count - 1; i >= 0; --i) found = ids[i] == id ? i : found;
  return found;
}

template <class V>
class SmallTile {
 public:
  SmallTile(const SampledWords<V>& words, Workspace& workspace, Tile& tile, const SgnsParams& params)
      : words_(words),
        work_(workspace),
        tile_(tile),
        windows_(params.share_negatives),
        usable_(windows_ <= kMostSmallWindows && words.repeats_can_be_found() && words.trains_in_place()) {}

  // Whether tiles of these settings are built here, and not as CountedTiles.
  bool usable() const { return usable_; }

  // Collects the rows of tile t, the windows of words first ... first + K - 1; returns how many pairs they
  // train. If the tile is then `distinct`, each row is that of one word and tile.window_contexts are the
  // windows.
  int64_t build(const Segment& segment, int32_t t, int32_t first) {
    switch (windows_) {
      case 1:
        return build_windows<1>(segment, t, first);
      case 2:
        return build_windows<2>(segment, t, first);
      case 3:
        return build_windows<3>(segment, t, first);
      default:
        return build_windows<kMostSmallWindows>(segment, t, first);
    }
  }
  bool distinct() const { return distinct_; }

  // Counts the pairs of the tile that was built.
  void count() {
    if (distinct_) describe_distinct();
    const SlotLayout<V> layout(tile_.contexts, tile_.outputs);
    clear_counts<V>(tile_, layout);
    for (int o = 0; o < tile_.outputs; o += layout.width) {
      const int across = layout.block_width(o), padding = layout.block(across) - layout.height * across;
      const Block block = block_from(o, across);
      int slot = layout.slot(0, o);
      for (int c = 0, row = 0; c < tile_.contexts; ++c) {
        count_pairs(block, c, slot);
        slot += across;
        if (++row == layout.height) slot += padding, row = 0;
      }
    }
  }

 private:
  static constexpr int kNoRow = -1;
  static_assert(kMostSmallWindows == 4, "build knows them all");
  static_assert(V::widest <= kBlockFloats, "an output's place in its block");

  // The words of each window, and of all of them.
  template <int K>
  struct Reach {
    int32_t low[K], high[K], lowest, highest;
  };

  template <int K>
  KERNEL_INLINE Reach<K> reach_of(const Segment& segment, int32_t first) const {
    Reach<K> reach;
    UNROLL for (int w = 0; w < K; ++w) {
      reach.low[w] = words_.window_low(segment, first + w);
      reach.high[w] = words_.window_high(segment, first + w);
      if (w == 0 || reach.low[w] < reach.lowest) reach.lowest = reach.low[w];
      if (w == 0 || reach.high[w] > reach.highest) reach.highest = reach.high[w];
    }
    return reach;
  }

  template <int K>
  int64_t build_windows(const Segment& segment, int32_t t, int32_t first) {
    const Reach<K> reach = reach_of<K>(segment, first);
    find_window_words(first, reach);
    const bool outputs_repeat = words_.repeats_output(t);
    distinct_ = !outputs_repeat && words_.distinct_words(reach.lowest, reach.highest);
    if (!outputs_repeat) collect_outputs(t);
    if (!distinct_) {
      if (outputs_repeat) {
        merge_outputs<K>(t);
      } else {
        describe_outputs();
      }
      merge_contexts(first, reach);
      return count_meetings<K>();
    }
    collect_contexts(first, reach);
    int64_t meetings = 0;
    UNROLL for (int w = 0; w < K; ++w) meetings += __builtin_popcountll(tile_.window_contexts[w]);
    return meetings * (1 + work_.negatives);
  }

  // The words of a tile are a stretch of text. With K > 1 all of them are contexts, for the centres are in
  // each other's windows; with K = 1 the last one is taken in the centre's place.
  template <int K>
  KERNEL_INLINE void find_window_words(int32_t first, const Reach<K>& reach) {
    tile_.contexts = reach.highest - reach.lowest - (K == 1);
    const auto words_below = [&](int32_t at) { return (uint64_t{1} << (at - reach.lowest)) - 1; };
    if constexpr (K == 1) {
      tile_.window_contexts[0] = words_below(reach.highest - 1);
    } else {
      UNROLL for (int w = 0; w < K; ++w) {
        const uint64_t centre = uint64_t{1} << (first + w - reach.lowest);
        tile_.window_contexts[w] = words_below(reach.high[w]) & ~words_below(reach.low[w]) & ~centre;
      }
    }
  }

  KERNEL_INLINE void collect_outputs(int32_t t) {
    words_.output_rows(t, work_.tile_outputs, work_.output.get());
    tile_.outputs = work_.tile_outputs;
  }

  template <int K>
  KERNEL_INLINE void collect_contexts(int32_t first, const Reach<K>& reach) {
    float** const rows = work_.context.get();
    if constexpr (K == 1) {
      words_.context_rows(reach.lowest, first, reach.highest, work_.most_contexts, rows);
    } else {
      words_.input_rows(reach.lowest, work_.most_contexts, rows);
    }
  }

  // Pairs of a tile whose outputs are described.
  template <int K>
  int64_t count_meetings() const {
    int64_t pairs = 0;
    for (int w = 0; w < K; ++w) {
      int outputs = 0;
      for (int o = 0; o < tile_.outputs; ++o) outputs += static_cast<int>(trained_in(w)[o]);
      pairs += int64_t{outputs} * __builtin_popcountll(tile_.window_contexts[w]);
    }
    return pairs;
  }

  template <int K>
  void merge_outputs(int32_t t) {
    const uint32_t* const ids = words_.outputs(t);
    tile_.outputs = 0;
    for (int w = 0; w < K; ++w) target_[w] = add_output(ids[w]);
    forget_outputs();
    for (int o = K; o < work_.tile_outputs; ++o) {
      const int row = add_output(ids[o]);
      for (int w = 0; w < K; ++w) trained_in(w)[row] += 1.0f;
    }
    for (int w = 0; w < K; ++w) trained_in(w)[target_[w]] = 1.0f;  // not as a negative of its own
  }

  int add_output(uint32_t id) {
    const int o = index_of(id, work_.row_ids.get(), tile_.outputs);
    if (o < tile_.outputs) return o;
    work_.row_ids[o] = id;
    work_.output[o] = words_.output_row(id);
    return tile_.outputs++;
  }

  // A word's row is that of the same word before it, if there is one in the tile. With K = 1 the centre has
  // none of its own, and words behind it take the row of its like before it.
  template <int K>
  void merge_contexts(int32_t first, const Reach<K>& reach) {
    int32_t* const row_of_word = work_.row_of_word.get();
    tile_.contexts = 0;
    for (int32_t at = reach.lowest; at < reach.highest; ++at) {
      const int word = at - reach.lowest, back = words_.words_back(at);
      int row = back != 0 && back <= word ? row_of_word[word - back] : kNoRow;
      if (K > 1 || at != first) {
        if (row == kNoRow) {
          row = tile_.contexts++;
          work_.context[row] = words_.input_row(words_.id(at));
          for (int w = 0; w < K; ++w) words_in(w)[row] = 0.0f;
        }
        for (int w = 0; w < K; ++w) {
          words_in(w)[row] += K == 1 ? 1.0f : static_cast<float>(tile_.window_contexts[w] >> word & 1);
        }
      }
      row_of_word[word] = row;
    }
  }

  // What merging finds out, of a tile in which no row repeats.
  void describe_distinct() {
    for (int w = 0; w < windows_; ++w) {
      for (int c = 0; c < tile_.contexts; ++c) {
        words_in(w)[c] = static_cast<float>(tile_.window_contexts[w] >> c & 1);
      }
    }
    describe_outputs();
  }
  void describe_outputs() {
    forget_outputs();
    for (int w = 0; w < windows_; ++w) {
      target_[w] = w;
      trained_in(w)[w] = 1.0f;
      for (int o = windows_; o < tile_.outputs; ++o) trained_in(w)[o] = 1.0f;
    }
  }

  void forget_outputs() {
    for (int w = 0; w < windows_; ++w) {
      for (int o = 0; o < work_.tile_outputs; ++o) trained_in(w)[o] = 0.0f;
    }
  }

  // How often a word of each window trains the outputs of a block, in all and with label 1; zeros behind
  // them.
  struct Block {
    float total[kMostSmallWindows][kBlockFloats], positive[kMostSmallWindows][kBlockFloats];
  };
  Block block_from(int first, int across) const {
    Block block{};
    for (int w = 0; w < windows_; ++w) {
      for (int o = 0; o < across; ++o) block.total[w][o] = trained_in(w)[first + o];
      const int target = target_[w] - first;
      if (target >= 0 && target < across) block.positive[w][target] = 1.0f;
    }
    return block;
  }

  // The slots of context c and the outputs of a block. Whole blocks are written: their zeros fall on padding,
  // where the next context's pairs will be, or behind all slots.
  KERNEL_INLINE void count_pairs(const Block& block, int c, int slot) {
    float* const positive = tile_.positive + slot;
    float* const total = tile_.total + slot;
    for (int w = 0; w < windows_; ++w) {
      const float words = words_in(w)[c];
      for (int o = 0; o < kBlockFloats; ++o) {
        positive[o] = (w == 0 ? 0.0f : positive[o]) + words * block.positive[w][o];
        total[o] = (w == 0 ? 0.0f : total[o]) + words * block.total[w][o];
      }
    }
  }

  // By context row: how many words of window w are it.
  KERNEL_INLINE float* words_in(int w) const { return work_.words_in_window.get() + w * work_.most_contexts; }
  // By output row: how often each word of window w trains it, its target once.
  KERNEL_INLINE float* trained_in(int w) const {
    return work_.trained_in_window.get() + w * (work_.most_outputs + kBlockFloats);
  }

  const SampledWords<V>& words_;
  Workspace& work_;
  Tile& tile_;
  const int windows_;  // in a tile: K
  const bool usable_;
  bool distinct_ = false;
  int target_[kMostSmallWindows] = {};  // output row of each window's target
};

}  // namespace full_w2v
