// Cuts a span of the corpus into the segments that begin there, and finds how far windows reach beyond a
// position.
#pragma once

#include "cuda/arguments.h"

namespace full_w2v {

// Steps through the segments that begin at tokens begin ... end - 1. A segment begins with its sentence and
// at every kSegmentTokens-th token after.
class SegmentCutter {
 public:
  SegmentCutter(const CorpusView& corpus, int64_t begin, int64_t end);

  bool done() const { return position_ >= end_; }
  // The next segment; only if not done().
  Segment next();

 private:
  void skip_empty_sentences();

  const CorpusView corpus_;
  int64_t end_;
  int64_t sentence_;
  int64_t position_;  // where the next segment begins
};

// Tokens before `position` down to `lowest` that hold `window` kept words, or all of them.
int64_t reach_back(const SgnsParams& params, const CorpusView& corpus, const uint32_t* keep, int32_t epoch,
                   int64_t position, int64_t lowest);
// The same from `position` on, up to `end`.
int64_t reach_ahead(const SgnsParams& params, const CorpusView& corpus, const uint32_t* keep, int32_t epoch,
                    int64_t position, int64_t end);

}  // namespace full_w2v
