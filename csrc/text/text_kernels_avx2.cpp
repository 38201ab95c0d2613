// 64 bytes of text, 4 keys or 8 ids at a time, on processors with AVX2 and BMI2 (Intel since Haswell, AMD
// since Excavator).
#if defined(__x86_64__)

#include "text/text_kernels_avx2.h"

#include <immintrin.h>

#include <algorithm>

// Only these functions are compiled for the instruction set: nothing that other files share may be.
#define FULL_W2V_AVX2_TEXT __attribute__((target("avx2,bmi,bmi2,popcnt")))

namespace full_w2v {
namespace avx2 {
namespace {

FULL_W2V_AVX2_TEXT inline __m256i in_five(__m256i bytes, char low) {
  const __m256i above = _mm256_sub_epi8(bytes, _mm256_set1_epi8(low));
  return _mm256_cmpeq_epi8(_mm256_min_epu8(above, _mm256_set1_epi8(4)), above);
}

// Bits of both halves' bytes whose high bit is set.
FULL_W2V_AVX2_TEXT inline uint64_t bits_of(__m256i low, __m256i high) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(low)) |
         static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(high))) << 32;
}

FULL_W2V_AVX2_TEXT void classify(const char* text, size_t blocks, uint64_t* spaces, uint64_t* line_feeds) {
  const __m256i line_feed = _mm256_set1_epi8('\n');
  for (size_t block = 0; block < blocks; ++block, text += kBlockBytes) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + 32));
    spaces[block] = bits_of(_mm256_or_si256(in_five(low, 0x09), in_five(low, 0x1c)),
                            _mm256_or_si256(in_five(high, 0x09), in_five(high, 0x1c)));
    line_feeds[block] = bits_of(_mm256_cmpeq_epi8(low, line_feed), _mm256_cmpeq_epi8(high, line_feed));
  }
}

// Eight at a time: a loop that ends on a whole eight is predicted far better than one that ends on each
// count.
FULL_W2V_AVX2_TEXT uint32_t* append_positions(const uint64_t* bits, size_t blocks, uint32_t base,
                                              uint32_t* out) {
  for (size_t block = 0; block < blocks; ++block, base += kBlockBytes) {
    uint64_t left = bits[block];
    uint32_t* const end = out + _mm_popcnt_u64(left);
    for (; out < end; out += 8) {
      for (int i = 0; i < 8; ++i, left = _blsr_u64(left))
        out[i] = base + static_cast<uint32_t>(_tzcnt_u64(left));
    }
    out = end;
  }
  return out;
}

// The low halves of 64-bit products.
FULL_W2V_AVX2_TEXT inline __m256i multiply(__m256i values, uint64_t factor) {
  const __m256i factors = _mm256_set1_epi64x(static_cast<int64_t>(factor));
  const __m256i swapped = _mm256_shuffle_epi32(factors, 0xb1);
  const __m256i crossed = _mm256_mullo_epi32(values, swapped);  // low * high and high * low
  const __m256i high = _mm256_add_epi32(crossed, _mm256_slli_epi64(crossed, 32));
  const __m256i upper = _mm256_and_si256(high, _mm256_set1_epi64x(static_cast<int64_t>(0xffffffff00000000u)));
  return _mm256_add_epi64(_mm256_mul_epu32(values, factors), upper);
}

