// Scratch of one thread: the sampled words of a chunk with their draws, and the tile being trained.
#pragma once

#include <cstdint>

#include "contract/params.h"
#include "cpu/aligned_memory.h"
#include "cpu/segments.h"
#include "cpu/tile/id_table.h"
#include "cpu/tile/tile.h"

namespace full_w2v {

// Slots of one output's pairs in a tile (SlotLayout).
struct OutputSlots {
  int base, block, across;

  __attribute__((always_inline)) int slot(int context_block, int row) const {
    return base + context_block * block + row * across;
  }
};

// An output of a tile that is not a target: which of its rows it is, and the label of its pairs.
struct FurtherOutput {
  int32_t output;
  Label label;
};

// How often a context of a window meets an output, and how often with label 1.
struct Meetings {
  float positive, total;
};

// A word of a strip: which of its rows it is, and in which of the tile's windows.
struct Occurrence {
  int32_t context, window;
};

// Words past either end of an array that whole vectors may touch, and tiles that are looked ahead.
constexpr int kVectorRoom = 64;
constexpr int kMostLanes = 16;  // of any level's vectors
// Vectors of tiles whose outputs are drawn together.
constexpr int kVectorsDrawn = 8;
// Room for one block of outputs of the widest level.
constexpr int kBlockFloats = 8;

// Aligned to its own cache lines: neighbouring threads never write the same one.
struct alignas(64) Workspace {
  // `slots`: room for the pairs of the largest tile, in the layout of the kernels that will use it.
  // `stride`: floats of a row.
  Workspace(const SgnsParams& params, int64_t slots, int64_t stride);

  // A tile in this workspace's room.
  template <class V>
  Tile tile(int64_t stride, bool keep_scores) {
    Tile tile{};
    tile.vectors = static_cast<int>(stride / V::lanes);
    tile.context = context.get();
    tile.output = output.get();
    tile.positive = positive.get();
    tile.total = total.get();
    tile.scores = scores.get();
    tile.gradients = gradients.get();
    tile.old_context = old_context.get();
    tile.old_output = old_output.get();
    tile.rounded = rounded.get();
    tile.ahead = ahead.get();
    tile.keep_scores = keep_scores;
    return tile;
  }

  // Makes room for copies of a tile's context rows, and of its output rows.
  void hold_rows(int64_t stride);
  void hold_outputs(int64_t stride);

  // Kept words start at `margin`: words of the same sentence before the chunk come below it, after the chunk
  // behind. All arrays have room for whole vectors at both ends.
  int margin;
  int negatives;
  int tile_outputs;  // that are drawn for a tile: the targets of its windows and their common negatives
  AlignedArray<uint32_t> keep_words;
  AlignedArray<uint32_t> ids;
  AlignedArray<uint32_t> position_low, position_high;
  AlignedArray<uint32_t> radius;
  AlignedArray<uint32_t> words_back;    // to the same word in what may be one tile, or 0
  AlignedArray<int32_t> latest_repeat;  // largest index so far of a word that came again like this
  AlignedArray<int32_t> latest_crowd;   // the same of a word that came again too often for one step
  // By tile.
  AlignedArray<int32_t> first_words;
  AlignedArray<uint32_t> output_ids;
  AlignedArray<uint32_t> repeats;         // not 0 where an output comes twice
  AlignedArray<uint32_t> output_columns;  // of some vectors of tiles, a vector for each output

  int most_contexts, most_outputs;  // of a tile
  AlignedArray<float*> context, output, old_output;
  AlignedArray<const char*> ahead;
  AlignedArray<OutputSlots> output_slots;
  // CountedTile: of the tile, then of a step of it.
  AlignedArray<FurtherOutput> further;
  AlignedArray<int32_t> window_target;  // output row of each window's target
  AlignedArray<int32_t> local_output;   // of the step, by output of the tile
  AlignedArray<Meetings> met;           // by output of the step
  AlignedArray<float*> step_context, step_output;
  AlignedArray<int32_t> context_words;  // words of the strip that each context is
  AlignedArray<Occurrence> occurrence;
  AlignedArray<float> positive, total, scores, gradients, old_context, old_output_rows;
  AlignedArray<float> words_in_window, trained_in_window;  // SmallTile
  AlignedArray<uint32_t> row_ids;                          // SmallTile: ids of the outputs found so far
  AlignedArray<int32_t> row_of_word;                       // SmallTile: context row of each word of the tile
  AlignedArray<float> hidden, sums;                        // of a window of CBOW (cbow_kernel.h)
  // Copies of context rows, trained in their place, and the words behind them: empty unless rows are locked
  // or stored as bf16. Then there are copies of output rows too.
  AlignedArray<float> held_rows, held_outputs;
  AlignedArray<uint32_t> held_ids, held_output_ids;
  // Rows as they are scored: empty unless that is in TF32.
  AlignedArray<float*> rounded;
  AlignedArray<float> rounded_rows;
  AlignedArray<IdTable::Entry> context_entries, output_entries, strip_entries;
  IdTable context_table, output_table, strip_table;
};

}  // namespace full_w2v
