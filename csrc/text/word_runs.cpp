#include "text/word_runs.h"

#include <algorithm>
#include <queue>
#include <tuple>
#include <utility>

namespace full_w2v {
namespace {

constexpr uint64_t kWordsBetweenPolls = 1 << 14;  // a few milliseconds of merging

}  // namespace

// Appends to the file at a place of its own.
class WordRuns::Writer {
 public:
  Writer(const File& file, int64_t at) : file_(file), at_(at) {}

  template <class T>
  void number(T value) {
    buffer_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  void text(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= kPiece) flush();
  }

  int64_t flush() {
    file_.write_at(buffer_.data(), buffer_.size(), at_);
    at_ += static_cast<int64_t>(buffer_.size());
    buffer_.clear();
    return at_;
  }

 private:
  static constexpr size_t kPiece = 1 << 18;

  const File& file_;
  int64_t at_;
  std::string buffer_;
};

void WordRuns::Reader::copy(char* out, size_t size) {
  while (size > 0) {
    if (used_ == buffer_.size()) {
      buffer_.resize(static_cast<size_t>(std::min<int64_t>(end_ - at_, kPiece)));
      used_ = 0;
      if (buffer_.empty() || file_->read_at(buffer_.data(), buffer_.size(), at_) != buffer_.size()) {
        throw FileError(file_->name(), "is shorter than what was written to it");
      }
      at_ += static_cast<int64_t>(buffer_.size());
    }
    const size_t taken = std::min(size, buffer_.size() - used_);
    std::copy_n(buffer_.data() + used_, taken, out);
    used_ += taken;
    out += taken;
    size -= taken;
  }
}

void WordRuns::add(uint32_t table, const WordTable& words, const std::vector<Appearance>& appearances) {
  const std::vector<uint64_t> counts = words.counts();
  std::vector<uint32_t> sorted;
  for (uint32_t id = 0; id < words.size(); ++id) {
    if (counts[id] > 0) sorted.push_back(id);  // the others stand for words that have ids of their own
  }
  std::sort(sorted.begin(), sorted.end(),
            [&](uint32_t a, uint32_t b) { return words.word(a) < words.word(b); });

  // One thread writes at a time: the next one cannot know where its run begins before.
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!file_.is_open()) file_ = File::temporary(directory_);
  if (runs_.size() <= table) runs_.resize(table + 1);
  Run& run = runs_[table];
  run.words_at = size_;
  Writer writer(file_, size_);
  for (uint32_t id = 0; id < words.size(); ++id) {
    writer.number<uint64_t>(words.word(id).size());
    writer.text(words.word(id));
  }
  run.sorted_at = writer.flush();
  for (const uint32_t id : sorted) {
    const auto later = [](uint32_t value, const Appearance& appearance) { return value < appearance.end; };
    const auto appearance = std::upper_bound(appearances.begin(), appearances.end(), id, later);
    writer.number<uint64_t>(words.word(id).size());
    writer.number<uint64_t>(counts[id]);
    writer.number<uint64_t>(appearance->sequence);
    writer.number<uint32_t>(id);
    writer.text(words.word(id));
  }
  run.end = size_ = writer.flush();
}

// The next word of a run that is being merged.
struct WordRuns::Entry {
  explicit Entry(Reader run) : reader(std::move(run)) {}

  bool next() {
    if (reader.at_end()) return false;
    const auto size = reader.number<uint64_t>();
    merged.count = reader.number<uint64_t>();
    merged.sequence = reader.number<uint64_t>();
    merged.id = reader.number<uint32_t>();
    reader.text(merged.word, size);
    return true;
  }

  Reader reader;
  MergedWord merged{};
};

// Gives the words of all runs in the order of their bytes, the runs' entries for one word summed up.
class WordRuns::Merge {
 public:
  Merge(const File& file, const std::vector<Run>& runs) {
    entries_.reserve(runs.size());
    for (const Run& run : runs) entries_.emplace_back(Reader(file, run.sorted_at, run.end));
    for (Entry& entry : entries_) {
      if (entry.next()) heap_.push(&entry);
    }
  }

  bool next(MergedWord& word) {
    if (heap_.empty()) return false;
    word = heap_.top()->merged;
    advance();
    while (!heap_.empty() && heap_.top()->merged.word == word.word) {
      const MergedWord& other = heap_.top()->merged;
      word.count += other.count;
      if (std::tie(other.sequence, other.id) < std::tie(word.sequence, word.id)) {
        word.sequence = other.sequence;
        word.id = other.id;
      }
      advance();
    }
    return true;
  }

 private:
  struct Later {
    bool operator()(const Entry* a, const Entry* b) const { return a->merged.word > b->merged.word; }
  };

  void advance() {
    Entry* const entry = heap_.top();
    heap_.pop();
    if (entry->next()) heap_.push(entry);
  }

  std::vector<Entry> entries_;
  std::priority_queue<Entry*, std::vector<Entry*>, Later> heap_;
};

std::vector<MergedWord> WordRuns::merge(uint64_t min_count, const std::unordered_set<std::string>& only,
                                        const Poll& poll) const {
  std::vector<MergedWord> kept;
  MergedWord word{}, most{};
  Merge runs(file_, runs_);
  for (uint64_t words = 1; runs.next(word); ++words) {
    if (words % kWordsBetweenPolls == 0) poll();
    if (word.count > most.count) most = word;
    if (word.count >= min_count && (only.empty() || only.count(word.word))) kept.push_back(word);
  }
  if (kept.empty() && most.count > 0) kept.push_back(most);
  std::sort(kept.begin(), kept.end(), [](const MergedWord& a, const MergedWord& b) {
    return std::tie(a.sequence, a.id) < std::tie(b.sequence, b.id);
  });
  return kept;
}

}  // namespace full_w2v
