// 64 bytes of text, 8 keys or 16 ids at a time, on processors with AVX-512 and its byte permutations (VBMI
// and VBMI2: Intel since Ice Lake, AMD since Zen 4).
#if defined(__x86_64__)

#include <immintrin.h>

#include "text/text_kernels_avx2.h"

#if defined(__GNUC__) && \
    !defined(__clang__)  // GCC 12 warns of its own _mm512_undefined_epi32 (GCC bug 105593)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

// Only these functions are compiled for the instruction set: nothing that other files share may be.
#define FULL_W2V_AVX512_TEXT \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt")))

namespace full_w2v {
namespace avx512 {
namespace {

FULL_W2V_AVX512_TEXT inline __mmask64 in_five(__m512i bytes, char low) {
  return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8(low)), _mm512_set1_epi8(5));
}

FULL_W2V_AVX512_TEXT void classify(const char* text, size_t blocks, uint64_t* spaces, uint64_t* line_feeds) {
  for (size_t block = 0; block < blocks; ++block) {
    const __m512i bytes = _mm512_loadu_si512(text + kBlockBytes * block);
    spaces[block] = in_five(bytes, 0x09) | in_five(bytes, 0x1c);
    line_feeds[block] = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\n'));
  }
}

FULL_W2V_AVX512_TEXT inline void store_positions(__m128i places, uint32_t base, uint32_t* out) {
  const __m512i positions =
      _mm512_add_epi32(_mm512_cvtepu8_epi32(places), _mm512_set1_epi32(static_cast<int>(base)));
  _mm512_storeu_si512(out, positions);
}

// 0, 1, ..., 63
FULL_W2V_AVX512_TEXT inline __m512i iota_u8x64() {
  const __m128i first = _mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i rows = _mm512_set_epi64(0x3030303030303030, 0x3030303030303030, 0x2020202020202020,
                                        0x2020202020202020, 0x1010101010101010, 0x1010101010101010, 0, 0);
  return _mm512_add_epi8(_mm512_broadcast_i32x4(first), rows);
}

FULL_W2V_AVX512_TEXT uint32_t* append_positions(const uint64_t* bits, size_t blocks, uint32_t base,
                                                uint32_t* out) {
  const __m512i numbers = iota_u8x64();
  for (size_t block = 0; block < blocks; ++block, base += kBlockBytes) {
    const auto count = static_cast<uint32_t>(_mm_popcnt_u64(bits[block]));
    __m512i places = _mm512_maskz_compress_epi8(bits[block], numbers);
    store_positions(_mm512_castsi512_si128(places), base, out);
    for (uint32_t done = 16; done < count; done += 16) {
      places = _mm512_shuffle_i32x4(places, places, 0x39);  // the next 16 places first
      store_positions(_mm512_castsi512_si128(places), base, out + done);
    }
    out += count;
  }
  return out;
}

// 16 bytes from each of four places.
FULL_W2V_AVX512_TEXT inline __m512i load_four(const char* text, const uint32_t* starts) {
  const auto load = [&](int i) { return reinterpret_cast<const __m128i*>(text + starts[i]); };
  const __m256i low = _mm256_loadu2_m128i(load(1), load(0)), high = _mm256_loadu2_m128i(load(3), load(2));
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

// Keys of four tokens of at most kInlineBytes bytes, given their bytes and, in each byte, their lengths.
FULL_W2V_AVX512_TEXT inline __m512i inline_keys(__m512i bytes, __m512i lengths) {
  const __m512i places =
      _mm512_broadcast_i32x4(_mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  const __m512i ends = _mm512_maskz_add_epi8(0x8000800080008000u, lengths, _mm512_set1_epi8(1));
  return _mm512_mask_mov_epi8(ends, _mm512_cmplt_epu8_mask(places, lengths), bytes);
}

FULL_W2V_AVX512_TEXT void make_keys(const char* text, size_t count, WordTable& table, TokenBatch& batch) {
  const __m512i slots = _mm512_set1_epi64(reinterpret_cast<int64_t>(table.slots()));
  const __m128i shift = _mm_cvtsi32_si128(table.shift());
  const __m512i low_factor = _mm512_set1_epi64(static_cast<int64_t>(kLowFactor));
  const __m512i high_factor = _mm512_set1_epi64(static_cast<int64_t>(kHighFactor));
  // Bytes of eight 32-bit lengths: each low byte 16 times over.
  const __m512i first_four =
      _mm512_set_epi32(0x0c0c0c0c, 0x0c0c0c0c, 0x0c0c0c0c, 0x0c0c0c0c, 0x08080808, 0x08080808, 0x08080808,
                       0x08080808, 0x04040404, 0x04040404, 0x04040404, 0x04040404, 0, 0, 0, 0);
  const __m512i last_four = _mm512_add_epi8(first_four, _mm512_set1_epi8(16));
  const __m512i in_order = _mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0);
  for (size_t i = 0; i < count; i += 8) {
    const __m256i starts = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(batch.starts + i));
    const __m256i ends = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(batch.ends + i));
    const __m256i lengths = _mm256_sub_epi32(ends, starts);
    const __m512i length_bytes = _mm512_zextsi256_si512(lengths);
    const __m512i first =
        inline_keys(load_four(text, batch.starts + i), _mm512_permutexvar_epi8(first_four, length_bytes));
    const __m512i last =
        inline_keys(load_four(text, batch.starts + i + 4), _mm512_permutexvar_epi8(last_four, length_bytes));
    const __m512i low = _mm512_unpacklo_epi64(first, last), high = _mm512_unpackhi_epi64(first, last);
    const __m512i hashes =
        _mm512_add_epi64(_mm512_mullo_epi64(low, low_factor), _mm512_mullo_epi64(high, high_factor));
    const __m512i homes = _mm512_add_epi64(  // of tokens 0, 4, 1, 5, ...
        slots, _mm512_slli_epi64(_mm512_srl_epi64(hashes, shift), WordTable::kSlotBits));
    _mm512_store_si512(batch.keys + i, first);
    _mm512_store_si512(batch.keys + i + 4, last);
    _mm512_store_si512(batch.homes + i, _mm512_permutexvar_epi64(in_order, homes));
    uint32_t longer = _mm256_cmpgt_epu32_mask(lengths, _mm256_set1_epi32(kInlineBytes));
    for (; longer != 0; longer &= longer - 1) {
      make_hashed_key(text, i + static_cast<size_t>(__builtin_ctz(longer)), table, batch);
    }
    for (size_t token = i; token < i + 8; ++token) __builtin_prefetch(batch.homes[token], 1);
  }
}