// Keys of two tokens of at most kInlineBytes bytes; `lengths` holds both, each in all dwords of a half.
FULL_W2V_AVX2_TEXT inline __m256i inline_keys(const char* text, const uint32_t* starts, __m256i lengths) {
  const auto load = [&](int i) { return reinterpret_cast<const __m128i*>(text + starts[i]); };
  const __m256i bytes = _mm256_loadu2_m128i(load(1), load(0));
  const __m256i length_bytes = _mm256_shuffle_epi8(lengths, _mm256_setzero_si256());
  const __m256i places =
      _mm256_broadcastsi128_si256(_mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  const __m256i inside = _mm256_and_si256(bytes, _mm256_cmpgt_epi8(length_bytes, places));
  const __m256i ends = _mm256_slli_epi32(_mm256_add_epi32(lengths, _mm256_set1_epi32(1)), 24);
  return _mm256_or_si256(inside, _mm256_blend_epi32(_mm256_setzero_si256(), ends, 0x88));
}

FULL_W2V_AVX2_TEXT void make_keys(const char* text, size_t count, WordTable& table, TokenBatch& batch) {
  const __m256i slots = _mm256_set1_epi64x(reinterpret_cast<int64_t>(table.slots()));
  const __m128i shift = _mm_cvtsi32_si128(table.shift());
  const __m256i first_two = _mm256_set_epi32(1, 1, 1, 1, 0, 0, 0, 0);
  const __m256i last_two = _mm256_set_epi32(3, 3, 3, 3, 2, 2, 2, 2);
  for (size_t i = 0; i < count; i += 4) {
    const __m128i starts = _mm_loadu_si128(reinterpret_cast<const __m128i*>(batch.starts + i));
    const __m128i ends = _mm_loadu_si128(reinterpret_cast<const __m128i*>(batch.ends + i));
    const __m128i lengths = _mm_sub_epi32(ends, starts);
    const __m256i wide = _mm256_castsi128_si256(lengths);
    const __m256i first = inline_keys(text, batch.starts + i, _mm256_permutevar8x32_epi32(wide, first_two));
    const __m256i last = inline_keys(text, batch.starts + i + 2, _mm256_permutevar8x32_epi32(wide, last_two));
    const __m256i low = _mm256_unpacklo_epi64(first, last), high = _mm256_unpackhi_epi64(first, last);
    const __m256i hashes = _mm256_add_epi64(multiply(low, kLowFactor), multiply(high, kHighFactor));
    const __m256i homes = _mm256_add_epi64(  // of tokens 0, 2, 1, 3
        slots, _mm256_slli_epi64(_mm256_srl_epi64(hashes, shift), WordTable::kSlotBits));
    _mm256_store_si256(reinterpret_cast<__m256i*>(batch.keys + i), first);
    _mm256_store_si256(reinterpret_cast<__m256i*>(batch.keys + i + 2), last);
    _mm256_store_si256(reinterpret_cast<__m256i*>(batch.homes + i), _mm256_permute4x64_epi64(homes, 0xd8));
    const __m128i longer = _mm_cmpgt_epi32(lengths, _mm_set1_epi32(kInlineBytes));
    // A length of 2 GiB or more is negative as a signed number.
    auto left = static_cast<uint32_t>(_mm_movemask_ps(_mm_castsi128_ps(_mm_or_si128(longer, lengths))));
    for (; left != 0; left &= left - 1) {
      make_hashed_key(text, i + static_cast<size_t>(__builtin_ctz(left)), table, batch);
    }
    for (size_t token = i; token < i + 4; ++token) __builtin_prefetch(batch.homes[token], 1);
  }
}

FULL_W2V_AVX2_TEXT inline __m256i differing(const TokenBatch& batch, size_t first) {
  const auto key_at = [&](size_t i) { return reinterpret_cast<const __m128i*>(&batch.homes[i]->key); };
  const __m256i keys = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(batch.keys + first));
  return _mm256_xor_si256(keys, _mm256_loadu2_m128i(key_at(first + 1), key_at(first)));
}

FULL_W2V_AVX2_TEXT inline bool four_at_home(const TokenBatch& batch, size_t first) {
  const __m256i difference = _mm256_or_si256(differing(batch, first), differing(batch, first + 2));
  return _mm256_testz_si256(difference, difference);
}

FULL_W2V_AVX2_TEXT size_t count_at_home(const TokenBatch& batch, size_t first, size_t last, uint32_t* ids) {
  for (; first + 4 <= last && four_at_home(batch, first); first += 4) {
    for (size_t i = first; i < first + 4; ++i) {
      ++batch.homes[i]->count;
      ids[i] = batch.homes[i]->id;
    }
  }
  return count_one_by_one(batch, first, last, ids);
}

