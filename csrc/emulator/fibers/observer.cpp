#include "emulator/fibers/observer.h"

#include <algorithm>

#include "emulator/loaded_module.h"
#include "emulator/requests.h"
#include "emulator/settings.h"

namespace emulator {
namespace {

const char* name(Access kind) {
  switch (kind) {
    case Access::load:
      return "load";
    case Access::store:
      return "store";
    default:
      return "atomic";
  }
}

bool within(const void* address, const void* base, size_t bytes) {
  const auto at = reinterpret_cast<uintptr_t>(address), first = reinterpret_cast<uintptr_t>(base);
  return at - first < bytes;
}

std::vector<uintptr_t> without_repeats(std::vector<uintptr_t> values) {
  values.resize(distinct(values.data(), values.size()));
  return values;
}

uint64_t sectors(const std::vector<uintptr_t>& distinct_words) {
  std::vector<uintptr_t> touched;
  for (const uintptr_t word : distinct_words) touched.push_back(word * kWordBytes / kSectorBytes);
  return distinct(touched.data(), touched.size());
}

void add(Traffic& traffic, uint64_t bytes, uint64_t sectors) {
  ++traffic.instructions;
  traffic.bytes += bytes;
  traffic.sectors += sectors;
}

}  // namespace

bool observing = false;

Observer& observer() {
  static Observer instance;
  return instance;
}

Traffic& SpaceTraffic::of(Access kind) {
  switch (kind) {
    case Access::load:
      return load;
    case Access::store:
      return store;
    default:
      return atomic;
  }
}

void Observer::begin(const Launch& launch) {
  checking_ = settings().check;
  counting_ = settings().count;
  observing = checking_ || counting_;
  if (counting_) {
    kernel_ = &counters_[launch.kernel];
    ++kernel_->launches;
  }
}

void Observer::end() {
  for (auto& block : pending_) {
    for (Requests& requests : block) flush(requests);
  }
  pending_.clear();
  shadow_.clear();
  observing = false;
  kernel_ = nullptr;
}

void Observer::block_started(const Block& block) {
  if (checking_) {
    if (shadow_.size() <= block.slot) shadow_.resize(block.slot + 1);
    shadow_[block.slot].assign((block.shared_bytes + kWordBytes - 1) / kWordBytes, Word{});
  }
  if (counting_) {
    if (pending_.size() <= block.slot) pending_.resize(block.slot + 1);
    pending_[block.slot].resize(block.warps.size());
  }
}

void Observer::block_finished(const Block& block) {
  if (!counting_) return;
  for (Requests& requests : pending_[block.slot]) flush(requests);
}

void Observer::barrier_passed(const Block& block) {
  if (!counting_) return;
  ++kernel_->block_barriers;
  for (Requests& requests : pending_[block.slot]) flush(requests);
}

void Observer::lanes_met(const Warp& warp, Meeting kind) {
  if (!counting_) return;
  kernel_->shuffles += kind == Meeting::shuffle;
  kernel_->ballots += kind == Meeting::ballot;
  kernel_->warp_barriers += kind == Meeting::warp_barrier;
  flush(requests_of(warp));
}

Observer::Requests& Observer::requests_of(const Warp& warp) { return pending_[warp.block->slot][warp.index]; }

void Observer::access(const void* address, uint32_t bytes, Access kind, const void* code) {
  const Thread* thread = executor().current();
  if (thread == nullptr || within(address, thread->stack, executor().stack_bytes())) return;
  const Block& block = *thread->warp->block;
  const Launch& launch = executor().launch();
  if (within(address, block.shared, block.shared_bytes)) {
    const auto offset = static_cast<uint32_t>(static_cast<const char*>(address) - block.shared);
    if (offset + bytes > block.shared_bytes) fault_address(address, bytes, kind, code);
    shared_access(*thread, offset, bytes, kind, code);
  } else if (const Allocation* allocation = device_memory().find(address)) {
    if (!allocation->holds(static_cast<const char*>(address), bytes))
      fault_address(address, bytes, kind, code);
    if (counting_) {
      record(*thread, reinterpret_cast<uintptr_t>(allocation->base), reinterpret_cast<uintptr_t>(address),
             bytes, kind, code);
    }
  } else {
    // A kernel's arguments and constants are readable; everything else is the host's.
    const bool constant =
        within(address, launch.arguments.get(), launch.argument_bytes) || in_this_module(address);
    if (kind != Access::load || !constant) fault_address(address, bytes, kind, code);
  }
}

void Observer::shared_access(const Thread& thread, uint32_t offset, uint32_t bytes, Access kind,
                             const void* code) {
  const uint32_t first = offset / kWordBytes, last = (offset + bytes - 1) / kWordBytes;
  if (checking_ && kind != Access::atomic) {  // atomics do not race with each other
    auto& words = shadow_[thread.warp->block->slot];
    for (uint32_t word = first; word <= last; ++word) check_word(words[word], thread, kind, code);
  }
  if (counting_) record(thread, 0, offset, bytes, kind, code);
}

// Two accesses of different threads, one of them a write, must have a barrier of the block between them, or a
// __syncwarp() if both threads are of one warp. Shuffles and ballots order no memory.
void Observer::check_word(Word& word, const Thread& thread, Access kind, const void* code) {
  const Warp& warp = *thread.warp;
  const uint64_t barrier = warp.block->barriers;
  const auto self = static_cast<int32_t>(warp.index * kWarpLanes + thread.lane);
  const auto warp_index = static_cast<int32_t>(warp.index);
  const bool same_warp_wrote =
      word.writer >= 0 && word.writer / static_cast<int32_t>(kWarpLanes) == warp_index;
  const bool unordered_write = word.writer >= 0 && word.writer != self && word.write_barrier == barrier &&
                               !(same_warp_wrote && word.write_epoch != warp.epoch);
  const bool reads_count = word.reading_warp >= 0 && word.read_barrier == barrier;
  const bool other_warp_read = reads_count && (word.reading_warps & ~(1u << warp.index)) != 0;
  const bool other_lane_read = reads_count && word.reading_warp == warp_index &&
                               word.read_epoch == warp.epoch &&
                               (word.reading_lanes & ~(1u << thread.lane)) != 0;
  if (unordered_write || (kind != Access::load && (other_warp_read || other_lane_read))) {
    executor().fault(
        Fault::Kind::launch,
        std::string("race in shared memory: ") + name(kind) + " of thread " + std::to_string(self) + " at " +
            source_of(code) + " and " + (unordered_write ? "store" : "load") + " of another thread at " +
            source_of(unordered_write ? word.write_code : word.read_code) + " have no barrier between them");
  }
  if (kind != Access::load) {
    word = Word{};
    word.writer = self;
    word.write_barrier = barrier;
    word.write_epoch = warp.epoch;
    word.write_code = code;
    return;
  }
  if (!reads_count) word.reading_warps = 0;
  if (!reads_count || word.reading_warp != warp_index || word.read_epoch != warp.epoch)
    word.reading_lanes = 0;
  word.reading_warps |= 1u << warp.index;
  word.reading_lanes |= 1u << thread.lane;
  word.reading_warp = warp_index;
  word.read_barrier = barrier;
  word.read_epoch = warp.epoch;
  word.read_code = code;
}

void Observer::record(const Thread& thread, uintptr_t allocation, uintptr_t address, uint32_t bytes,
                      Access kind, const void* code) {
  constexpr uintptr_t kKinds = 4;
  const uintptr_t at = reinterpret_cast<uintptr_t>(code) * kKinds + static_cast<uintptr_t>(kind);
  Place& place = requests_of(*thread.warp)[at ^ allocation << 8];
  place.kind = kind;
  place.allocation = allocation;
  const uint32_t time = place.times[thread.lane]++;
  if (place.requests.size() <= time) place.requests.resize(time + 1);
  for (uintptr_t word = address / kWordBytes; word * kWordBytes < address + bytes; ++word) {
    place.requests[time].words.push_back(word);
  }
}

void Observer::flush(Requests& requests) {
  for (auto& entry : requests) {
    for (const Request& request : entry.second.requests) count(entry.second, request);
  }
  requests.clear();
}

void Observer::count(const Place& place, const Request& request) {
  const std::vector<uintptr_t> words = without_repeats(request.words);
  // Loads of one word by several lanes are one; each atomic is its own.
  const uint64_t bytes = (place.kind == Access::atomic ? request.words : words).size() * kWordBytes;
  if (place.allocation != 0) {
    add(kernel_->global[place.allocation].of(place.kind), bytes, sectors(words));
    return;
  }
  const uint64_t taken = wavefronts(words.data(), words.size());
  add(kernel_->shared.of(place.kind), bytes, taken);
  kernel_->bank_conflicts += taken - (words.size() * kWordBytes + kWavefrontBytes - 1) / kWavefrontBytes;
}

void Observer::fault_address(const void* address, uint32_t bytes, Access kind, const void* code) {
  const Thread& thread = *executor().current();
  executor().fault(Fault::Kind::address,
                   std::string(name(kind)) + " of " + std::to_string(bytes) + " bytes out of bounds at " +
                       source_of(code) + " by block " + std::to_string(thread.warp->block->index.x) +
                       " thread " + std::to_string(thread.index.x) +
                       (device_memory().find(address) ||
                                within(address, thread.warp->block->shared, thread.warp->block->shared_bytes)
                            ? " (runs over the end)"
                            : " (no device memory is there)"));
}

}  // namespace emulator
