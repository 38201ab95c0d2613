// Counts the words of a corpus on several threads. Sources come in one by one, in the corpus's order; what
// comes out does not depend on the number of threads.
#pragma once

#include <atomic>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "text/block_queue.h"
#include "text/counted_words.h"
#include "text/spill.h"
#include "text/token_counter.h"
#include "text/word_runs.h"

namespace full_w2v {

// Thrown for text that is not UTF-8, or holds NUL, when errors are strict.
class InvalidText : public std::exception {
 public:
  const char* what() const noexcept override { return "the corpus is not UTF-8 text"; }

  uint32_t source = 0;  // number of begin_source() calls before its own
  int64_t line = 0;     // from 1
  int64_t offset = 0;   // of the faulty byte in its source
  unsigned char byte = 0;
  uint64_t block = 0;  // its place in the corpus
};

struct CounterSettings {
  int threads = 1;
  TextErrors errors = TextErrors::strict;
  std::string directory;            // for temporary files
  size_t spill_memory = 96u << 20;  // bytes of provisional ids that wait in memory
  size_t block_bytes = 512u << 10;  // of a file that a thread takes at a time; of fed text at most so much
  // Bytes that the threads' tables may take, 0 for any number. With a limit only words that occur `min_count`
  // times or more, and are in `only` if that is not empty, are sure to be kept.
  size_t memory_limit = 0;
  uint64_t min_count = 0;
  std::unordered_set<std::string> only{};
  std::string simd{};  // caps the instruction set (text_kernels.h)
};

class CorpusCounter {
 public:
  explicit CorpusCounter(CounterSettings settings);
  ~CorpusCounter();
  CorpusCounter(const CorpusCounter&) = delete;
  CorpusCounter& operator=(const CorpusCounter&) = delete;

  // Every source is begun once, then read from a file, fed with text or fed with tokens, then ended.
  void begin_source();
  void add_file(const std::string& path, const Poll& poll);
  void feed(const char* text, size_t size, const Poll& poll);
  void feed_tokens(TokenBlock tokens, const Poll& poll);
  void end_source(const Poll& poll);

  // Waits for the threads and gives what they counted; nothing may be added afterwards.
  std::unique_ptr<CountedWords> finish(const Poll& poll);

  const CounterSettings& settings() const { return settings_; }
  int64_t bytes_counted() const { return bytes_counted_; }

 private:
  struct Worker {
    explicit Worker(const TextKernels& kernels) : counter(kernels) {}

    TokenCounter counter;
    CountedBlock counted;
    FillArray<char> buffer;
    uint32_t table = 0;                   // number of its table
    std::vector<Appearance> appearances;  // of the table's words, where memory is limited
  };

  void start_threads(bool fed);
  void push(Block block, const Poll& poll);
  void push_text(size_t size, bool ends_source, const Poll& poll);
  std::string take_buffer();
  void give_buffer(std::string buffer);
  template <class Action>
  void with_lines(Action action);
  void work(uint32_t thread);
  void count(Worker& worker, Block& block, BlockRecord& record);
  void put_aside(Worker& worker);
  void count_text(Worker& worker, TextSpan text, const Block& block);
  void stop();

  const CounterSettings settings_;
  const size_t fed_bytes_;  // of a block of text that was fed
  std::shared_ptr<Spill> spill_;
  std::shared_ptr<WordRuns> runs_;
  BlockQueue queue_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::mutex records_mutex_;
  std::deque<BlockRecord> records_;  // by sequence; a deque, as threads fill it while it grows
  std::atomic<int64_t> bytes_counted_{0};
  std::atomic<uint32_t> tables_{0};
  uint32_t sources_ = 0;
  std::mutex spare_mutex_;
  std::vector<std::string> spare_;  // buffers of counted text, whose memory is used again
  std::string pending_;             // text that was fed and not yet pushed
  int64_t pending_offset_ = 0;      // where it begins in its source
  bool pending_begins_line_ = true;
  bool source_ended_ = false;  // a file's last block ends its source already
};

}  // namespace full_w2v