// The keys at four homes.
FULL_W2V_AVX512_TEXT inline __m512i load_keys(WordTable::Slot* const* homes) {
  const auto load = [&](int i) { return reinterpret_cast<const __m128i*>(&homes[i]->key); };
  const __m256i low = _mm256_loadu2_m128i(load(1), load(0)), high = _mm256_loadu2_m128i(load(3), load(2));
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

FULL_W2V_AVX512_TEXT inline bool four_at_home(const TokenBatch& batch, size_t first) {
  const __m512i keys = _mm512_loadu_si512(batch.keys + first);
  return _mm512_cmpneq_epi64_mask(keys, load_keys(batch.homes + first)) == 0;
}

FULL_W2V_AVX512_TEXT size_t count_at_home(const TokenBatch& batch, size_t first, size_t last, uint32_t* ids) {
  for (; first + 8 <= last && four_at_home(batch, first) && four_at_home(batch, first + 4); first += 8) {
    for (size_t i = first; i < first + 8; ++i) {
      ++batch.homes[i]->count;
      ids[i] = batch.homes[i]->id;
    }
  }
  return count_one_by_one(batch, first, last, ids);
}

// Renames the ids of `some` lanes.
FULL_W2V_AVX512_TEXT inline int32_t* rename_some(__mmask16 some, const uint32_t* ids, const int32_t* renaming,
                                                 int32_t* next, uint32_t& kept_bits) {
  const __m512i numbers = _mm512_maskz_loadu_epi32(some, ids);
  const __m512i renamed = _mm512_mask_i32gather_epi32(_mm512_set1_epi32(-1), some, numbers, renaming, 4);
  const __mmask16 kept = _mm512_cmpge_epi32_mask(renamed, _mm512_setzero_si512());
  _mm512_storeu_si512(next, _mm512_maskz_compress_epi32(kept, renamed));
  kept_bits = kept;
  return next + _mm_popcnt_u32(kept);
}

FULL_W2V_AVX512_TEXT int32_t* rename(const uint32_t* ids, size_t count, const int32_t* renaming, int32_t* out,
                                     KeptIds* kept) {
  int32_t* next = out;
  for (size_t first = 0; first <= count; first += kIdsAtOnce, ++kept) {
    const size_t left = count - first;
    const auto some = static_cast<__mmask16>(left >= kIdsAtOnce ? 0xffff : (1u << left) - 1);
    kept->before = static_cast<uint32_t>(next - out);
    next = rename_some(some, ids + first, renaming, next, kept->bits);
  }
  return next;
}

}  // namespace

constexpr TextKernels kKernels = {"avx512",   &classify,      &append_positions, &avx2::append_line_ends,
                                  &make_keys, &count_at_home, &rename,           &avx2::move_ends};

}  // namespace avx512

const TextKernels kAvx512TextKernels = avx512::kKernels;

}  // namespace full_w2v

#endif
