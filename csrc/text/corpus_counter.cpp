#include "text/corpus_counter.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace full_w2v {
namespace {

constexpr char kByteOrderMark[] = "\xef\xbb\xbf";
constexpr size_t kLimitedCapacity = size_t{1} << 12;  // slots of a table that may not take much
constexpr size_t kQueuedBlocks = 16;                  // so that neither side often waits for the other
// Text that is fed comes in smaller blocks than files: it is still in the caches when it is counted.
constexpr size_t kFedBytes = 128u << 10;

// Blanks the byte order marks that lines begin with. Some editors put one at the start of a file, and where
// files were joined it precedes the first word of each; elsewhere in a line it belongs to a word.
void blank_marks(const TextSpan& text) {
  char* const end = text.data + text.size;
  const char* line = text.begins_line ? text.data : nullptr;  // where a line begins, marks apart
  char* at = text.data;
  while ((at = static_cast<char*>(std::memchr(at, kByteOrderMark[0], static_cast<size_t>(end - at))))) {
    const bool begins_line = at == line || (at > text.data && at[-1] == '\n');
    const bool is_mark = end - at >= 3 && std::memcmp(at, kByteOrderMark, 3) == 0;
    if (begins_line && is_mark) {
      std::memset(at, ' ', 3);
      line = at + 3;  // files that hold nothing else leave marks that follow one another
    }
    ++at;
  }
}

InvalidText located(const NotText& fault, const TextSpan& text, const Block& block) {
  InvalidText error;
  error.source = block.source;
  error.block = block.sequence;
  error.offset = text.offset + static_cast<int64_t>(fault.offset);
  error.byte = fault.byte;
  error.line = 1 + std::count(text.data, text.data + fault.offset, '\n');  // in its block
  return error;
}

}  // namespace

// Runs an action of the queue. What is wrong with a text is found in a block, whose lines begin at 1: the
// lines of earlier blocks are added here, when they are all counted.
template <class Action>
void CorpusCounter::with_lines(Action action) {
  try {
    action();
  } catch (InvalidText& error) {
    for (uint64_t block = 0; block < error.block; ++block) {
      if (records_[block].source == error.source) error.line += records_[block].lines;
    }
    throw;
  }
}

CorpusCounter::CorpusCounter(CounterSettings settings)
    : settings_(std::move(settings)),
      fed_bytes_(std::min(settings_.block_bytes, kFedBytes)),
      spill_(std::make_shared<Spill>(settings_.spill_memory, settings_.directory)),
      runs_(std::make_shared<WordRuns>(settings_.directory)),
      queue_(static_cast<size_t>(settings_.threads) + kQueuedBlocks) {
  const TextKernels& kernels = choose_text_kernels(settings_.simd);
  for (int i = 0; i < settings_.threads; ++i) {
    workers_.push_back(std::make_unique<Worker>(kernels));
    workers_.back()->table = tables_++;
    if (settings_.memory_limit > 0) workers_.back()->counter.table() = WordTable(kLimitedCapacity);
  }
}

CorpusCounter::~CorpusCounter() { stop(); }