// Per set of lanes the order that brings them to the front, a byte a lane. A table, as the instruction for it
// (pext) takes hundreds of cycles on AMD before Zen 3.
struct FrontOrders {
  uint64_t of[256];
  constexpr FrontOrders() : of{} {
    for (uint32_t set = 0; set < 256; ++set) {
      for (uint64_t lane = 0, place = 0; lane < 8; ++lane) {
        if (set >> lane & 1) of[set] |= lane << 8 * place++;
      }
    }
  }
};

constexpr FrontOrders kFrontOrders{};

// Renames the eight ids whose high bits `some` has; returns the bits of those that were kept.
FULL_W2V_AVX2_TEXT inline uint32_t rename_eight(const uint32_t* ids, __m256i some, const int32_t* renaming,
                                                int32_t* next) {
  const __m256i numbers = _mm256_maskload_epi32(reinterpret_cast<const int*>(ids), some);
  const __m256i renamed = _mm256_mask_i32gather_epi32(_mm256_set1_epi32(-1), renaming, numbers, some, 4);
  const auto dropped = static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(renamed)));
  const uint32_t kept = ~dropped & 0xff;
  const __m128i order = _mm_cvtsi64_si128(static_cast<int64_t>(kFrontOrders.of[kept]));
  const __m256i front = _mm256_permutevar8x32_epi32(renamed, _mm256_cvtepu8_epi32(order));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(next), front);
  return kept;
}

FULL_W2V_AVX2_TEXT int32_t* rename(const uint32_t* ids, size_t count, const int32_t* renaming, int32_t* out,
                                   KeptIds* kept) {
  const __m256i lanes = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
  int32_t* next = out;
  for (size_t first = 0; first <= count; first += kIdsAtOnce, ++kept) {
    *kept = {static_cast<uint32_t>(next - out), 0};
    for (size_t half = 0; half < kIdsAtOnce && first + half < count; half += 8) {
      const auto left = static_cast<int>(std::min<size_t>(count - first - half, 8));
      const __m256i some = _mm256_cmpgt_epi32(_mm256_set1_epi32(left), lanes);
      const uint32_t bits = rename_eight(ids + first + half, some, renaming, next);
      kept->bits |= bits << half;
      next += _mm_popcnt_u32(bits);
    }
  }
  return next;
}

}  // namespace

FULL_W2V_AVX2_TEXT uint32_t* append_line_ends(const uint64_t* line_feeds, const uint64_t* ends, size_t blocks,
                                              uint32_t tokens, uint32_t* out) {
  for (size_t block = 0; block < blocks; ++block) {
    uint64_t lines = line_feeds[block];
    do {  // once at least: processors cannot guess whether 64 bytes hold a line feed
      *out = tokens + static_cast<uint32_t>(_mm_popcnt_u64(ends[block] & _blsmsk_u64(lines)));
      out += lines != 0;
      lines = _blsr_u64(lines);
    } while (lines != 0);
    tokens += static_cast<uint32_t>(_mm_popcnt_u64(ends[block]));
  }
  return out;
}

FULL_W2V_AVX2_TEXT void move_ends(const KeptIds* kept, const uint32_t* ends, size_t count, uint32_t* out) {
  for (size_t i = 0; i < count; ++i) {
    const KeptIds group = kept[ends[i] / kIdsAtOnce];
    const uint32_t before_end = _bzhi_u32(group.bits, ends[i] % kIdsAtOnce);
    out[i] = group.before + static_cast<uint32_t>(_mm_popcnt_u32(before_end));
  }
}

constexpr TextKernels kKernels = {"avx2",     &classify,      &append_positions, &append_line_ends,
                                  &make_keys, &count_at_home, &rename,           &move_ends};

}  // namespace avx2

const TextKernels kAvx2TextKernels = avx2::kKernels;

}  // namespace full_w2v

#endif
