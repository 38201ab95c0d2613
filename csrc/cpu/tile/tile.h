// A tile: the context rows and the output rows that meet at once, and how often each pair of them is trained.
#pragma once

#include <atomic>
#include <cstdint>

namespace full_w2v {

// Tiles of up to so many windows, none wider than SampledWords::kSearchedWindow, are built by SmallTile where
// rows are trained in place.
constexpr int kMostSmallWindows = 4;

// Of a pair: whether the output is to be predicted, label 1, or told from what is.
enum class Label : bool { negative, positive };

// Rows are distinct, so that each is stored once. Pair (c, o) is trained positive[slot] times with label 1
// and total[slot] - positive[slot] times with label 0: words that repeat raise the counts, a skipped pair has
// none.
struct Tile {
  int contexts, outputs;
  int vectors;  // in a row
  float rate;
  float** context;  // input row of each context
  float** output;   // output row of each output
  // By slot; without a meaning in a tile that is trained `once`.
  float* positive;
  float* total;
  uint64_t window_contexts[kMostSmallWindows];  // a bit for each context of a window (SmallTile)
  float* scores;                                // by slot: x.y, kept only if keep_scores
  float* gradients;                             // by slot
  float* old_context;                           // room for one slice of a band of context rows
  float** old_output;                           // room for every output row
  float** rounded;     // room for a band of context rows and every output row; null unless scores are of TF32
  const char** ahead;  // rows of coming tiles, fetched into the cache while this one is trained
  int ahead_rows;
  bool keep_scores;
  bool once;  // every pair is trained once, those of output 0 with label 1: what the general kernel must know
  const std::atomic<bool>* stopped;  // once it is true what is left of a large tile is not trained; or null

  __attribute__((always_inline)) bool is_stopped() const {
    return stopped && stopped->load(std::memory_order_relaxed);
  }
};

constexpr int kMostBand = 32;  // contexts that are trained together

// The place of pair (c, o) in the arrays above: as the kernels' accumulators leave it. Outputs are taken in
// blocks of `width`, contexts in blocks of `height`, and a block is padded to whole groups of accumulators.
// Behind each region of slots is room for a vector, so that whole vectors may be written into it.
template <class V>
struct SlotLayout {
  int contexts, outputs;
  int width, height;
  int region;  // slots between two blocks of outputs

  constexpr SlotLayout(int contexts, int outputs)
      : contexts(contexts),
        outputs(outputs),
        width(ceil_divide(outputs, ceil_divide(outputs, V::widest))),
        height(least(V::accumulators / width, kTallest)),
        region(round_up(ceil_divide(contexts, height) * block(width), V::lanes) + V::lanes) {}

  // Outputs in the block that begins at `output`.
  constexpr int block_width(int output) const { return least(width, outputs - output); }
  // Slots between two blocks of contexts, for a block of so many outputs.
  constexpr int block(int across) const { return round_up(height * across, V::group); }
  // Contexts that are trained together: their slots of a block of outputs are whole vectors, their rows fit
  // into the cache next to the core.
  constexpr int band() const {
    const int smallest = height * (V::lanes / V::group);
    return smallest * (kMostBand / smallest);
  }
  constexpr int slots() const { return ceil_divide(outputs, width) * region - V::lanes; }
  constexpr int slot(int context, int output) const {
    const int first = output / width * width, across = block_width(first);
    return output / width * region + context / height * block(across) + context % height * across + output -
           first;
  }

  static constexpr int kTallest = 8;
  static constexpr int ceil_divide(int a, int b) { return (a + b - 1) / b; }
  static constexpr int round_up(int a, int multiple) { return ceil_divide(a, multiple) * multiple; }
  static constexpr int least(int a, int b) { return a < b ? a : b; }
};

}  // namespace full_w2v
