// Units of work: segments of the corpus (see contract/params.h) and chunks of them, which threads take in
// turn.
#pragma once

#include <cstdint>
#include <vector>

#include "contract/params.h"

namespace full_w2v {

struct Segment {
  int64_t begin, end;  // tokens of the corpus
  int64_t sentence_begin, sentence_end;
  // Among the words kept of a chunk: the segment's own, and those of its sentence that are at hand.
  int32_t first, last, low, high;
};

// Tokens of a chunk: long enough to draw for many sentences at once, short enough that its draws stay in
// cache.
constexpr int64_t kChunkTokens = 8192;
constexpr int64_t kSmallestChunkTokens = 256;

// Every segment that begins at a token in begin ... end - 1, in order, into `segments`. Together they are one
// unbroken stretch of the corpus.
void find_segments(const CorpusView& corpus, int64_t begin, int64_t end, std::vector<Segment>& segments);

}  // namespace full_w2v
