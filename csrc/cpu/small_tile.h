// Builds the tile of a few windows of few words. In most text no row repeats in it: then what a context meets
// depends only on the windows that it is in. Repeated rows are merged and their words counted.
#pragma once

#include <cstdint>
#include <cstring>

#include "cpu/counted_tile.h"
#include "cpu/kept_words.h"
#include "cpu/tile.h"

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
  SmallTile(const KeptWords<V>& words, Workspace& workspace, Tile& tile, const SgnsParams& params)
      : words_(words),
        work_(workspace),
        tile_(tile),
        windows_(params.share_negatives),
        usable_(windows_ <= kMostSmallWindows && words.repeats_can_be_found() && words.trains_in_place()) {}

  // Whether tiles of these settings are built here, and not as CountedTiles.
  bool usable() const { return usable_; }

  // Collects the rows of the windows of words first ... first + K - 1; returns how many pairs they train. If
  // the tile is then `distinct`, each row is that of one word and tile.window_contexts are the windows.
  int64_t build(const Segment& segment, int32_t first) {
    switch (windows_) {
      case 1:
        return build_windows<1>(segment, first);
      case 2:
        return build_windows<2>(segment, first);
      case 3:
        return build_windows<3>(segment, first);
      default:
        return build_windows<kMostSmallWindows>(segment, first);
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
      int slot = layout.slot(0, o);
      for (int c = 0, row = 0; c < tile_.contexts; ++c) {
        count_pairs(c, o, across, slot);
        slot += across;
        if (++row == layout.height) slot += padding, row = 0;
      }
    }
  }

 private:
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
  int64_t build_windows(const Segment& segment, int32_t first) {
    const Reach<K> reach = reach_of<K>(segment, first);
    find_window_words(first, reach);
    distinct_ = words_.distinct(first, reach.lowest, reach.highest) && !shares_a_target<K>(first);
    if (!distinct_) return merge<K>(first, reach);
    collect_outputs<K>(first);
    collect_contexts(first, reach);
    int64_t meetings = 0;
    UNROLL for (int w = 0; w < K; ++w) meetings += __builtin_popcountll(tile_.window_contexts[w]);
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
  // Word number c of the stretch, as its sets of contexts have it.
  template <int K>
  KERNEL_INLINE uint32_t context_id(int32_t first, const Reach<K>& reach, int c) const {
    const int32_t at = reach.lowest + c;
    return words_.id(K == 1 && at == first ? reach.highest - 1 : at);
  }

  template <int K>
  KERNEL_INLINE void collect_outputs(int32_t first) {
    const auto ids = words_.outputs(first);
    UNROLL for (int w = 0; w < K; ++w) work_.output[w] = words_.output_row(words_.id(first + w));
    for (int n = 1; n < work_.outputs; ++n) work_.output[K - 1 + n] = words_.output_row(ids[n]);
    tile_.outputs = K - 1 + work_.outputs;
  }

  template <int K>
  KERNEL_INLINE void collect_contexts(int32_t first, const Reach<K>& reach) {
    words_.input_rows(reach.lowest, work_.most_contexts, work_.context.get());
    if (K == 1) work_.context[first - reach.lowest] = words_.input_row(words_.id(reach.highest - 1));
  }

  // The tile of windows in which rows repeat.
  template <int K>
  int64_t merge(int32_t first, const Reach<K>& reach) {
    merge_outputs<K>(first);
    merge_contexts(first, reach);
    int64_t pairs = 0;
    for (int w = 0; w < K; ++w) {
      int outputs = 0;
      for (int o = 0; o < tile_.outputs; ++o) outputs += static_cast<int>(trained_in(w)[o]);
      pairs += int64_t{outputs} * __builtin_popcountll(tile_.window_contexts[w]);
    }
    return pairs;
  }

  template <int K>
  void merge_outputs(int32_t first) {
    tile_.outputs = 0;
    for (int w = 0; w < K; ++w) target_[w] = add_output(words_.id(first + w));
    forget_outputs(K - 1 + work_.outputs);
    const auto ids = words_.outputs(first);
    for (int n = 1; n < work_.outputs; ++n) {
      const int o = add_output(ids[n]);
      for (int w = 0; w < K; ++w) trained_in(w)[o] += 1.0f;
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

  template <int K>
  void merge_contexts(int32_t first, const Reach<K>& reach) {
    const int words = tile_.contexts;
    tile_.contexts = 0;
    for (int word = 0; word < words; ++word) {
      const uint32_t id = context_id(first, reach, word);
      const int c = index_of(id, work_.row_ids.get(), tile_.contexts);
      if (c == tile_.contexts) {
        work_.row_ids[c] = id;
        work_.context[c] = words_.input_row(id);
        for (int w = 0; w < K; ++w) words_in(w)[c] = 0.0f;
        ++tile_.contexts;
      }
      for (int w = 0; w < K; ++w) words_in(w)[c] += static_cast<float>(tile_.window_contexts[w] >> word & 1);
    }
  }

  // What merge finds out, of a tile in which no row repeats.
  void describe_distinct() {
    forget_outputs(tile_.outputs);
    for (int w = 0; w < windows_; ++w) {
      for (int c = 0; c < tile_.contexts; ++c) {
        words_in(w)[c] = static_cast<float>(tile_.window_contexts[w] >> c & 1);
      }
      target_[w] = w;
      trained_in(w)[w] = 1.0f;
      for (int o = windows_; o < tile_.outputs; ++o) trained_in(w)[o] = 1.0f;
    }
  }

  void forget_outputs(int outputs) {
    for (int w = 0; w < windows_; ++w) {
      for (int o = 0; o < outputs; ++o) trained_in(w)[o] = 0.0f;
    }
  }

  // The slots of context c and the `across` outputs of a block from `first` on. Whole blocks are written:
  // their zeros fall on padding, where the next context's pairs will be, or behind all slots.
  KERNEL_INLINE void count_pairs(int c, int first, int across, int slot) {
    float positive[kBlockFloats] = {}, total[kBlockFloats] = {};
    for (int w = 0; w < windows_; ++w) {
      const float words = words_in(w)[c];
      const float* const trained = trained_in(w) + first;
      UNROLL for (int o = 0; o < kBlockFloats; ++o) {
        const float in_block = o < across ? words : 0.0f;
        positive[o] += first + o == target_[w] ? in_block : 0.0f;
        total[o] += in_block * trained[o];
      }
    }
    std::memcpy(tile_.positive + slot, positive, sizeof positive);
    std::memcpy(tile_.total + slot, total, sizeof total);
  }

  // By context row: how many words of window w are it.
  KERNEL_INLINE float* words_in(int w) const { return work_.words_in_window.get() + w * work_.most_contexts; }
  // By output row: how often each word of window w trains it, its target once.
  KERNEL_INLINE float* trained_in(int w) const {
    return work_.trained_in_window.get() + w * (work_.most_outputs + kBlockFloats);
  }

  const KeptWords<V>& words_;
  Workspace& work_;
  Tile& tile_;
  const int windows_;  // in a tile: K
  const bool usable_;
  bool distinct_ = false;
  int target_[kMostSmallWindows] = {};  // output row of each window's target
};

}  // namespace full_w2v
