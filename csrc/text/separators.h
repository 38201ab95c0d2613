// Finds ASCII white space, 64 bytes at a time. SSE2 belongs to every x86-64; elsewhere 8 bytes ride in one
// word.
#pragma once

#include <cstdint>
#include <cstring>

#include "contract/byte_order.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace full_w2v {

constexpr int kScanBytes = 64;

#if defined(__SSE2__) && !defined(FULL_W2V_PORTABLE_SCAN)

// Bit i is set if text[i] is ASCII white space (white_space.h), for i in 0 ... 15.
inline uint64_t separator_bits16(const char* text) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  const __m128i controls = _mm_sub_epi8(bytes, _mm_set1_epi8(0x09));
  const __m128i blanks = _mm_sub_epi8(bytes, _mm_set1_epi8(0x1c));
  const __m128i four = _mm_set1_epi8(4);
  const __m128i spaces = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(controls, four), controls),
                                      _mm_cmpeq_epi8(_mm_min_epu8(blanks, four), blanks));
  return static_cast<uint32_t>(_mm_movemask_epi8(spaces));
}

// Bit i is set if text[i] is ASCII white space, for i in 0 ... 63. Reads all 64 bytes.
inline uint64_t separator_bits(const char* text) {
  return separator_bits16(text) | separator_bits16(text + 16) << 16 | separator_bits16(text + 32) << 32 |
         separator_bits16(text + 48) << 48;
}

// Bit i is set if text[i] is a line feed, for i in 0 ... 63. Reads all 64 bytes.
inline uint64_t line_feed_bits(const char* text) {
  uint64_t bits = 0;
  for (int i = 0; i < kScanBytes; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i));
    const __m128i equal = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'));
    bits |= static_cast<uint64_t>(_mm_movemask_epi8(equal)) << i;
  }
  return bits;
}

#else

constexpr uint64_t kOnes = 0x0101010101010101u, kHigh = 0x8080808080808080u;

// The high bit of each byte of the result is set if that byte of `word` lies in low ... high, high < 128.
inline uint64_t bytes_in_range(uint64_t word, uint64_t low, uint64_t high) {
  const uint64_t not_below = (word | kHigh) - low * kOnes;
  const uint64_t not_above = (high * kOnes | kHigh) - (word & ~kHigh);
  return not_below & not_above & ~word & kHigh;
}

// Bit i is the high bit of byte i of what `mark` makes of the 8 bytes around text[i], for i in 0 ... 63.
template <class Mark>
uint64_t marked_bits(const char* text, Mark mark) {
  constexpr uint64_t kGather = 0x0002040810204081u;  // moves bit 7 of byte i to bit 56 + i
  uint64_t bits = 0;
  for (int i = 0; i < kScanBytes; i += 8) {
    uint64_t word;
    std::memcpy(&word, text + i, 8);
    bits |= (mark(word) * kGather >> 56) << i;
  }
  return bits;
}

// Bit i is set if text[i] is ASCII white space, for i in 0 ... 63. Reads all 64 bytes.
inline uint64_t separator_bits(const char* text) {
  return marked_bits(text, [](uint64_t word) {
    return bytes_in_range(word, 0x09, 0x0d) | bytes_in_range(word, 0x1c, 0x20);
  });
}

// Bit i is set if text[i] is a line feed, for i in 0 ... 63. Reads all 64 bytes.
inline uint64_t line_feed_bits(const char* text) {
  return marked_bits(text, [](uint64_t word) { return bytes_in_range(word, '\n', '\n'); });
}

#endif

inline int count_bits(uint64_t bits) {
#if defined(__POPCNT__) || !defined(__x86_64__)
  return __builtin_popcountll(bits);
#else  // plain x86-64 has no instruction for it, and the compiler would call a library function
  bits -= bits >> 1 & 0x5555555555555555u;
  bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
  return static_cast<int>(((bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u >> 56);
#endif
}

// Writes base + i for every set bit i and returns one past the last. Writes up to 7 places more than that: a
// loop that ends on a whole eight is predicted far better than one that ends on each count.
inline uint32_t* append_bits(uint64_t bits, uint32_t base, uint32_t* out) {
  uint32_t* const end = out + count_bits(bits);
  for (; out < end; out += 8) {
    for (int i = 0; i < 8; ++i) {
      out[i] = base + static_cast<uint32_t>(__builtin_ctzll(bits | uint64_t{1} << 63));
      bits &= bits - 1;
    }
  }
  return end;
}

}  // namespace full_w2v
