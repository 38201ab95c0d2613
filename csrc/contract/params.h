// Settings and views that every backend trains from.
#pragma once

#include <cstdint>

#include "contract/alias_table.h"
#include "contract/host_device.h"
#include "contract/rounding.h"

namespace full_w2v {

enum class Order : int32_t {
  window,  // scores from the rows as they are when the window starts, then one update
  pair,    // output by output, context by context, each pair updating both rows at once
};

enum class Architecture : int32_t {
  skip_gram,  // every context meets every output
  cbow,       // the contexts' mean, or sum, meets every output
};

enum class ScorePrecision : int32_t {
  float32,
  tf32,  // rows are rounded to TF32 for their scores (tf32.h)
};

// Tokens of a sentence that share one learning rate and are one unit of work. A longer sentence is cut into
// segments for this alone: its windows reach over the cuts, so that it still trains whole.
constexpr int64_t kSegmentTokens = 1024;

struct SgnsParams {
  int32_t vocabulary;       // rows
  int32_t dimension;        // values in a row
  int32_t window;           // largest radius that a sentence has room for
  int32_t negative;         // negatives a centre word; 0 with hierarchical softmax alone
  int32_t share_negatives;  // consecutive centres that share their negatives
  int32_t epochs;
  bool shrink_windows;
  bool loss;  // sum -log sigmoid(+-x.y) while training
  Order order;
  float alpha, min_alpha;  // learning rate at the first token of the first epoch, and after the last
  uint64_t seed;
  Architecture architecture;
  bool cbow_mean;        // the mean of the contexts, not their sum
  int32_t longest_path;  // inner nodes on a word's path in the Huffman tree, 1 at least; 0 without a tree
  RowPrecision row_precision;
  ScorePrecision score_precision;
  int32_t drawn_window;  // what radii are drawn from, W of README.md: at least `window`
  int32_t step_pairs;    // pairs that a row may meet in one step of a tile: M of README.md
};

// Whether there is hierarchical softmax.
SGNS_HOST_DEVICE inline bool has_tree(const SgnsParams& params) { return params.longest_path > 0; }

// A corpus of word ids; sentence s is ids[offsets[s]] ... ids[offsets[s + 1] - 1].
struct CorpusView {
  const int32_t* ids;
  const int64_t* offsets;
  int64_t sentences;

  SGNS_HOST_DEVICE int64_t tokens() const { return offsets[sentences]; }
};

// Tables drawn from: per word the subsampling threshold (draws.h) and the noise distribution's alias slot.
struct SamplingTables {
  const uint32_t* keep;
  const AliasSlot* noise;
};

// Huffman tree of hierarchical softmax: word w's path is steps[offsets[w]] ... steps[offsets[w + 1] - 1],
// each 2 * inner node + code. Inner nodes' output rows follow those of the words.
struct HuffmanPaths {
  const int64_t* offsets;
  const uint32_t* steps;
};

// Learning rate of the segment that begins at token `segment` of the corpus: linear in the tokens passed.
SGNS_HOST_DEVICE inline float learning_rate(const SgnsParams& params, int64_t corpus_tokens, int32_t epoch,
                                            int64_t segment) {
  const double passed = static_cast<double>(epoch) * corpus_tokens + segment;
  const double share = passed / (static_cast<double>(params.epochs) * corpus_tokens);
  const double alpha = params.alpha;
  return static_cast<float>(alpha - (alpha - static_cast<double>(params.min_alpha)) * share);
}

// What training a span did. Words are centres that survived subsampling; pairs are (context, output) pairs.
struct SpanStats {
  int64_t words = 0;
  int64_t pairs = 0;
  double loss = 0.0;  // sum over pairs; 0 unless asked for

  SGNS_HOST_DEVICE SpanStats& operator+=(const SpanStats& other) {
    words += other.words;
    pairs += other.pairs;
    loss += other.loss;
    return *this;
  }
};

}  // namespace full_w2v