void CorpusCounter::stop() {
  queue_.stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

// Threads start when there is something to count. Whoever feeds text is busy with it, most often with its
// decompression, and is one of them; but at least one other counts.
void CorpusCounter::start_threads(bool fed) {
  const int wanted = fed ? std::max(1, settings_.threads - 1) : settings_.threads;
  for (auto i = static_cast<uint32_t>(threads_.size()); i < static_cast<uint32_t>(wanted); ++i) {
    threads_.emplace_back(&CorpusCounter::work, this, i);
  }
}

void CorpusCounter::begin_source() {
  ++sources_;
  pending_.clear();
  pending_offset_ = 0;
  pending_begins_line_ = true;
  source_ended_ = false;
}

void CorpusCounter::add_file(const std::string& path, const Poll& poll) {
  const auto file = std::make_shared<const File>(File::open_for_reading(path));
  const int64_t size = file->size();
  const auto step = static_cast<int64_t>(settings_.block_bytes);
  for (int64_t offset = 0; offset < size; offset += step) {
    Block block;
    block.offset = offset;
    block.size = std::min(step, size - offset);
    block.file = file;
    block.file_size = size;
    block.ends_source = source_ended_ = offset + step >= size;
    push(std::move(block), poll);
  }
}

void CorpusCounter::feed(const char* text, size_t size, const Poll& poll) {
  while (size > 0) {
    const size_t before = pending_.size();
    const size_t room = before < fed_bytes_ ? fed_bytes_ - before : fed_bytes_;
    const size_t taken = std::min(size, room);
    pending_.append(text, taken);
    text += taken;
    size -= taken;
    if (pending_.size() < fed_bytes_) return;
    if (const size_t whole = whole_tokens(pending_, before)) push_text(whole, false, poll);
  }
}

void CorpusCounter::feed_tokens(TokenBlock tokens, const Poll& poll) {
  Block block;
  block.is_tokens = true;
  block.tokens = std::move(tokens);
  push(std::move(block), poll);
}

void CorpusCounter::end_source(const Poll& poll) {
  if (!source_ended_) push_text(pending_.size(), true, poll);
}

std::unique_ptr<CountedWords> CorpusCounter::finish(const Poll& poll) {
  with_lines([&] { queue_.wait_until_done(poll); });
  stop();
  std::vector<BlockRecord> records(records_.begin(), records_.end());
  if (!runs_->empty()) {
    for (const auto& worker : workers_) put_aside(*worker);
    workers_.clear();
    return std::make_unique<CountedWords>(std::move(runs_), settings_.min_count, settings_.only,
                                          std::move(records), spill_, poll);
  }
  std::vector<WordTable> tables;
  for (const auto& worker : workers_) tables.push_back(std::move(worker->counter.table()));
  workers_.clear();
  return std::make_unique<CountedWords>(std::move(tables), std::move(records), spill_, poll);
}

// Pushes the first `size` bytes of the pending text.
void CorpusCounter::push_text(size_t size, bool ends_source, const Poll& poll) {
  if (size > std::numeric_limits<uint32_t>::max() - TokenCounter::kPadding) {
    throw FileError("the corpus", "holds a token of more than 4 GiB");
  }
  Block block;
  block.offset = pending_offset_;
  block.begins_line = pending_begins_line_;
  block.ends_source = ends_source;
  block.text = take_buffer();
  block.text.assign(pending_, size);  // the rest: what follows the last white space
  block.text.swap(pending_);
  block.text.resize(size);
  if (size > 0) pending_begins_line_ = block.text.back() == '\n';
  pending_offset_ += static_cast<int64_t>(size);
  push(std::move(block), poll);
}

std::string CorpusCounter::take_buffer() {
  std::string buffer;
  const std::lock_guard<std::mutex> lock(spare_mutex_);
  if (!spare_.empty()) {
    buffer = std::move(spare_.back());
    spare_.pop_back();
  } else {
    buffer.reserve(fed_bytes_ + TokenCounter::kPadding);
  }
  return buffer;
}

// Keeps a buffer, unless a long token has made it a large one.
void CorpusCounter::give_buffer(std::string buffer) {
  if (buffer.capacity() > 2 * (fed_bytes_ + TokenCounter::kPadding)) return;
  const std::lock_guard<std::mutex> lock(spare_mutex_);
  spare_.push_back(std::move(buffer));
}

void CorpusCounter::push(Block block, const Poll& poll) {
  start_threads(block.file == nullptr);
  block.source = sources_ - 1;
  {
    const std::lock_guard<std::mutex> lock(records_mutex_);
    block.sequence = records_.size();
    records_.emplace_back();
    records_.back().source = block.source;
  }
  with_lines([&] { queue_.push(std::move(block), poll); });
}

void CorpusCounter::work(uint32_t thread) {
  Block block;
  while (queue_.pop(block)) {
    try {
      BlockRecord* record;
      {
        const std::lock_guard<std::mutex> lock(records_mutex_);
        record = &records_[block.sequence];
      }
      count(*workers_[thread], block, *record);
      queue_.done();
    } catch (...) {
      queue_.fail(block.sequence, std::current_exception());
    }
  }
}

void CorpusCounter::count(Worker& worker, Block& block, BlockRecord& record) {
  CountedBlock& counted = worker.counted;
  record.table = worker.table;
  record.first_word = worker.counter.table().size();
  if (block.file) {
    count_text(worker, read_block(block, worker.buffer), block);
  } else if (!block.is_tokens) {
    const size_t size = block.text.size();
    block.text.append(TokenCounter::kPadding, ' ');
    count_text(worker, {block.text.data(), size, block.offset, block.begins_line}, block);
    give_buffer(std::move(block.text));
  } else {
    worker.counter.count_tokens(block.tokens, counted);
  }
  record.last_word = worker.counter.table().size();
  record.lines = static_cast<uint32_t>(counted.ends.size());
  record.ends_source = block.ends_source;
  if (block.ends_source) counted.ends.push(static_cast<uint32_t>(counted.ids.size()));
  record.tokens = static_cast<uint32_t>(counted.ids.size());
  record.ends = static_cast<uint32_t>(counted.ends.size());
  record.ids_at = spill_->append(counted.ids.data(), counted.ids.size());
  record.ends_at = spill_->append(counted.ends.data(), counted.ends.size());
  if (settings_.memory_limit == 0) return;
  worker.appearances.push_back({block.sequence, record.last_word});
  // A table that grows is for a moment there twice, once of double size.
  const size_t share = settings_.memory_limit / static_cast<size_t>(settings_.threads);
  if (worker.counter.table().memory() > share / 3) put_aside(worker);
}

// Moves a thread's table to the runs and begins a new one.
void CorpusCounter::put_aside(Worker& worker) {
  runs_->add(worker.table, worker.counter.table(), worker.appearances);
  worker.counter.table() = WordTable(kLimitedCapacity);
  worker.appearances.clear();
  worker.table = tables_++;
}

void CorpusCounter::count_text(Worker& worker, TextSpan text, const Block& block) {
  blank_marks(text);
  try {
    worker.counter.count_text(text.data, text.size, settings_.errors, worker.counted);
  } catch (const NotText& fault) {
    throw located(fault, text, block);
  }
  bytes_counted_ += static_cast<int64_t>(text.size);
}

}  // namespace full_w2v
