// Builds the tile of a few windows whatever repeats in them: distinct rows, with the count of each pair.
#pragma once

#include <cstdint>

#include "cpu/kept_words.h"
#include "cpu/tile.h"

namespace full_w2v {

// Index of `id` among those added since the table was cleared; `next` is taken for a new one.
KERNEL_INLINE int32_t find_or_add(IdTable& table, uint32_t id, int32_t next) {
  uint32_t at = id * 2654435761u;
  for (at &= table.mask;; at = (at + 1) & table.mask) {
    IdTable::Entry& entry = table.entries[at];
    if (entry.stamp != table.stamp) {
      entry = {table.stamp, id, next};
      return next;
    }
    if (entry.id == id) return entry.index;
  }
}

KERNEL_INLINE void clear(IdTable& table) {
  if (++table.stamp != 0) return;
  // Stamps begin again after 2^32 tiles: entries of that long ago must not look new.
  for (uint32_t at = 0; at <= table.mask; ++at) table.entries[at].stamp = 0;
  table.stamp = 1;
}

// Every pair of the tile untrained so far.
template <class V>
void clear_counts(const Tile& tile, const SlotLayout<V>& layout) {
  const typename V::Float zero = V::broadcast(0.0f);
  for (int slot = 0; slot < layout.slots(); slot += V::lanes) {
    V::store(tile.positive + slot, zero);
    V::store(tile.total + slot, zero);
  }
}

template <class V>
class CountedTile {
 public:
  CountedTile(const KeptWords<V>& words, Workspace& workspace, Tile& tile)
      : words_(words), work_(workspace), tile_(tile) {}

  // Tile t: the windows of words first ... behind - 1. Returns the pairs; with none the tile is not to be
  // trained.
  int64_t build(const Segment& segment, int32_t t, int32_t first, int32_t behind) {
    collect_outputs(t, first, behind);
    collect_contexts(segment, first, behind);
    if (tile_.contexts == 0) return 0;
    const SlotLayout<V> layout = begin_counting();
    return behind - first == 1 ? count_window(layout) : count_windows(segment, first, behind, layout);
  }

  // The parts of build, for tiles that have other outputs beside.

  // Distinct output rows of the tile, and which of them each negative is.
  void collect_outputs(int32_t t, int32_t first, int32_t behind) {
    clear(work_.output_table);
    tile_.outputs = 0;
    for (int32_t i = first; i < behind; ++i) add_output(words_.id(i));
    const uint32_t* const negatives = words_.outputs(t) + work_.tile_outputs - work_.negatives;
    for (int n = 0; n < work_.negatives; ++n) work_.negative[n] = add_output(negatives[n]);
  }

  // Distinct context rows of the tile, and how many words of its windows each of them is.
  void collect_contexts(const Segment& segment, int32_t first, int32_t behind) {
    clear(work_.context_table);
    tile_.contexts = 0;
    for (int32_t i = first; i < behind; ++i) {
      words_.for_each_context(segment, i, [this](uint32_t id) {
        const int32_t index = find_or_add(work_.context_table, id, tile_.contexts);
        if (index == tile_.contexts) {
          work_.context_words[index] = 0;
          work_.context[tile_.contexts] = words_.context_row(id, tile_.contexts);
          ++tile_.contexts;
        }
        ++work_.context_words[index];
      });
    }
  }

  // Every pair of the collected rows untrained so far.
  SlotLayout<V> begin_counting() {
    const SlotLayout<V> layout(tile_.contexts, tile_.outputs);
    clear_counts<V>(tile_, layout);
    for (int o = 0; o < tile_.outputs; ++o) {
      const int block_first = o / layout.width * layout.width, across = layout.block_width(block_first);
      work_.output_slots[o] = {layout.slot(0, o), layout.block(across), across};
    }
    return layout;
  }

  // Counts of a tile of one window: every context word meets the target, its output 0, and all negatives.
  int64_t count_window(const SlotLayout<V>& layout) {
    int negatives = 0;
    for (int n = 0; n < work_.negatives; ++n) negatives += work_.negative[n] != 0;
    int64_t pairs = 0;
    int block = 0, row = 0;
    for (int c = 0; c < tile_.contexts; ++c) {
      const int words = work_.context_words[c];
      const int target = work_.output_slots[0].slot(block, row);
      tile_.positive[target] = tile_.total[target] = static_cast<float>(words);
      for (int n = 0; n < work_.negatives; ++n) {
        if (work_.negative[n] == 0) continue;
        tile_.total[work_.output_slots[work_.negative[n]].slot(block, row)] += static_cast<float>(words);
      }
      pairs += int64_t{words} * (1 + negatives);
      if (++row == layout.height) row = 0, ++block;
    }
    return pairs;
  }

 private:
  KERNEL_INLINE int32_t add_output(uint32_t id) {
    const int32_t index = find_or_add(work_.output_table, id, tile_.outputs);
    if (index == tile_.outputs) {
      work_.output[tile_.outputs] = words_.tile_output_row(id, tile_.outputs);
      ++tile_.outputs;
    }
    return index;
  }

  // Counts of a tile of several windows, whose contexts meet their own target and the common negatives.
  int64_t count_windows(const Segment& segment, int32_t first, int32_t behind, const SlotLayout<V>& layout) {
    int64_t pairs = 0;
    for (int32_t i = first; i < behind; ++i) {
      const int target = find_or_add(work_.output_table, words_.id(i), 0);
      words_.for_each_context(segment, i, [&](uint32_t id) {
        const int c = find_or_add(work_.context_table, id, 0);
        pairs += count_context(c / layout.height, c % layout.height, target);
      });
    }
    return pairs;
  }

  // One more time that the context in this row of this block meets the target and the negatives.
  KERNEL_INLINE int count_context(int block, int row, int target) {
    const int positive = work_.output_slots[target].slot(block, row);
    tile_.positive[positive] += 1.0f;
    tile_.total[positive] += 1.0f;
    int pairs = 1;
    for (int n = 0; n < work_.negatives; ++n) {
      const int negative = work_.negative[n];
      tile_.total[work_.output_slots[negative].slot(block, row)] += negative != target;
      pairs += negative != target;
    }
    return pairs;
  }

  const KeptWords<V>& words_;
  Workspace& work_;
  Tile& tile_;
};

}  // namespace full_w2v
