// Rows of coming tiles are fetched into the cache a line at a time, between the arithmetic of this one.
#pragma once

#include "cpu/vector.h"

namespace full_w2v {

// Fetches the part of each coming row that stands beside vectors k ... k + S - 1.
template <class V, int S>
KERNEL_INLINE void prefetch_ahead(const char* const* ahead, int rows, int k) {
  constexpr int bytes = V::lanes * 4, line = 64;
  for (int at = k * bytes / line; at < (k + S) * bytes / line; ++at) {
    for (int r = 0; r < rows; ++r) __builtin_prefetch(ahead[r] + at * line, 0, 3);
  }
}

}  // namespace full_w2v
