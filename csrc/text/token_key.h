// A token's key: 16 bytes that a table compares and hashes without following a pointer.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "contract/byte_order.h"

namespace full_w2v {

constexpr size_t kKeyPadding = 16;   // bytes behind a token that reading its key may touch
constexpr size_t kInlineBytes = 15;  // the longest token that its key holds whole

// Up to 15 bytes: the bytes themselves, zero-padded, and the length + 1 in the last byte.
// Longer: a 64-bit hash of the bytes, the low 56 bits of the length, and 0xff in the last byte; two different
// tokens may then share a key, so equal keys of this kind need a look at the bytes.
struct TokenKey {
  uint64_t low;
  uint64_t high;  // never 0

  bool is_hashed() const { return high >> 56 == 0xff; }
  bool operator==(const TokenKey& other) const { return low == other.low && high == other.high; }
};

// Both factors hold bytes that neither UTF-8 nor a length gives, so that no key makes a factor zero.
inline uint64_t fold(uint64_t low, uint64_t high) {
  low ^= 0xbf58476d1ce4ffb9u;
  high ^= 0x9e3779b97f4a7c15u;
  return low * high ^ static_cast<uint64_t>(static_cast<unsigned __int128>(low) * high >> 64);
}

// Multiply-shift (Dietzfelbinger et al. 1997): the high bits are the good ones, and a table's order of slots
// is that of hashes whatever its size. Both products are such that eight keys are hashed at once.
constexpr uint64_t kLowFactor = 0x9e3779b97f4a7c15u, kHighFactor = 0xbf58476d1ce4e5b9u;
inline uint64_t hash_key(const TokenKey& key) { return key.low * kLowFactor + key.high * kHighFactor; }

inline uint64_t load_word(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// Key of a token of more than kInlineBytes bytes.
inline TokenKey hashed_key(const char* bytes, size_t length) {
  uint64_t hash = length;
  for (size_t i = 0; i + 16 < length; i += 16)
    hash = fold(load_word(bytes + i) ^ hash, load_word(bytes + i + 8));
  hash = fold(load_word(bytes + length - 16) ^ hash, load_word(bytes + length - 8));
  return {hash, (length & 0x00ffffffffffffffu) | 0xff00000000000000u};
}

struct KeyMask {
  uint64_t low, high;
};

constexpr uint64_t low_bytes(size_t count) {
  return count >= 8 ? ~uint64_t{0} : (uint64_t{1} << 8 * count) - 1;
}

struct KeyMasks {
  KeyMask of[kInlineBytes + 1];
  constexpr KeyMasks() : of{} {
    for (size_t length = 0; length <= kInlineBytes; ++length) {
      of[length] = {low_bytes(length), length > 8 ? low_bytes(length - 8) : 0};
    }
  }
};

inline constexpr KeyMasks kKeyMasks{};

// The token of a key that holds it whole.
inline std::string_view inline_token(const TokenKey& key) {
  return {reinterpret_cast<const char*>(&key), static_cast<size_t>(key.high >> 56) - 1};
}

// Key of a token. May read up to kKeyPadding bytes behind it.
inline TokenKey token_key(const char* bytes, size_t length) {
  if (length > kInlineBytes) return hashed_key(bytes, length);
  const KeyMask& mask = kKeyMasks.of[length];
  return {load_word(bytes) & mask.low, (load_word(bytes + 8) & mask.high) | (length + 1) << 56};
}

}  // namespace full_w2v
