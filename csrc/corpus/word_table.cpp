#include "corpus/word_table.h"

#include <stdexcept>

namespace full_w2v {
namespace {

// Slots for a number of words: at most half of them filled, or probes run long.
constexpr size_t slots_for(size_t words) { return 2 * words; }

}  // namespace

WordTable::WordTable(size_t capacity) : slots_(capacity), mask_(capacity - 1), ends_{0} {}

void WordTable::reserve(size_t words) {
  const size_t needed = slots_for(size() + words);
  size_t capacity = slots_.size();
  while (capacity < needed) capacity *= 2;
  if (capacity != slots_.size()) grow(capacity);
}

void WordTable::grow(size_t capacity) {
  ZeroedArray<Slot> larger(capacity);
  mask_ = capacity - 1;
  for (const Slot& slot : slots_) {
    if (slot.key.high == 0) continue;
    size_t at = hash_key(slot.key) & mask_;
    while (larger[at].key.high != 0) at = (at + 1) & mask_;
    larger[at] = slot;
  }
  slots_ = std::move(larger);
}

WordTable::Slot& WordTable::add(Slot& slot, const TokenKey& key, const char* bytes, size_t length) {
  if (size() == kAlias - 1) throw std::length_error("a corpus may hold at most 2^31 - 1 different words");
  slot = {key, 0, size()};
  bytes_.insert(bytes_.end(), bytes, bytes + length);
  ends_.push_back(bytes_.size());
  return slot;
}

const WordTable::Slot* WordTable::find(const TokenKey& key, uint64_t hash, std::string_view token) const {
  for (size_t at = hash & mask_; slots_[at].key.high != 0; at = (at + 1) & mask_) {
    if (holds(slots_[at], key, token)) return &slots_[at];
  }
  return nullptr;
}

void WordTable::release_slots() {
  slots_ = {};
  bytes_.resize(bytes_.size() + kKeyPadding);
}

std::vector<uint64_t> WordTable::counts() const {
  std::vector<uint64_t> counts(size());
  for (const Slot& slot : slots_) {
    if (slot.key.high != 0 && slot.id < kAlias) counts[slot.id] = slot.count;
  }
  return counts;
}

}  // namespace full_w2v
