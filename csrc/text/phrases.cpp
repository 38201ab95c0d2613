#include "text/phrases.h"

#include <algorithm>
#include <mutex>
#include <tuple>

#include "text/parallel.h"
#include "text/token_key.h"

namespace full_w2v {
namespace {

constexpr int64_t kTokensAtOnce = 1 << 16;  // between looks at whether to stop

uint64_t pair_key(int32_t first, int32_t second) {
  return static_cast<uint64_t>(static_cast<uint32_t>(first)) << 32 | static_cast<uint32_t>(second);
}

// Counts of pairs: open addressing, at most half full. No pair's key is kEmpty, as ids are not negative.
class PairTable {
 public:
  PairTable() : slots_(kFirstCapacity) {}

  void add(uint64_t key, uint64_t hash) {
    for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[at];
      if (slot.key == key) {
        ++slot.count;
        return;
      }
      if (slot.key == kEmpty) {
        slot = {key, 1};
        if (2 * ++size_ > slots_.size()) grow();
        return;
      }
    }
  }

  size_t size() const { return size_; }

  template <class Take>
  void each(Take take) const {
    for (const Slot& slot : slots_) {
      if (slot.key != kEmpty) take(slot.key, slot.count);
    }
  }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  static constexpr size_t kFirstCapacity = size_t{1} << 10;

  struct Slot {
    uint64_t key = kEmpty;
    int64_t count = 0;
  };

  void grow() {
    std::vector<Slot> smaller(2 * slots_.size());
    smaller.swap(slots_);
    for (const Slot& slot : smaller) {
      if (slot.key == kEmpty) continue;
      size_t at = fold(slot.key, 0) & (slots_.size() - 1);
      while (slots_[at].key != kEmpty) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_;
  size_t size_ = 0;
};

// Counts the pairs whose hash falls into one of `parts` parts.
void count_part(const CorpusView& corpus, uint64_t part, uint64_t parts, const std::atomic<bool>& stopped,
                std::atomic<int64_t>& tokens_done, PairTable& table) {
  int64_t reported = 0;
  for (int64_t sentence = 0; sentence < corpus.sentences; ++sentence) {
    const int64_t end = corpus.offsets[sentence + 1];
    for (int64_t i = corpus.offsets[sentence] + 1; i < end; ++i) {
      if (i - reported >= kTokensAtOnce) {
        if (stopped) return;
        tokens_done += i - reported;
        reported = i;
      }
      const uint64_t key = pair_key(corpus.ids[i - 1], corpus.ids[i]);
      const uint64_t hash = fold(key, 0);
      if ((hash >> 40) % parts == part) table.add(key, hash);
    }
  }
  tokens_done += corpus.offsets[corpus.sentences] - reported;
}

}  // namespace

std::vector<PairCount> count_pairs(const CorpusView& corpus, int64_t min_count, int threads, int64_t parts,
                                   int64_t& all_pairs, std::atomic<int64_t>& tokens_done, const Poll& poll) {
  std::vector<PairCount> frequent;
  std::mutex mutex;
  std::atomic<int64_t> next_part{0};
  std::atomic<bool> stopped{false};
  all_pairs = 0;
  const auto work = [&] {
    for (int64_t part; (part = next_part++) < parts && !stopped;) {
      PairTable table;
      count_part(corpus, static_cast<uint64_t>(part), static_cast<uint64_t>(parts), stopped, tokens_done,
                 table);
      const std::lock_guard<std::mutex> lock(mutex);
      all_pairs += static_cast<int64_t>(table.size());
      table.each([&](uint64_t key, int64_t count) {
        if (count >= min_count) {
          frequent.push_back(
              {static_cast<int32_t>(key >> 32), static_cast<int32_t>(key & 0xffffffffu), count});
        }
      });
    }
  };
  run_threads(threads, work, [&] { stopped = true; }, poll);
  std::sort(frequent.begin(), frequent.end(), [](const PairCount& a, const PairCount& b) {
    return std::tie(a.first, a.second) < std::tie(b.first, b.second);
  });
  return frequent;
}

int64_t join_pairs(const int32_t* ids, int64_t count, const JoinedPairs& pairs, int32_t* out,
                   const Poll& poll) {
  int64_t written = 0, next_poll = kTokensAtOnce;
  for (int64_t i = 0; i < count; ++i) {
    if (i >= next_poll) {
      poll();
      next_poll = i + kTokensAtOnce;
    }
    const auto joined = i + 1 < count ? pairs.find(pair_key(ids[i], ids[i + 1])) : pairs.end();
    if (joined == pairs.end()) {
      out[written++] = ids[i];
    } else {
      out[written++] = joined->second;
      ++i;
    }
  }
  return written;
}

}  // namespace full_w2v
