// One lane: the baseline that runs anywhere and that the wider levels are compared with.
#pragma once

#include <cstdint>
#include <cstring>

#include "contract/alias_table.h"
#include "cpu/simd/vector.h"

namespace full_w2v {

struct Scalar {
  using Float = float;
  using Word = uint32_t;
  static constexpr int lanes = 1;
  static constexpr int group = 1;
  static constexpr int accumulators = 8;
  static constexpr int widest = 4;
  static constexpr int addresses = 1;

  VECTOR_INLINE Float load(const float* p) { return *p; }
  VECTOR_INLINE void store(float* p, Float a) { *p = a; }
  VECTOR_INLINE void store_unaligned(float* p, Float a) { *p = a; }
  VECTOR_INLINE Float broadcast(float a) { return a; }
  VECTOR_INLINE Float add(Float a, Float b) { return a + b; }
  VECTOR_INLINE Float sub(Float a, Float b) { return a - b; }
  VECTOR_INLINE Float mul(Float a, Float b) { return a * b; }
  VECTOR_INLINE Float fma(Float a, Float b, Float c) { return a * b + c; }
  VECTOR_INLINE Float minimum(Float a, Float b) { return a < b ? a : b; }
  VECTOR_INLINE Float maximum(Float a, Float b) { return a > b ? a : b; }
  VECTOR_INLINE Float round(Float a) {
    // Adding 1.5 * 2^23 leaves no fraction bits, and the processor rounds to nearest.
    const float shifted = a + 12582912.0f;
    return shifted - 12582912.0f;
  }
  VECTOR_INLINE Float div(Float a, Float b) { return a / b; }
  VECTOR_INLINE Float scale_by_power(Float a, Float exponent) {
    const uint32_t bits = static_cast<uint32_t>(static_cast<int32_t>(exponent) + 127) << 23;
    float power;
    std::memcpy(&power, &bits, sizeof power);
    return a * power;
  }

  VECTOR_INLINE Float reduce_group(const Float* sums) { return sums[0]; }
  VECTOR_INLINE Float join_groups(const Float* groups) { return groups[0]; }

  VECTOR_INLINE Word load_words(const uint32_t* p) { return *p; }
  VECTOR_INLINE void store_words(uint32_t* p, Word a) { *p = a; }
  VECTOR_INLINE Word broadcast_word(uint32_t a) { return a; }
  VECTOR_INLINE Word exclusive_or(Word a, Word b, Word c) { return a ^ b ^ c; }
  VECTOR_INLINE void multiply_wide(Word a, uint32_t b, Word& high, Word& low) {
    const uint64_t product = static_cast<uint64_t>(a) * b;
    high = static_cast<uint32_t>(product >> 32);
    low = static_cast<uint32_t>(product);
  }
  VECTOR_INLINE Float in_set(Word bits, Word set) { return bits & set ? 1.0f : 0.0f; }
  VECTOR_INLINE Word mark_equal(Word marks, Word a, Word b, Word mark) { return a == b ? mark : marks; }
  VECTOR_INLINE Word draw_from_alias(const AliasSlot* table, uint32_t count, Word draws) {
    return draw_alias(table, count, draws);
  }
  VECTOR_INLINE void store_addresses(void* to, const void* matrix, uint32_t row_bytes, const uint32_t* rows) {
    const char* const row = static_cast<const char*>(matrix) + uint64_t{row_bytes} * *rows;
    std::memcpy(to, &row, sizeof row);
  }
  VECTOR_INLINE void store_rows(uint32_t* rows, int64_t stride, const uint32_t* columns) {
    store_rows_lane_by_lane<Scalar>(rows, stride, columns);
  }
};

}  // namespace full_w2v
