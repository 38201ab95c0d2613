#include "cpu/segments.h"

#include <algorithm>

namespace full_w2v {
namespace {

// First segment border at or after `token` in a sentence that begins at `sentence_begin`.
int64_t next_border(int64_t sentence_begin, int64_t token) {
  const int64_t passed = std::max<int64_t>(0, token - sentence_begin);
  return sentence_begin + (passed + kSegmentTokens - 1) / kSegmentTokens * kSegmentTokens;
}

}  // namespace

void find_segments(const CorpusView& corpus, int64_t begin, int64_t end, std::vector<Segment>& segments) {
  segments.clear();
  const int64_t* const last = corpus.offsets + corpus.sentences;
  // The sentence that holds `begin`: the last one that begins at or before it.
  const int64_t* sentence = std::upper_bound(corpus.offsets, last, begin) - 1;
  for (; sentence < last && sentence[0] < end; ++sentence) {
    const int64_t stop = std::min(sentence[1], end);
    for (int64_t at = next_border(sentence[0], begin); at < stop; at += kSegmentTokens) {
      segments.push_back(
          {at, std::min(at + kSegmentTokens, sentence[1]), sentence[0], sentence[1], 0, 0, 0, 0});
    }
  }
}

}  // namespace full_w2v
