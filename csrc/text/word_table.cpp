#include "text/word_table.h"

#include <stdexcept>
#include <utility>

namespace full_w2v {
namespace {

// Slots for a number of words: at most half of them filled, or probes run long.
constexpr size_t slots_for(size_t words) { return 2 * words; }

int shift_for(size_t capacity) { return 64 - __builtin_ctzll(capacity); }

}  // namespace

WordTable::WordTable(size_t capacity) : slots_(capacity), shift_(shift_for(capacity)), ends_{0} {}

void WordTable::reserve(size_t words) {
  const size_t needed = slots_for(size() + words);
  size_t capacity = slots_.size();
  while (capacity < needed) capacity *= 2;
  if (capacity != slots_.size()) grow(capacity);
}

void WordTable::grow(size_t capacity) {
  ZeroedArray<Slot> words(capacity);
  slots_.swap(words);
  shift_ = shift_for(capacity);
  for (Slot& slot : words) {  // in the order of hashes, so that both arrays are walked once
    if (slot.key.high == 0) continue;
    size_t at = place(slot.key);
    for (; slots_[at].key.high != 0; at = next(at)) {
      if (slots_[at].count < slot.count) std::swap(slots_[at], slot);  // frequent words go to their home slot
    }
    slots_[at] = slot;
  }
}

WordTable::Slot& WordTable::add(Slot& slot, const TokenKey& key, const char* bytes, size_t length) {
  if (size() == kAlias - 1) throw std::length_error("a corpus may hold at most 2^31 - 1 different words");
  slot = {key, 0, size()};
  bytes_.insert(bytes_.end(), bytes, bytes + length);
  ends_.push_back(bytes_.size());
  return slot;
}

const WordTable::Slot* WordTable::find(const TokenKey& key, std::string_view token) const {
  for (size_t at = place(key); slots_[at].key.high != 0; at = next(at)) {
    if (holds(slots_[at], key, token)) return &slots_[at];
  }
  return nullptr;
}

std::vector<uint64_t> WordTable::counts() const {
  std::vector<uint64_t> counts(size());
  each([&](const Slot& slot) {
    if (slot.id < kAlias) counts[slot.id] = slot.count;
  });
  return counts;
}

}  // namespace full_w2v
