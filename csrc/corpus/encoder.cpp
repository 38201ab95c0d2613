#include "corpus/encoder.h"

#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "corpus/parallel.h"

namespace full_w2v {
namespace {

// A block as final ids.
struct RenamedBlock {
  FillArray<int32_t> ids;
  FillArray<uint32_t> ends;  // rising but for the first, which may be 0
};

// Renames the ids from `first` to `last` and leaves out the dropped ones; returns one past the last written.
int32_t* rename_ids(const uint32_t* first, const uint32_t* last, const int32_t* renaming, int32_t* out) {
  for (; first < last; ++first) {  // without branches: a dropped id is overwritten by the next one
    const int32_t id = renaming[*first];
    *out = id;
    out += id >= 0;
  }
  return out;
}

void rename_block(const uint32_t* ids, const uint32_t* ends, const BlockRecord& block,
                  const int32_t* renaming, RenamedBlock& out) {
  out.ids.restart(block.tokens + 1);
  out.ends.restart(block.ends);
  int32_t* const begin = out.ids.data();
  int32_t* next = begin;
  uint32_t token = 0;
  for (uint32_t i = 0; i < block.ends; token = ends[i++]) {
    next = rename_ids(ids + token, ids + ends[i], renaming, next);
    const auto end = static_cast<uint32_t>(next - begin);
    if (out.ends.size() == 0 || out.ends[out.ends.size() - 1] != end) out.ends.push(end);
  }
  next = rename_ids(ids + token, ids + block.tokens, renaming, next);
  out.ids.resize(static_cast<size_t>(next - begin));
}

class Encoder {
 public:
  Encoder(const CountedWords& words, const Renaming& renaming, const EncodedLayout& layout,
          std::atomic<int64_t>& tokens_done)
      : words_(words), renaming_(renaming), layout_(layout), tokens_done_(tokens_done) {}

  // Encodes blocks until none is left; several threads may.
  void work() {
    std::vector<uint32_t> ids_scratch, ends_scratch;
    std::vector<int64_t> offsets;
    RenamedBlock renamed;
    for (size_t i; (i = next_block_++) < words_.blocks().size();) {
      const BlockRecord& block = words_.blocks()[i];
      const uint32_t* ids = words_.spill().read(block.ids_at, block.tokens, ids_scratch);
      const uint32_t* ends = words_.spill().read(block.ends_at, block.ends, ends_scratch);
      rename_block(ids, ends, block, renaming_[block.thread].data(), renamed);
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
  const Renaming& renaming_;
  const EncodedLayout& layout_;
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

EncodedSize encode(const CountedWords& words, const Renaming& renaming, const EncodedLayout& layout,
                   int threads, std::atomic<int64_t>& tokens_done, const Poll& poll) {
  constexpr int64_t kFirstOffset = 0;
  layout.file.write_at(&kFirstOffset, sizeof kFirstOffset, layout.offsets_at);
  Encoder encoder(words, renaming, layout, tokens_done);
  run_threads(threads, [&] { encoder.work(); }, [&] { encoder.stop(); }, poll);
  return encoder.size();
}

}  // namespace full_w2v
