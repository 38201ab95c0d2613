// The vector of an instruction set, as the kernels see it: a struct of static functions, one per level
// (vector_scalar.h, vector_128.h, vector_avx2.h, vector_avx512.h). Kernels are templates over it.
//
//   Float, Word    `lanes` floats, `lanes` 32-bit words
//   group          accumulators that reduce_group sums at once
//   accumulators   that fit into registers along with the rows they are made of
//   widest         outputs that are scored and updated together
//   addresses      that store_addresses writes at once
//   reduce_group   sums the lanes of `group` accumulators; lanes / group such results are completed by
//   join_groups    into one Float: lane i is the sum of accumulator i of the joined groups
//
//   minimum, maximum  of each lane of a and b; b's where a is NaN
//   scale_by_power  a 2^exponent, for whole exponents -126 ... 126
//   store_unaligned  to any address; load and store take those of whole vectors
//   in_set         1 in the lanes whose word has a bit in common with `set`, else 0
//   mark_equal     `mark` in the lanes where a == b, else `marks`
//   draw_from_alias  draw_alias (contract/alias_table.h) in every lane
//   store_addresses  of `addresses` rows of a matrix, from their numbers
//   store_rows       rows[l * stride + c] = columns[c * lanes + l] for kTransposed columns c, lane after
//   lane:
//                    of shorter rows the next one replaces what is written past the end
// For store_rows_by_parts, within each 128 bits:
//   interleave_low, interleave_high              words of a and b in turn, from the lower or the upper half
//   interleave_low_pairs, interleave_high_pairs  the same of pairs of words
//   store_part                                   128 bits, to any address
//
// Every function is inlined: a file compiled for one instruction set must not leave code behind that the
// linker could pick for another.
#pragma once

#include <cstdint>

#include "contract/alias_table.h"

#define VECTOR_INLINE __attribute__((always_inline)) static inline
#define KERNEL_INLINE __attribute__((always_inline)) inline
#define UNROLL _Pragma("GCC unroll 64")

namespace full_w2v {

// draw_from_alias for instruction sets whose gathers do not pay.
template <class V>
KERNEL_INLINE typename V::Word draw_lane_by_lane(const AliasSlot* table, uint32_t count,
                                                 typename V::Word draws) {
  uint32_t lane[V::lanes];
  V::store_words(lane, draws);
  for (int i = 0; i < V::lanes; ++i) lane[i] = draw_alias(table, count, lane[i]);
  return V::load_words(lane);
}

constexpr int kTransposed = 8;  // columns: the usual outputs of a tile at once

// store_rows for levels of few lanes.
template <class V>
KERNEL_INLINE void store_rows_lane_by_lane(uint32_t* rows, int64_t stride, const uint32_t* columns) {
  for (int lane = 0; lane < V::lanes; ++lane) {
    UNROLL for (int c = 0; c < kTransposed; ++c) rows[lane * stride + c] = columns[c * V::lanes + lane];
  }
}

// Four columns: part q of rows[j], 128 bits of it, becomes those of row 4 q + j.
template <class V>
KERNEL_INLINE void transpose_parts(const uint32_t* columns, typename V::Word* rows) {
  typename V::Word column[4];
  UNROLL for (int c = 0; c < 4; ++c) column[c] = V::load_words(columns + c * V::lanes);
  const auto low01 = V::interleave_low(column[0], column[1]);
  const auto high01 = V::interleave_high(column[0], column[1]);
  const auto low23 = V::interleave_low(column[2], column[3]);
  const auto high23 = V::interleave_high(column[2], column[3]);
  rows[0] = V::interleave_low_pairs(low01, low23);
  rows[1] = V::interleave_high_pairs(low01, low23);
  rows[2] = V::interleave_low_pairs(high01, high23);
  rows[3] = V::interleave_high_pairs(high01, high23);
}

// store_rows for levels that interleave words within each 128 bits.
template <class V, int Part = 0>
KERNEL_INLINE void store_rows_by_parts(uint32_t* rows, int64_t stride, const typename V::Word (*fours)[4]) {
  UNROLL for (int j = 0; j < 4; ++j) {
    uint32_t* const row = rows + (4 * Part + j) * stride;
    UNROLL for (int four = 0; four < kTransposed / 4; ++four) {
      V::template store_part<Part>(row + 4 * four, fours[four][j]);
    }
  }
  if constexpr (4 * (Part + 1) < V::lanes) store_rows_by_parts<V, Part + 1>(rows, stride, fours);
}
template <class V>
KERNEL_INLINE void store_rows_by_parts(uint32_t* rows, int64_t stride, const uint32_t* columns) {
  typename V::Word fours[kTransposed / 4][4];
  UNROLL for (int four = 0; four < kTransposed / 4; ++four) {
    transpose_parts<V>(columns + 4 * four * V::lanes, fours[four]);
  }
  store_rows_by_parts<V>(rows, stride, fours);
}

}  // namespace full_w2v
