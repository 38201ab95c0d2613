#include "text/counted_words.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <numeric>
#include <string>
#include <utility>

#include "text/parallel.h"

namespace full_w2v {
namespace {

constexpr size_t kLeastCapacity = 2;  // slots of a table that holds nothing

size_t largest(const std::vector<WordTable>& tables) {
  const auto fewer = [](const WordTable& a, const WordTable& b) { return a.size() < b.size(); };
  return static_cast<size_t>(std::max_element(tables.begin(), tables.end(), fewer) - tables.begin());
}

}  // namespace

CountedWords::CountedWords(std::vector<WordTable> tables, std::vector<BlockRecord> blocks,
                           std::shared_ptr<const Spill> spill, const Poll& poll)
    : blocks_(std::move(blocks)), spill_(std::move(spill)), numbers_(tables.size()) {
  count_tokens();
  const size_t base = largest(tables);
  table_ = std::move(tables[base]);
  counts_.resize(table_.size());
  numbers_[base].resize(table_.size());
  std::iota(numbers_[base].begin(), numbers_[base].end(), 0u);
  tables[base] = WordTable(kLeastCapacity);  // an empty one in its place
  merge(tables, base, poll);
  find_order();
}

CountedWords::CountedWords(std::shared_ptr<const WordRuns> runs, uint64_t min_count,
                           const std::unordered_set<std::string>& only, std::vector<BlockRecord> blocks,
                           std::shared_ptr<const Spill> spill, const Poll& poll)
    : blocks_(std::move(blocks)), spill_(std::move(spill)), runs_(std::move(runs)) {
  count_tokens();
  for (MergedWord& merged : runs_->merge(min_count, only, poll)) {
    const size_t length = merged.word.size();
    merged.word.append(kKeyPadding, '\0');
    const TokenKey key = token_key(merged.word.data(), length);
    table_.reserve(1);
    order_.push_back(table_.find_or_add(key, merged.word.data(), length).id);
    counts_.push_back(merged.count);
  }
}

void CountedWords::count_tokens() {
  for (const BlockRecord& block : blocks_) tokens_ += block.tokens;
}

// Adds the words of all tables but the base and notes their numbers. Nearly all words that matter are known
// to the base: these are looked up on all threads, the others are then added on one.
void CountedWords::merge(std::vector<WordTable>& tables, size_t base, const Poll& poll) {
  const size_t parts = tables.size();  // of each table
  std::vector<std::vector<const WordTable::Slot*>> unknown(parts * tables.size());
  for (size_t i = 0; i < tables.size(); ++i) {
    if (i != base) numbers_[i].resize(tables[i].size());
  }
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i; (i = next++) < unknown.size();) {
      const size_t table = i / parts;
      if (table == base) {
        count_own(i % parts, parts);
      } else {
        count_known(tables[table], i % parts, parts, numbers_[table], unknown[i]);
      }
    }
  };
  run_threads(static_cast<int>(tables.size()), work, [&] { next = unknown.size(); }, poll);
  for (size_t table = 0; table < tables.size(); ++table) {
    for (size_t part = 0; part < parts; ++part) {
      for (const WordTable::Slot* slot : unknown[table * parts + part])
        add(tables[table], *slot, numbers_[table]);
    }
    tables[table] = WordTable(kLeastCapacity);  // its memory is needed for those to come
  }
}

// Takes over the counts of a part of the base table; other threads may add to them.
void CountedWords::count_own(size_t part, size_t parts) {
  table_.each_of_part(part, parts, [&](const WordTable::Slot& slot) {
    if (slot.id < WordTable::kAlias) __atomic_fetch_add(&counts_[slot.id], slot.count, __ATOMIC_RELAXED);
  });
}

// Counts the words of a part of another thread's table that this one has, and lists the others. Both tables
// are walked in the order of hashes, so that neither's slots are met at random.
void CountedWords::count_known(const WordTable& table, size_t part, size_t parts,
                               std::vector<uint32_t>& numbers, std::vector<const WordTable::Slot*>& unknown) {
  table.each_of_part(part, parts, [&](const WordTable::Slot& slot) {
    const WordTable::Slot* const known = table_.find(slot.key, table.word(slot));
    if (known == nullptr) {
      unknown.push_back(&slot);
      return;
    }
    const uint32_t number = known->id & ~WordTable::kAlias;
    numbers[slot.id & ~WordTable::kAlias] = number;
    if (slot.id < WordTable::kAlias) {  // other threads may add to the same word's count
      __atomic_fetch_add(&counts_[number], slot.count, __ATOMIC_RELAXED);
    }
  });
}

