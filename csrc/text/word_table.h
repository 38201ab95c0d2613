// Words and their counts: open addressing over 32-byte slots that hold a word's key, count and id.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/huge_pages.h"
#include "text/token_key.h"

namespace full_w2v {

class WordTable {
 public:
  struct Slot {
    TokenKey key;  // high is 0 in an empty slot
    uint64_t count;
    uint32_t id;
  };
  static constexpr int kSlotBits = 5;  // two slots share a cache line
  static_assert(sizeof(Slot) == 1 << kSlotBits, "homes are found by a shift");

  // Set in the id of a token that is not a word itself but represents others. Its count is reported as 0.
  static constexpr uint32_t kAlias = uint32_t{1} << 31;

  static constexpr size_t kFirstCapacity = size_t{1} << 15;

  // capacity: slots, a power of two above 1.
  explicit WordTable(size_t capacity = kFirstCapacity);

  uint32_t size() const { return static_cast<uint32_t>(ends_.size() - 1); }

  std::string_view word(uint32_t id) const {
    const uint32_t index = id & ~kAlias;
    return {bytes_.data() + ends_[index], ends_[index + 1] - ends_[index]};
  }

  // The token of a slot.
  std::string_view word(const Slot& slot) const {
    return slot.key.is_hashed() ? word(slot.id) : inline_token(slot.key);
  }

  // Makes room for `words` more words, so that slots stay where they are while they are added.
  void reserve(size_t words);

  // A key's first slot is slots()[hash_key(key) >> shift()], until room is made.
  Slot* slots() { return slots_.data(); }
  int shift() const { return shift_; }

  Slot* home(const TokenKey& key) { return slots_.data() + place(key); }

  void prefetch(const TokenKey& key) { __builtin_prefetch(home(key), 1); }

  // The slot of a token; its count is 0 if it is new, and its id is then the next one in order of appearance.
  // Room must have been reserved; `bytes` are copied.
  Slot& find_or_add(const TokenKey& key, const char* bytes, size_t length) {
    for (size_t at = place(key);; at = next(at)) {
      Slot& slot = slots_[at];
      if (holds(slot, key, {bytes, length})) return slot;
      if (slot.key.high == 0) return add(slot, key, bytes, length);
    }
  }

  // The slot of a token, null if there is none.
  const Slot* find(const TokenKey& key, std::string_view token) const;

  // Calls `take(slot)` for each token, in the order of hashes.
  template <class Take>
  void each(Take take) const {
    each_of_part(0, 1, take);
  }

  // The same for one of `parts` parts, which together are the table.
  template <class Take>
  void each_of_part(size_t part, size_t parts, Take take) const {
    const Slot* const end = slots_.begin() + slots_.size() * (part + 1) / parts;
    for (const Slot* slot = slots_.begin() + slots_.size() * part / parts; slot < end; ++slot) {
      if (slot->key.high != 0) take(*slot);
    }
  }

  // Bytes that slots and words take.
  size_t memory() const {
    return slots_.size() * sizeof(Slot) + bytes_.capacity() + ends_.capacity() * sizeof(uint64_t);
  }

  // Count of every id.
  std::vector<uint64_t> counts() const;

 private:
  bool holds(const Slot& slot, const TokenKey& key, std::string_view token) const {
    return slot.key == key && (!key.is_hashed() || word(slot.id) == token);
  }
  size_t place(const TokenKey& key) const { return hash_key(key) >> shift_; }
  size_t next(size_t at) const { return at + 1 == slots_.size() ? 0 : at + 1; }

  Slot& add(Slot& slot, const TokenKey& key, const char* bytes, size_t length);
  void grow(size_t capacity);

  ZeroedArray<Slot> slots_;
  int shift_;
  std::vector<char> bytes_;     // all words, end to end
  std::vector<uint64_t> ends_;  // word i is bytes_[ends_[i]] ... bytes_[ends_[i + 1] - 1]
};

}  // namespace full_w2v
