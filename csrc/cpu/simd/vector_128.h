// Four lanes through the compiler's own vectors: NEON on 64-bit Arm, SSE2 on any x86-64.
#pragma once

#include <cstdint>
#include <cstring>

#include "cpu/simd/vector.h"

namespace full_w2v {

struct Vector128 {
  typedef float Float __attribute__((vector_size(16)));
  typedef uint32_t Word __attribute__((vector_size(16)));
  typedef int32_t Integer __attribute__((vector_size(16)));
  static constexpr int lanes = 4;
  static constexpr int group = 4;
  static constexpr int accumulators = 12;
  static constexpr int widest = 6;
  static constexpr int addresses = 1;

  VECTOR_INLINE Float load(const float* p) { return *reinterpret_cast<const Float*>(p); }
  VECTOR_INLINE void store(float* p, Float a) { *reinterpret_cast<Float*>(p) = a; }
  VECTOR_INLINE void store_unaligned(float* p, Float a) { std::memcpy(p, &a, sizeof a); }
  VECTOR_INLINE Float broadcast(float a) { return Float{a, a, a, a}; }
  VECTOR_INLINE Float add(Float a, Float b) { return a + b; }
  VECTOR_INLINE Float sub(Float a, Float b) { return a - b; }
  VECTOR_INLINE Float mul(Float a, Float b) { return a * b; }
  VECTOR_INLINE Float fma(Float a, Float b, Float c) { return a * b + c; }
  VECTOR_INLINE Float minimum(Float a, Float b) { return a < b ? a : b; }
  VECTOR_INLINE Float maximum(Float a, Float b) { return a > b ? a : b; }
  VECTOR_INLINE Float round(Float a) {
    // Adding 1.5 * 2^23 leaves no fraction bits: the processor's rounding is to nearest.
    const Float shift = broadcast(12582912.0f);
    const Float shifted = a + shift;
    return shifted - shift;
  }
  VECTOR_INLINE Float scale_by_power(Float a, Float exponent) {
    const Integer bits = (__builtin_convertvector(exponent, Integer) + 127) << 23;
    Float power;
    std::memcpy(&power, &bits, sizeof power);
    return a * power;
  }
  VECTOR_INLINE Float div(Float a, Float b) { return a / b; }

  VECTOR_INLINE Float reduce_group(const Float* s) {
    const Float first = {s[0][0], s[1][0], s[2][0], s[3][0]}, second = {s[0][1], s[1][1], s[2][1], s[3][1]};
    const Float third = {s[0][2], s[1][2], s[2][2], s[3][2]}, fourth = {s[0][3], s[1][3], s[2][3], s[3][3]};
    return (first + second) + (third + fourth);
  }
  VECTOR_INLINE Float join_groups(const Float* groups) { return groups[0]; }

  VECTOR_INLINE Word load_words(const uint32_t* p) {
    Word a;
    std::memcpy(&a, p, sizeof a);
    return a;
  }
  VECTOR_INLINE void store_words(uint32_t* p, Word a) { std::memcpy(p, &a, sizeof a); }
  VECTOR_INLINE Word broadcast_word(uint32_t a) { return Word{a, a, a, a}; }
  VECTOR_INLINE Word exclusive_or(Word a, Word b, Word c) { return a ^ b ^ c; }
  VECTOR_INLINE void multiply_wide(Word a, uint32_t b, Word& high, Word& low) {
    for (int lane = 0; lane < lanes; ++lane) {
      high[lane] = static_cast<uint32_t>((static_cast<uint64_t>(a[lane]) * b) >> 32);
    }
    low = a * b;
  }
  VECTOR_INLINE Float in_set(Word bits, Word set) {
    const Float one = broadcast(1.0f);
    Word member;
    std::memcpy(&member, &one, sizeof member);
    member &= static_cast<Word>((bits & set) != 0);
    Float result;
    std::memcpy(&result, &member, sizeof result);
    return result;
  }
  VECTOR_INLINE Word mark_equal(Word marks, Word a, Word b, Word mark) {
    const auto equal = static_cast<Word>(a == b);
    return (mark & equal) | (marks & ~equal);
  }
  VECTOR_INLINE Word draw_from_alias(const AliasSlot* table, uint32_t count, Word draws) {
    return draw_lane_by_lane<Vector128>(table, count, draws);
  }
  VECTOR_INLINE void store_addresses(void* to, const void* matrix, uint32_t row_bytes, const uint32_t* rows) {
    const char* const row = static_cast<const char*>(matrix) + uint64_t{row_bytes} * *rows;
    std::memcpy(to, &row, sizeof row);
  }
  VECTOR_INLINE void store_rows(uint32_t* rows, int64_t stride, const uint32_t* columns) {
    store_rows_lane_by_lane<Vector128>(rows, stride, columns);
  }
};

}  // namespace full_w2v