void CountedWords::add(const WordTable& table, const WordTable::Slot& slot, std::vector<uint32_t>& numbers) {
  const std::string_view word = table.word(slot);
  table_.reserve(1);
  const WordTable::Slot& merged = table_.find_or_add(slot.key, word.data(), word.size());
  const uint32_t number = merged.id & ~WordTable::kAlias;
  if (number == counts_.size()) counts_.push_back(0);
  if (slot.id < WordTable::kAlias) counts_[number] += slot.count;
  numbers[slot.id & ~WordTable::kAlias] = number;
}

// A word's first block is the earliest that brought its thread a new word; in it, ids tell the order.
void CountedWords::find_order() {
  std::vector<bool> seen(counts_.size());
  for (const BlockRecord& block : blocks_) {
    for (uint32_t id = block.first_word; id < block.last_word; ++id) {
      const uint32_t number = numbers_[block.table][id];
      if (counts_[number] == 0 || seen[number]) continue;  // an alias, or known from an earlier block
      seen[number] = true;
      order_.push_back(number);
    }
  }
}

// An end counts if there is a token between it and the end before, which may be in an earlier block.
int64_t CountedWords::sentences() const {
  std::vector<uint32_t> scratch;
  int64_t sentences = 0, before = 0, last_end = 0;
  for (const BlockRecord& block : blocks_) {
    const uint32_t* ends = spill_->read(block.ends_at, block.ends, scratch);
    for (uint32_t i = 0; i < block.ends; ++i) {
      sentences += before + ends[i] > last_end;
      last_end = before + ends[i];
    }
    before += block.tokens;
  }
  return sentences;
}

uint64_t CountedWords::least_count(size_t words) const {
  if (words >= order_.size()) return 1;
  std::vector<uint64_t> counts;
  counts.reserve(order_.size());
  for (const uint32_t number : order_) counts.push_back(counts_[number]);
  const auto first_dropped = counts.begin() + static_cast<ptrdiff_t>(words);
  std::nth_element(counts.begin(), first_dropped, counts.end(), std::greater<>());
  return *first_dropped + 1;
}

// Most words occur only a few times: they are sorted by counting how many have each count.
std::vector<uint32_t> CountedWords::select(uint64_t min_count) const {
  constexpr uint64_t kFew = 4096;
  std::vector<uint32_t> numbers, places(kFew);  // places: by count, first how many, then where the next goes
  for (const uint32_t number : order_) {
    if (counts_[number] < min_count) continue;
    if (counts_[number] < kFew) {
      ++places[counts_[number]];
    } else {
      numbers.push_back(number);
    }
  }
  std::stable_sort(numbers.begin(), numbers.end(),
                   [this](uint32_t a, uint32_t b) { return counts_[a] > counts_[b]; });
  auto place = static_cast<uint32_t>(numbers.size());
  for (uint64_t count = kFew; count-- > 0;) place += std::exchange(places[count], place);
  numbers.resize(place);
  for (const uint32_t number : order_) {
    if (counts_[number] >= min_count && counts_[number] < kFew) numbers[places[counts_[number]]++] = number;
  }
  return numbers;
}

uint32_t CountedWords::find(std::string_view word) const {
  const std::string padded = std::string(word) + std::string(kKeyPadding, '\0');
  const TokenKey key = token_key(padded.data(), word.size());
  const WordTable::Slot* slot = table_.find(key, word);
  return slot && slot->id < WordTable::kAlias && counts_[slot->id] > 0 ? slot->id : kNoWord;
}

Renaming CountedWords::places(const std::vector<uint32_t>& numbers) const {
  Renaming ids(counts_.size(), -1);
  for (size_t id = 0; id < numbers.size(); ++id) {
    if (numbers[id] != kNoWord) ids[numbers[id]] = static_cast<int32_t>(id);
  }
  return ids;
}

Renaming CountedWords::rename(uint32_t table, const Renaming& places) const {
  Renaming ids;
  if (runs_) {
    runs_->read_words(table, [&](std::string_view word) {
      const uint32_t number = find(word);
      ids.push_back(number == kNoWord ? -1 : places[number]);
    });
  } else {
    ids.reserve(numbers_[table].size());
    for (const uint32_t number : numbers_[table]) ids.push_back(places[number]);
  }
  return ids;
}

}  // namespace full_w2v
