// Rows of coming tiles are fetched into the cache a line at a time, between the arithmetic of this one. Lines
// that are asked for all at once wait for each other, so they are spread over scores and update.
#pragma once

#include "cpu/simd/vector.h"

namespace full_w2v {

// Some of the rows ahead.
struct RowsAhead {
  const char* const* row;
  int count;
};

// Fetches the part of each row that corresponds to vectors k ... k + S - 1.
template <class V, int S>
KERNEL_INLINE void prefetch(const RowsAhead& ahead, int k) {
  constexpr int bytes = V::lanes * 4, line = 64;
  for (int at = k * bytes / line; at < (k + S) * bytes / line; ++at) {
    for (int r = 0; r < ahead.count; ++r) __builtin_prefetch(ahead.row[r] + at * line, 0, 3);
  }
}

}  // namespace full_w2v
