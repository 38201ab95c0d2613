#include "text/encoder.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "text/parallel.h"

namespace full_w2v {
namespace {

constexpr size_t kRoomBehind = 16;  // ids that TextKernels::rename may write too many

// A block as final ids.
struct RenamedBlock {
  FillArray<int32_t> ids;
  FillArray<uint32_t> ends;  // never falling: sentences without an id are still there
  FillArray<KeptIds> kept;
};

void rename_block(const uint32_t* ids, const uint32_t* ends, size_t sentences, const BlockRecord& block,
                  const int32_t* renaming, const TextKernels& kernels, RenamedBlock& out) {
  out.ids.restart(block.tokens + kRoomBehind);
  out.kept.restart(block.tokens / kIdsAtOnce + 1);
  out.ends.restart(sentences);
  const int32_t* const end = kernels.rename(ids, block.tokens, renaming, out.ids.data(), out.kept.data());
  out.ids.resize(static_cast<size_t>(end - out.ids.data()));
  kernels.move_ends(out.kept.data(), ends, sentences, out.ends.data());
  out.ends.resize(sentences);
}

// Where each block begins in its source, in tokens.
std::vector<int64_t> starts_in_source(const std::vector<BlockRecord>& blocks) {
  std::vector<int64_t> starts(blocks.size());
  for (size_t i = 1; i < blocks.size(); ++i) {
    const bool same = blocks[i].source == blocks[i - 1].source;
    starts[i] = same ? starts[i - 1] + blocks[i - 1].tokens : 0;
  }
  return starts;
}

// The ends of spans of `span` tokens in a block that begins at token `start` of its source.
void span_ends(const BlockRecord& block, int64_t start, int64_t span, std::vector<uint32_t>& ends) {
  ends.clear();
  for (int64_t end = span - start % span; end <= block.tokens; end += span) {
    ends.push_back(static_cast<uint32_t>(end));
  }
  if (block.ends_source) ends.push_back(block.tokens);
}

// The renamings of tables: one is made when its first block comes and freed behind its last, so that of many
// tables only a few are in memory.
class RenamedTables {
 public:
  RenamedTables(const CountedWords& words, const Renaming& places)
      : words_(words), places_(places), tables_(words.tables()), blocks_left_(words.tables()) {
    for (const BlockRecord& block : words.blocks()) ++blocks_left_[block.table];
  }

  // The renaming for one block; every block asks once.
  std::shared_ptr<const Renaming> take(uint32_t table) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!tables_[table]) tables_[table] = std::make_shared<const Renaming>(words_.rename(table, places_));
    std::shared_ptr<const Renaming> taken = tables_[table];
    if (--blocks_left_[table] == 0) tables_[table] = nullptr;
    return taken;
  }

 private:
  const CountedWords& words_;
  const Renaming& places_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const Renaming>> tables_;
  std::vector<size_t> blocks_left_;
};

class Encoder {
 public:
  Encoder(const CountedWords& words, const Renaming& places, const EncodedLayout& layout, int64_t span,
          const TextKernels& kernels, std::atomic<int64_t>& tokens_done)
      : words_(words),
        renamings_(words, places),
        layout_(layout),
        span_(span),
        kernels_(kernels),
        tokens_done_(tokens_done) {
    if (span_ > 0) starts_ = starts_in_source(words_.blocks());
  }

  // Encodes blocks until none is left; several threads may.
  void work() {
    std::vector<uint32_t> ids_scratch, ends_scratch;
    std::vector<int64_t> offsets;
    RenamedBlock renamed;
    for (size_t i; (i = next_block_++) < words_.blocks().size();) {
      const BlockRecord& block = words_.blocks()[i];
      const uint32_t* ids = words_.spill().read(block.ids_at, block.tokens, ids_scratch);
      if (span_ > 0) span_ends(block, starts_[i], span_, ends_scratch);
      const size_t sentences = span_ > 0 ? ends_scratch.size() : block.ends;
      const uint32_t* ends =
          span_ > 0 ? ends_scratch.data() : words_.spill().read(block.ends_at, block.ends, ends_scratch);
      const auto renaming = renamings_.take(block.table);
      rename_block(ids, ends, sentences, block, renaming->data(), kernels_, renamed);
      EncodedSize place{0, 0};
      if (!take_turn(i, renamed, place, offsets)) return;
      write(renamed, place, offsets);
      tokens_done_ += block.tokens;
    }
  }

  void stop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    turn_came_.notify_all();
  }

  EncodedSize size() const { return size_; }

 private:
  // Waits until all earlier blocks have their place; then gives this one its own, and the offsets of the
  // sentences that end in it. False if the work was stopped.
  bool take_turn(size_t block, RenamedBlock& renamed, EncodedSize& place, std::vector<int64_t>& offsets) {
    std::unique_lock<std::mutex> lock(mutex_);
    turn_came_.wait(lock, [&] { return turn_ == block || stopped_; });
    if (stopped_) return false;
    place = size_;
    offsets.clear();
    for (size_t i = 0; i < renamed.ends.size(); ++i) {
      const int64_t end = place.tokens + renamed.ends[i];
      if (end > last_end_) offsets.push_back(end);
      last_end_ = end;
    }
    size_.tokens += static_cast<int64_t>(renamed.ids.size());
    size_.sentences += static_cast<int64_t>(offsets.size());
    ++turn_;
    turn_came_.notify_all();
    return true;
  }

  void write(RenamedBlock& renamed, const EncodedSize& place, const std::vector<int64_t>& offsets) const {
    layout_.file.write_at(renamed.ids.data(), renamed.ids.size() * sizeof(int32_t),
                          layout_.ids_at + place.tokens * int64_t{sizeof(int32_t)});
    layout_.file.write_at(offsets.data(), offsets.size() * sizeof(int64_t),
                          layout_.offsets_at + (place.sentences + 1) * int64_t{sizeof(int64_t)});
  }

  const CountedWords& words_;
  RenamedTables renamings_;
  const EncodedLayout& layout_;
  const int64_t span_;
  const TextKernels& kernels_;
  std::vector<int64_t> starts_;  // where spans are sentences
  std::atomic<int64_t>& tokens_done_;
  std::atomic<size_t> next_block_{0};
  std::mutex mutex_;
  std::condition_variable turn_came_;
  size_t turn_ = 0;
  EncodedSize size_{0, 0};
  int64_t last_end_ = 0;
  bool stopped_ = false;
};

}  // namespace

EncodedSize encode(const CountedWords& words, const Renaming& places, const EncodedLayout& layout,
                   int64_t span, int threads, const TextKernels& kernels, std::atomic<int64_t>& tokens_done,
                   const Poll& poll) {
  constexpr int64_t kFirstOffset = 0;
  layout.file.write_at(&kFirstOffset, sizeof kFirstOffset, layout.offsets_at);
  Encoder encoder(words, places, layout, span, kernels, tokens_done);
  run_threads(threads, [&] { encoder.work(); }, [&] { encoder.stop(); }, poll);
  return encoder.size();
}

}  // namespace full_w2v
