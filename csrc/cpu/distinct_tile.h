// Builds the tile of a few windows in which no row repeats, as in most text: what a context meets then
// depends only on the windows that it is in, and is copied from a table.
#pragma once

#include <cstdint>
#include <cstring>

#include "cpu/counted_tile.h"
#include "cpu/kept_words.h"
#include "cpu/tile.h"

namespace full_w2v {

template <class V>
class DistinctTile {
 public:
  static_assert(V::widest <= kPatternFloats, "a pattern holds a block of outputs");

  DistinctTile(const KeptWords<V>& words, Workspace& workspace, Tile& tile, const SgnsParams& params)
      : words_(words),
        work_(workspace),
        tile_(tile),
        windows_(params.share_negatives),
        outputs_(params.share_negatives + params.negative),
        usable_(windows_ <= kMostPatternedWindows && words.repeats_can_be_found() &&
                words.trains_in_place()) {
    if (usable_) make_patterns();
  }

  // Builds the tile of the windows of words first ... first + K - 1 and returns its pairs; 0 if there are
  // none or if some row repeats: CountedTile then tells.
  int64_t build(const Segment& segment, int32_t first) {
    if (!usable_) return 0;
    switch (windows_) {
      case 1:
        return build_windows<1>(segment, first);
      case 2:
        return build_windows<2>(segment, first);
      case 3:
        return build_windows<3>(segment, first);
      default:
        return build_windows<kMostPatternedWindows>(segment, first);
    }
  }

 private:
  static_assert(kMostPatternedWindows == 4, "build knows them all");

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
  int64_t build_windows(const Segment& segment, int32_t first) {
    const Reach<K> reach = reach_of<K>(segment, first);
    if (!words_.distinct(first, reach.lowest, reach.highest) || shares_a_target<K>(first)) return 0;
    collect_outputs<K>(first);
    const int64_t meetings = collect_contexts(first, reach);
    if (tile_.contexts > 0) copy_patterns();
    return meetings * work_.outputs;
  }

  // Whether a negative is the target of a later window of the tile.
  template <int K>
  KERNEL_INLINE bool shares_a_target(int32_t first) const {
    const auto ids = words_.outputs(first);
    bool shares = false;
    UNROLL for (int w = 1; w < K; ++w) {
      for (int n = 1; n < work_.outputs; ++n) shares |= ids[n] == words_.id(first + w);
    }
    return shares;
  }

  template <int K>
  KERNEL_INLINE void collect_outputs(int32_t first) {
    const auto ids = words_.outputs(first);
    UNROLL for (int w = 0; w < K; ++w) work_.output[w] = words_.output_row(words_.id(first + w));
    for (int n = 1; n < work_.outputs; ++n) work_.output[K - 1 + n] = words_.output_row(ids[n]);
    tile_.outputs = outputs_;
  }

  // Context rows, and for each the windows that it is in. Returns how often a context meets a window.
  template <int K>
  KERNEL_INLINE int64_t collect_contexts(int32_t first, const Reach<K>& reach) {
    int contexts = 0;
    int64_t meetings = 0;
    for (int32_t at = reach.lowest; at < reach.highest; ++at) {
      unsigned windows = 0;
      UNROLL for (int w = 0; w < K; ++w) {
        const unsigned in = (at >= reach.low[w]) & (at < reach.high[w]) & (at != first + w);
        windows |= in << w;
        meetings += in;
      }
      work_.context[contexts] = words_.input_row(words_.id(at));
      work_.meets[contexts] = static_cast<uint8_t>(windows);
      contexts += windows != 0;
    }
    tile_.contexts = contexts;
    return meetings;
  }

  void copy_patterns() {
    const SlotLayout<V> layout(tile_.contexts, tile_.outputs);
    clear_counts<V>(tile_, layout);
    for (int o = 0, pattern = 0; o < tile_.outputs; o += layout.width, pattern += kPatternFloats) {
      const int across = layout.block_width(o), padding = layout.block(across) - layout.height * across;
      int slot = layout.slot(0, o);
      for (int c = 0, row = 0; c < tile_.contexts; ++c) {
        // A whole pattern is written: its zeros fall on padding, where the next context's will, or behind all
        // slots.
        const int from = work_.meets[c] * pattern_size_ + pattern;
        std::memcpy(tile_.positive + slot, &work_.positive_pattern[from], sizeof(float) * kPatternFloats);
        std::memcpy(tile_.total + slot, &work_.total_pattern[from], sizeof(float) * kPatternFloats);
        slot += across;
        if (++row == layout.height) slot += padding, row = 0;
      }
    }
  }

  // By the set of windows that a context is in: it meets each window's target once, with label 1, and the
  // negatives once for each window.
  void make_patterns() {
    const SlotLayout<V> layout(1, outputs_);
    pattern_size_ = layout.ceil_divide(outputs_, layout.width) * kPatternFloats;
    for (int set = 0; set < 1 << windows_; ++set) {
      for (int o = 0; o < outputs_; ++o) {
        const int at = set * pattern_size_ + o / layout.width * kPatternFloats + o % layout.width;
        const bool target = o < windows_;
        const int times = target ? set >> o & 1 : __builtin_popcount(static_cast<unsigned>(set));
        work_.positive_pattern[at] = target ? static_cast<float>(times) : 0.0f;
        work_.total_pattern[at] = static_cast<float>(times);
      }
    }
  }

  const KeptWords<V>& words_;
  Workspace& work_;
  Tile& tile_;
  const int windows_;  // in a tile: K
  const int outputs_;  // of a tile: K targets and N negatives
  const bool usable_;
  int pattern_size_ = 0;  // floats of one set's pattern, a part for every block of outputs
};

}  // namespace full_w2v
