// Words and counts that no longer fit into memory: each table becomes a run in a file, and runs are merged.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "text/block_queue.h"
#include "text/file_io.h"
#include "text/word_table.h"

namespace full_w2v {

// Where new words came up: those of a table below `end` that no earlier block brought are of block
// `sequence`.
struct Appearance {
  uint64_t sequence;
  uint32_t end;
};

// A word of all runs: its count is their sum, its place that of its first appearance in the corpus.
struct MergedWord {
  std::string word;
  uint64_t count;
  uint64_t sequence;
  uint32_t id;  // orders the words of one block
};

class WordRuns {
 public:
  explicit WordRuns(std::string directory) : directory_(std::move(directory)) {}

  // Writes a table as the run of number `table`; several threads may.
  void add(uint32_t table, const WordTable& words, const std::vector<Appearance>& appearances);

  bool empty() const { return runs_.empty(); }

  // One past the largest number of a run.
  size_t tables() const { return runs_.size(); }

  // The words that occur `min_count` times or more and are in `only`, if that is not empty, by first
  // appearance. If there is none, the most frequent word alone.
  // Calls `poll` now and then.
  std::vector<MergedWord> merge(uint64_t min_count, const std::unordered_set<std::string>& only,
                                const Poll& poll) const;

  // Calls `take(word)` for each word of a run, in the order of ids.
  template <class Take>
  void read_words(uint32_t table, Take take) const;

 private:
  struct Run {
    int64_t words_at = 0, sorted_at = 0, end = 0;
  };
  class Reader;
  class Writer;
  struct Entry;
  class Merge;

  const std::string directory_;
  mutable std::mutex mutex_;
  File file_;
  int64_t size_ = 0;
  std::vector<Run> runs_;
};

// Reads a part of the file from its beginning to its end, a piece at a time.
class WordRuns::Reader {
 public:
  Reader(const File& file, int64_t begin, int64_t end) : file_(&file), at_(begin), end_(end) {}

  bool at_end() const { return at_ == end_ && used_ == buffer_.size(); }

  template <class T>
  T number() {
    T value;
    copy(reinterpret_cast<char*>(&value), sizeof value);
    return value;
  }

  void text(std::string& out, size_t size) {
    out.resize(size);
    copy(out.data(), size);
  }

 private:
  void copy(char* out, size_t size);

  static constexpr size_t kPiece = 1 << 15;

  const File* file_;
  int64_t at_, end_;
  std::vector<char> buffer_;
  size_t used_ = 0;
};

template <class Take>
void WordRuns::read_words(uint32_t table, Take take) const {
  const Run& run = runs_[table];
  Reader reader(file_, run.words_at, run.sorted_at);
  std::string word;
  while (!reader.at_end()) {
    reader.text(word, reader.number<uint64_t>());
    take(std::string_view(word));
  }
}

}  // namespace full_w2v
