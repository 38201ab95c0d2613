#include "cuda/segments.h"

#include <algorithm>
#include <limits>

namespace full_w2v {
namespace {

// No window reaches 2^31 tokens far: the rarest kept word is kept more often than that.
int32_t saturated(int64_t tokens) {
  return static_cast<int32_t>(std::min<int64_t>(tokens, std::numeric_limits<int32_t>::max()));
}

bool kept(const SgnsParams& params, const CorpusView& corpus, const uint32_t* keep, int32_t epoch,
          int64_t position) {
  return keeps(keep_draw(params.seed, static_cast<uint32_t>(epoch), position), keep[corpus.ids[position]]);
}

}  // namespace

SegmentCutter::SegmentCutter(const CorpusView& corpus, int64_t begin, int64_t end)
    : corpus_(corpus), end_(std::min(end, corpus.tokens())) {
  const int64_t* offsets = corpus.offsets;
  sentence_ = std::upper_bound(offsets, offsets + corpus.sentences + 1, begin) - offsets - 1;
  if (begin >= end_) {
    position_ = end_;
    return;
  }
  const int64_t sentence_begin = offsets[sentence_];
  const int64_t segments = (begin - sentence_begin + kSegmentTokens - 1) / kSegmentTokens;
  position_ = sentence_begin + segments * kSegmentTokens;
  skip_empty_sentences();
}

// A position at or past its sentence's end moves on to the next sentence that has tokens.
void SegmentCutter::skip_empty_sentences() {
  while (sentence_ < corpus_.sentences && position_ >= corpus_.offsets[sentence_ + 1]) {
    ++sentence_;
    position_ = corpus_.offsets[sentence_];
  }
}

Segment SegmentCutter::next() {
  const int64_t sentence_begin = corpus_.offsets[sentence_], sentence_end = corpus_.offsets[sentence_ + 1];
  const Segment segment{position_, saturated(position_ - sentence_begin),
                        saturated(sentence_end - position_)};
  position_ += kSegmentTokens;
  skip_empty_sentences();
  return segment;
}

int64_t reach_back(const SgnsParams& params, const CorpusView& corpus, const uint32_t* keep, int32_t epoch,
                   int64_t position, int64_t lowest) {
  int64_t at = position;
  for (int found = 0; at > lowest && found < params.window;) found += kept(params, corpus, keep, epoch, --at);
  return position - at;
}

int64_t reach_ahead(const SgnsParams& params, const CorpusView& corpus, const uint32_t* keep, int32_t epoch,
                    int64_t position, int64_t end) {
  int64_t at = position;
  for (int found = 0; at < end && found < params.window;) found += kept(params, corpus, keep, epoch, at++);
  return at - position;
}

}  // namespace full_w2v
