// A stretch of text between finding its tokens and looking them up.
#pragma once

#include <cstddef>
#include <cstdint>

#include "text/word_table.h"

namespace full_w2v {

// Enough tokens to hide a table's memory behind prefetching, few enough that they stay in the first-level
// cache.
struct TokenBatch {
  static constexpr size_t kTextBytes = 2048;
  static constexpr size_t kTokens = kTextBytes / 2 + 1;  // one may have begun before
  static constexpr size_t kSlack = 64;                   // places behind them that may be written

  alignas(64) TokenKey keys[kTokens + kSlack];
  alignas(64) WordTable::Slot* homes[kTokens + kSlack];  // a key's first slot, `nowhere` of a hashed key
  uint32_t starts[kTokens + kSlack];                     // offsets in the text
  uint32_t ends[kTokens + kSlack];
  WordTable::Slot nowhere{};  // stays empty: a token whose key alone does not tell it is never found here
};

}  // namespace full_w2v
