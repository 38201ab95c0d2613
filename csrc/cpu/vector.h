// The vector of an instruction set, as the kernels see it: a struct of static functions, one per level
// (vector_scalar.h, vector_128.h, vector_avx2.h, vector_avx512.h). Kernels are templates over it.
//
//   Float, Word    `lanes` floats, `lanes` 32-bit words
//   group          accumulators that reduce_group sums at once
//   accumulators   that fit into registers beside the rows they are made of
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
//   draw_from_alias  draw_alias (sgns/alias_table.h) in every lane
//   store_addresses  of `addresses` rows of a matrix, from their numbers
//   store_rows       rows[l * stride + c] = columns[c * lanes + l] for kTransposed columns c, lane after
//   lane:
//                    of shorter rows the next one replaces what is written past the end
//
// Every function is inlined: a file compiled for one instruction set must not leave code behind that the
// linker could pick for another.
#pragma once

#include <cstdint>

#include "sgns/alias_table.h"

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

}  // namespace full_w2v
