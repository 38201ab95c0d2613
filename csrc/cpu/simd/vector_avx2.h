// Eight lanes: AVX2 and FMA.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/simd/vector.h"

namespace full_w2v {

struct Avx2 {
  using Float = __m256;
  using Word = __m256i;
  static constexpr int lanes = 8;
  static constexpr int group = 8;
  static constexpr int accumulators = 12;
  static constexpr int widest = 7;
  static constexpr int addresses = 4;

  VECTOR_INLINE Float load(const float* p) { return _mm256_load_ps(p); }
  VECTOR_INLINE void store(float* p, Float a) { _mm256_store_ps(p, a); }
  VECTOR_INLINE void store_unaligned(float* p, Float a) { _mm256_storeu_ps(p, a); }
  VECTOR_INLINE Float broadcast(float a) { return _mm256_set1_ps(a); }
  VECTOR_INLINE Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  VECTOR_INLINE Float sub(Float a, Float b) { return _mm256_sub_ps(a, b); }
  VECTOR_INLINE Float mul(Float a, Float b) { return _mm256_mul_ps(a, b); }
  VECTOR_INLINE Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  VECTOR_INLINE Float minimum(Float a, Float b) { return _mm256_min_ps(a, b); }
  VECTOR_INLINE Float maximum(Float a, Float b) { return _mm256_max_ps(a, b); }
  VECTOR_INLINE Float round(Float a) {
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  VECTOR_INLINE Float scale_by_power(Float a, Float exponent) {
    const __m256i bits = _mm256_add_epi32(_mm256_cvtps_epi32(exponent), _mm256_set1_epi32(127));
    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23)));
  }
  VECTOR_INLINE Float div(Float a, Float b) { return _mm256_div_ps(a, b); }

  VECTOR_INLINE Float reduce_group(const Float* sums) {
    const Float a = _mm256_hadd_ps(_mm256_hadd_ps(sums[0], sums[1]), _mm256_hadd_ps(sums[2], sums[3]));
    const Float b = _mm256_hadd_ps(_mm256_hadd_ps(sums[4], sums[5]), _mm256_hadd_ps(sums[6], sums[7]));
    return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
  }
  VECTOR_INLINE Float join_groups(const Float* groups) { return groups[0]; }

  VECTOR_INLINE Word load_words(const uint32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  VECTOR_INLINE void store_words(uint32_t* p, Word a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a);
  }
  VECTOR_INLINE Word broadcast_word(uint32_t a) { return _mm256_set1_epi32(static_cast<int>(a)); }
  VECTOR_INLINE Word exclusive_or(Word a, Word b, Word c) {
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
  }
  VECTOR_INLINE void multiply_wide(Word a, uint32_t b, Word& high, Word& low) {
    const Word factor = broadcast_word(b);
    const Word even = _mm256_mul_epu32(a, factor), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), factor);
    high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
    low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
  }
  VECTOR_INLINE Float in_set(Word bits, Word set) {
    const Word outside = _mm256_cmpeq_epi32(_mm256_and_si256(bits, set), _mm256_setzero_si256());
    return _mm256_andnot_ps(_mm256_castsi256_ps(outside), broadcast(1.0f));
  }
  VECTOR_INLINE Word mark_equal(Word marks, Word a, Word b, Word mark) {
    return _mm256_blendv_epi8(marks, mark, _mm256_cmpeq_epi32(a, b));
  }
  VECTOR_INLINE Word draw_from_alias(const AliasSlot* table, uint32_t count, Word draws) {
    return draw_lane_by_lane<Avx2>(table, count, draws);
  }
  VECTOR_INLINE void store_addresses(void* to, const void* matrix, uint32_t row_bytes, const uint32_t* rows) {
    const __m128i numbers = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows));
    const Word offsets = _mm256_mul_epu32(_mm256_cvtepu32_epi64(numbers), _mm256_set1_epi64x(row_bytes));
    const Word base = _mm256_set1_epi64x(reinterpret_cast<long long>(matrix));
    _mm256_storeu_si256(static_cast<__m256i*>(to), _mm256_add_epi64(base, offsets));
  }
  VECTOR_INLINE void store_rows(uint32_t* rows, int64_t stride, const uint32_t* columns) {
    store_rows_by_parts<Avx2>(rows, stride, columns);
  }
  VECTOR_INLINE Word interleave_low(Word a, Word b) { return _mm256_unpacklo_epi32(a, b); }
  VECTOR_INLINE Word interleave_high(Word a, Word b) { return _mm256_unpackhi_epi32(a, b); }
  VECTOR_INLINE Word interleave_low_pairs(Word a, Word b) { return _mm256_unpacklo_epi64(a, b); }
  VECTOR_INLINE Word interleave_high_pairs(Word a, Word b) { return _mm256_unpackhi_epi64(a, b); }
  template <int Part>
  VECTOR_INLINE void store_part(uint32_t* to, Word a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_extracti128_si256(a, Part));
  }
};

}  // namespace full_w2v
