// What every kernel is given, and the sizes that launchers and kernels must agree on.
#pragma once

#include <cstdint>

#include "contract/draws.h"
#include "contract/params.h"

namespace full_w2v {

constexpr int kWarpSize = 32;
constexpr int kMaxDimension = 1024;  // the largest block has a thread for each value

// A unit of work: up to kSegmentTokens tokens of a sentence, which reaches `before` tokens back and `after`
// tokens on from `begin` (the segment's own tokens among the latter).
struct Segment {
  int64_t begin;
  int32_t before, after;
};

SGNS_HOST_DEVICE inline int32_t segment_tokens(const Segment& segment) {
  return segment.after < kSegmentTokens ? segment.after : static_cast<int32_t>(kSegmentTokens);
}

// Segments to train, and the part of the corpus that they touch: token p is ids[p - first_token].
struct Batch {
  const int32_t* ids;
  int64_t first_token;
  const Segment* segments;
  int64_t count;
  int64_t corpus_tokens;
  int32_t epoch;
};

// Both matrices, row-major: row w begins at value w * stride. Values past the dimension are zero and stay
// zero. Of float32 and bf16 those that the settings do not ask for are null.
struct Rows {
  float* input;
  float* output;
  Bf16* input_bf16;
  Bf16* output_bf16;
  int64_t stride;
};

// Sums over everything trained; added to atomically by each block once.
struct Totals {
  unsigned long long words, pairs;
  double loss;
};

struct KernelArguments {
  SgnsParams params;
  Batch batch;
  Rows rows;
  SamplingTables tables;
  Totals* totals;
  int32_t strip_repeats;  // how often a strip of a tile may have one word: R of contract/README.md
  float* scratch;         // a slice of scratch_floats for each block, or null
  int64_t scratch_floats;
};

// Rows begin at multiples of a sector of 32 bytes, so that a row of any dimension is loaded in whole sectors.
SGNS_HOST_DEVICE constexpr int64_t row_stride(int dimension, RowPrecision precision = RowPrecision::float32) {
  const int64_t sector = precision == RowPrecision::bf16 ? 16 : 8;
  return (dimension + sector - 1) / sector * sector;
}

// Rows of the context ring: a centre word and `window` words on both sides.
SGNS_HOST_DEVICE constexpr int ring_slots(int window) { return 2 * window + 1; }

}  // namespace full_w2v
