// The words of a counted corpus, and its text as provisional ids.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "text/block.h"
#include "text/block_queue.h"
#include "text/spill.h"
#include "text/word_runs.h"
#include "text/word_table.h"

namespace full_w2v {

constexpr uint32_t kNoWord = UINT32_MAX;

// What the ids of a table become; -1 drops a token.
using Renaming = std::vector<int32_t>;

class CountedWords {
 public:
  // Merges what threads have counted, in their tables, on as many threads.
  CountedWords(std::vector<WordTable> tables, std::vector<BlockRecord> records,
               std::shared_ptr<const Spill> spill, const Poll& poll);

  // Merges what threads have put aside: all words that occur `min_count` times or more and are in `only`, if
  // that is not empty, and perhaps others.
  CountedWords(std::shared_ptr<const WordRuns> runs, uint64_t min_count,
               const std::unordered_set<std::string>& only, std::vector<BlockRecord> records,
               std::shared_ptr<const Spill> spill, const Poll& poll);

  int64_t tokens() const { return tokens_; }
  size_t words() const { return order_.size(); }
  int64_t sentences() const;                         // that hold a token
  size_t numbers() const { return counts_.size(); }  // every number is below

  // The smallest count that at most `words` words reach: gensim's rule for max_final_vocab.
  uint64_t least_count(size_t words) const;

  // Numbers of the words that occur `min_count` times or more: most frequent first, ties by first appearance.
  std::vector<uint32_t> select(uint64_t min_count) const;

  // Numbers of all words by first appearance.
  const std::vector<uint32_t>& in_order() const { return order_; }

  // Number of a word, kNoWord if the corpus does not hold it.
  uint32_t find(std::string_view word) const;

  std::string_view word(uint32_t number) const { return table_.word(number); }
  uint64_t count(uint32_t number) const { return counts_[number]; }

  // Per number the place where `numbers` holds it, -1 where it does not; kNoWord is passed over.
  Renaming places(const std::vector<uint32_t>& numbers) const;

  // Renames the ids of a table, given what numbers become.
  Renaming rename(uint32_t table, const Renaming& places) const;

  // Number of tables that provisional ids refer to.
  size_t tables() const { return runs_ ? runs_->tables() : numbers_.size(); }

  const std::vector<BlockRecord>& blocks() const { return blocks_; }
  const Spill& spill() const { return *spill_; }

 private:
  void merge(std::vector<WordTable>& tables, size_t base, const Poll& poll);
  void count_own(size_t part, size_t parts);
  void count_known(const WordTable& table, size_t part, size_t parts, std::vector<uint32_t>& numbers,
                   std::vector<const WordTable::Slot*>& unknown);
  void add(const WordTable& table, const WordTable::Slot& slot, std::vector<uint32_t>& numbers);
  void find_order();
  void count_tokens();

  std::vector<BlockRecord> blocks_;
  std::shared_ptr<const Spill> spill_;
  WordTable table_;                             // a word's number is its id here
  std::vector<uint64_t> counts_;                // by number
  std::vector<uint32_t> order_;                 // numbers by first appearance
  std::vector<std::vector<uint32_t>> numbers_;  // per table, the number behind each provisional id
  std::shared_ptr<const WordRuns> runs_;        // or the tables themselves, where memory was limited
  int64_t tokens_ = 0;
};

}  // namespace full_w2v
