// Phrases: pairs of neighbouring words that occur together more often than their counts explain.
#pragma once

#include <atomic>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "contract/params.h"
#include "text/block_queue.h"

namespace full_w2v {

struct PairCount {
  int32_t first, second;
  int64_t count;
};

// The pairs of neighbours within sentences that occur `min_count` times or more, ordered by first and second.
// Counts are exact. The corpus is read once for each of `parts` parts of the pairs (by a hash), so that no
// thread's table has to hold more; `all_pairs` becomes the number of different pairs. `tokens_done` counts
// the tokens of the corpus once for each part.
std::vector<PairCount> count_pairs(const CorpusView& corpus, int64_t min_count, int threads, int64_t parts,
                                   int64_t& all_pairs, std::atomic<int64_t>& tokens_done, const Poll& poll);

// Ids of joined pairs by (first << 32 | second).
using JoinedPairs = std::unordered_map<uint64_t, int32_t>;

// Replaces the pairs of one sentence by their own ids, from left to right; a joined word begins no pair.
// Returns the number of ids written to `out`, which has room for the whole sentence. Calls `poll` now and
// then in a long one.
int64_t join_pairs(const int32_t* ids, int64_t count, const JoinedPairs& pairs, int32_t* out,
                   const Poll& poll);

}  // namespace full_w2v
