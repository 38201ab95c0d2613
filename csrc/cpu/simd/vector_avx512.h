// Sixteen lanes: AVX-512 F, BW, DQ and VL.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "contract/alias_table.h"
#include "cpu/simd/vector.h"

namespace full_w2v {

struct Avx512 {
  using Float = __m512;
  using Word = __m512i;
  static constexpr int lanes = 16;
  static constexpr int group = 8;
  static constexpr int accumulators = 24;
  static constexpr int widest = 8;
  static constexpr int addresses = 8;

  VECTOR_INLINE Float load(const float* p) { return _mm512_load_ps(p); }
  VECTOR_INLINE void store(float* p, Float a) { _mm512_store_ps(p, a); }
  VECTOR_INLINE void store_unaligned(float* p, Float a) { _mm512_storeu_ps(p, a); }
  VECTOR_INLINE Float broadcast(float a) { return _mm512_set1_ps(a); }
  VECTOR_INLINE Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  VECTOR_INLINE Float sub(Float a, Float b) { return _mm512_sub_ps(a, b); }
  VECTOR_INLINE Float mul(Float a, Float b) { return _mm512_mul_ps(a, b); }
  VECTOR_INLINE Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  VECTOR_INLINE Float minimum(Float a, Float b) { return _mm512_min_ps(a, b); }
  VECTOR_INLINE Float maximum(Float a, Float b) { return _mm512_max_ps(a, b); }
  VECTOR_INLINE Float round(Float a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT); }
  VECTOR_INLINE Float scale_by_power(Float a, Float exponent) { return _mm512_scalef_ps(a, exponent); }
  VECTOR_INLINE Float div(Float a, Float b) {
    // One Newton step takes rcp14's 14 bits to 23; a division has a third of its throughput.
    const Float guess = _mm512_rcp14_ps(b);
    return _mm512_mul_ps(_mm512_mul_ps(a, guess), _mm512_fnmadd_ps(b, guess, broadcast(2.0f)));
  }

  // Eight transposed halvings: after three levels each 128-bit part holds half-finished sums of four.
  VECTOR_INLINE Float reduce_group(const Float* sums) {
    const Float a = add_halves(add_256(sums[0], sums[4]), add_256(sums[1], sums[5]));
    const Float b = add_halves(add_256(sums[2], sums[6]), add_256(sums[3], sums[7]));
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
  }
  VECTOR_INLINE Float join_groups(const Float* groups) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(groups[0], groups[1], 0x88),
                         _mm512_shuffle_f32x4(groups[0], groups[1], 0xdd));
  }

  VECTOR_INLINE Word load_words(const uint32_t* p) { return _mm512_loadu_si512(p); }
  VECTOR_INLINE void store_words(uint32_t* p, Word a) { _mm512_storeu_si512(p, a); }
  VECTOR_INLINE Word broadcast_word(uint32_t a) { return _mm512_set1_epi32(static_cast<int>(a)); }
  VECTOR_INLINE Word exclusive_or(Word a, Word b, Word c) { return _mm512_ternarylogic_epi32(a, b, c, 0x96); }
  VECTOR_INLINE void multiply_wide(Word a, uint32_t b, Word& high, Word& low) {
    const Word factor = broadcast_word(b);
    const Word even = _mm512_mul_epu32(a, factor), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), factor);
    high = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd);
    low = _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
  }
  VECTOR_INLINE Float in_set(Word bits, Word set) {
    return _mm512_maskz_mov_ps(_mm512_test_epi32_mask(bits, set), broadcast(1.0f));
  }
  VECTOR_INLINE Word mark_equal(Word marks, Word a, Word b, Word mark) {
    return _mm512_mask_mov_epi32(marks, _mm512_cmpeq_epi32_mask(a, b), mark);
  }
  VECTOR_INLINE Word draw_from_alias(const AliasSlot* table, uint32_t count, Word draws) {
    Word slot, fraction;
    multiply_wide(draws, count, slot, fraction);
    const Word low = _mm512_i32gather_epi64(_mm512_castsi512_si256(slot), table, sizeof(AliasSlot));
    const Word high = _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(slot, 1), table, sizeof(AliasSlot));
    const Word even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const Word odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    const Word threshold = _mm512_permutex2var_epi32(low, even, high);
    const Word alias = _mm512_permutex2var_epi32(low, odd, high);
    return _mm512_mask_blend_epi32(_mm512_cmplt_epu32_mask(fraction, threshold), alias, slot);
  }
  VECTOR_INLINE void store_addresses(void* to, const void* matrix, uint32_t row_bytes, const uint32_t* rows) {
    const __m256i numbers = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows));
    const Word offsets = _mm512_mul_epu32(_mm512_cvtepu32_epi64(numbers), _mm512_set1_epi64(row_bytes));
    const Word base = _mm512_set1_epi64(reinterpret_cast<long long>(matrix));
    _mm512_storeu_si512(to, _mm512_add_epi64(base, offsets));
  }
  VECTOR_INLINE void store_rows(uint32_t* rows, int64_t stride, const uint32_t* columns) {
    store_rows_by_parts<Avx512>(rows, stride, columns);
  }
  VECTOR_INLINE Word interleave_low(Word a, Word b) { return _mm512_unpacklo_epi32(a, b); }
  VECTOR_INLINE Word interleave_high(Word a, Word b) { return _mm512_unpackhi_epi32(a, b); }
  VECTOR_INLINE Word interleave_low_pairs(Word a, Word b) { return _mm512_unpacklo_epi64(a, b); }
  VECTOR_INLINE Word interleave_high_pairs(Word a, Word b) { return _mm512_unpackhi_epi64(a, b); }
  template <int Part>
  VECTOR_INLINE void store_part(uint32_t* to, Word a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_extracti32x4_epi32(a, Part));
  }

 private:
  // Low half: the two halves of a added; high half: those of b. Blend and shuffle use different ports.
  VECTOR_INLINE Float add_256(Float a, Float b) {
    return _mm512_add_ps(_mm512_mask_blend_ps(0xFF00, a, b), _mm512_shuffle_f32x4(a, b, 0x4E));
  }
  // The same inside every 128-bit part, by pairs of floats.
  VECTOR_INLINE Float add_halves(Float a, Float b) {
    const __m512d x = _mm512_castps_pd(a), y = _mm512_castps_pd(b);
    return _mm512_add_ps(_mm512_castpd_ps(_mm512_mask_blend_pd(0xAA, x, y)),
                         _mm512_castpd_ps(_mm512_shuffle_pd(x, y, 0x55)));
  }
};

}  // namespace full_w2v
