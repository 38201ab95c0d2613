// Scratch of one thread: the words kept of a chunk with their draws, and the tile being trained.
#pragma once

#include <cstdint>

#include "cpu/aligned_memory.h"
#include "cpu/segments.h"
#include "sgns/params.h"

namespace full_w2v {

// Finds equal word ids in a short list: open addressing over stamps, so that clearing costs nothing.
struct IdTable {
  struct Entry {
    uint32_t stamp;
    uint32_t id;
    int32_t index;
  };
  Entry* entries;
  uint32_t mask, stamp;
};

// Slots of one output's pairs in a tile (SlotLayout).
struct OutputSlots {
  int base, block, across;

  __attribute__((always_inline)) int slot(int context_block, int row) const {
    return base + context_block * block + row * across;
  }
};

// Aligned to its own cache lines: neighbouring threads never write the same one.
struct alignas(64) Workspace {
  // `slots`: room for the pairs of the largest tile, in the layout of the kernels that will use it.
  Workspace(const SgnsParams& params, int64_t slots);

  // Makes room for copies of a tile's context rows.
  void hold_rows(int64_t stride);

  // Kept words start at `margin`: words of the same sentence before the chunk stand below it, after the chunk
  // behind. All arrays have room for whole vectors at both ends.
  int margin;
  int outputs;  // of one window: the target and its negatives
  AlignedArray<uint32_t> keep_words;
  AlignedArray<uint32_t> ids;
  AlignedArray<uint32_t> position_low, position_high;
  AlignedArray<uint32_t> radius;
  AlignedArray<uint32_t> output_ids;    // a vector for each output of a vector of words (draw_windows)
  AlignedArray<uint32_t> repeats;       // not 0 where an output row comes twice in a window
  AlignedArray<int32_t> latest_repeat;  // largest index so far of a word that came again within a window

  int most_contexts, most_outputs;  // of a tile
  AlignedArray<float*> context, output;
  AlignedArray<const char*> ahead;
  AlignedArray<int32_t> context_words;  // words of the tile's windows that each context is
  AlignedArray<int32_t> negative;       // which output of the tile each negative is
  AlignedArray<OutputSlots> output_slots;
  AlignedArray<float> positive, total, scores, gradients, old_context;
  AlignedArray<float> hidden, sums;  // of a window of CBOW (cbow_kernel.h)
  AlignedArray<float> held_rows;     // copies of locked context rows, trained in their place; empty
  AlignedArray<uint32_t> held_ids;   // unless there are locks. The words behind the copies
  AlignedArray<IdTable::Entry> context_entries, output_entries;
  IdTable context_table, output_table;
};

}  // namespace full_w2v
