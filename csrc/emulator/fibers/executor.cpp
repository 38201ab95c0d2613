#include "emulator/fibers/executor.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "emulator/fibers/observer.h"
#include "emulator/settings.h"

namespace emulator {
namespace {

constexpr size_t kStackBytes = size_t{128} << 10;

// Stacks are kept for the next launch: only the pages that a thread touched take memory.
class StackPool {
 public:
  char* take() {
    if (free_.empty()) grow();
    char* stack = free_.back();
    free_.pop_back();
    return stack;
  }
  void give_back(char* stack) { free_.push_back(stack); }

 private:
  void grow() {
    constexpr size_t kStacks = 64;
    void* memory = mmap(nullptr, kStacks * kStackBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    for (size_t i = kStacks; i-- > 0;) free_.push_back(static_cast<char*>(memory) + i * kStackBytes);
  }
  std::vector<char*> free_;
};

StackPool& stacks() {
  static StackPool pool;
  return pool;
}

uint64_t volume(const dim3& size) { return uint64_t{size.x} * size.y * size.z; }

uint3 index_in(const dim3& size, uint64_t linear) {
  const uint64_t plane = linear / size.x;
  return {static_cast<unsigned>(linear % size.x), static_cast<unsigned>(plane % size.y),
          static_cast<unsigned>(plane / size.y)};
}

const char* name(Meeting kind) {
  switch (kind) {
    case Meeting::shuffle:
      return "shuffle";
    case Meeting::ballot:
      return "ballot";
    case Meeting::matrix:
      return "matrix product";
    default:
      return "__syncwarp";
  }
}

std::string lanes_text(uint32_t mask) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", mask);
  return text;
}

std::string where(const Thread& thread) {
  const Block& block = *thread.warp->block;
  return "block " + std::to_string(block.index.x) + " thread " + std::to_string(thread.index.x);
}

Gathering& gathering_of(Warp& warp, uint32_t mask) {
  for (auto& entry : warp.gatherings) {
    if (entry->mask == mask) return *entry;
  }
  warp.gatherings.push_back(std::make_unique<Gathering>());
  warp.gatherings.back()->mask = mask;
  return *warp.gatherings.back();
}

}  // namespace

bool Site::operator==(const Site& other) const {
  return line == other.line && (file == other.file || std::strcmp(file, other.file) == 0);
}

Executor& executor() {
  static Executor instance;
  return instance;
}

size_t Executor::stack_bytes() { return kStackBytes; }

uint32_t Executor::random() {  // xorshift64*, Vigna 2016
  random_state_ ^= random_state_ >> 12;
  random_state_ ^= random_state_ << 25;
  random_state_ ^= random_state_ >> 27;
  return static_cast<uint32_t>((random_state_ * 0x2545F4914F6CDD1Dull) >> 32);
}

std::optional<Fault> Executor::run(const Launch& launch) {
  launch_ = &launch;
  fault_.reset();
  const uint64_t seed = settings().seed;
  random_state_ = seed * 0x9E3779B97F4A7C15ull + 1;
  constexpr uint32_t kPreemptEvery[] = {0, 7, 64};
  preempt_every_ = seed ? kPreemptEvery[seed % 3] : 0;
  until_preemption_ = preempt_every_;
  prepare_slots();
  observer().begin(launch);
  const uint64_t blocks = volume(launch.grid);
  uint64_t started = 0;
  while (!fault_) {
    for (Block& block : slots_) {
      if (block.alive == 0 && started < blocks) start_block(block, started++);
    }
    note_resident();
    Thread* next = next_thread(Next::any_warp);
    if (next == nullptr) break;
    current_ = next;
    next->fiber.resume_from(main_);  // comes back when a block is done, or at a fault
    current_ = nullptr;
  }
  observer().end();
  for (Block& block : slots_) {
    for (Thread& thread : block.threads) stacks().give_back(thread.stack);
    std::free(block.shared);
  }
  slots_.clear();
  launch_ = nullptr;
  return fault_;
}

void Executor::note_resident() {
  const auto resident =
      std::count_if(slots_.begin(), slots_.end(), [](const Block& block) { return block.alive > 0; });
  most_resident_ = std::max<int64_t>(most_resident_, resident);
}

void Executor::prepare_slots() {
  const auto resident = std::min<uint64_t>(settings().resident_blocks, volume(launch_->grid));
  const auto threads = static_cast<uint32_t>(volume(launch_->block));
  slots_ = std::vector<Block>(resident);
  for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
    Block& block = slots_[slot];
    block.slot = slot;
    block.shared_bytes = launch_->shared_bytes;
    void* shared = nullptr;
    if (posix_memalign(&shared, 128, std::max<size_t>(block.shared_bytes, 1)) != 0) throw std::bad_alloc();
    block.shared = static_cast<char*>(shared);
    block.threads = std::vector<Thread>(threads);
    block.warps = std::vector<Warp>((threads + kWarpLanes - 1) / kWarpLanes);
    for (Thread& thread : block.threads) thread.stack = stacks().take();
  }
}

void Executor::start_block(Block& block, uint64_t index) {
  const uint3 at = index_in(launch_->grid, index);
  block.index = dim3(at.x, at.y, at.z);
  block.alive = static_cast<uint32_t>(block.threads.size());
  block.arrived = 0;
  std::memset(block.shared, 0xff, block.shared_bytes);  // every float of it is a NaN
  for (uint32_t w = 0; w < block.warps.size(); ++w) {
    block.warps[w].block = &block;
    start_warp(block.warps[w], w);
  }
  redraw(block);
  observer().block_started(block);
}

void Executor::start_warp(Warp& warp, uint32_t index) {
  Block& block = *warp.block;
  const uint32_t first = index * kWarpLanes;
  const uint32_t count = std::min<uint32_t>(kWarpLanes, static_cast<uint32_t>(block.threads.size()) - first);
  warp.index = index;
  warp.threads = &block.threads[first];
  warp.lanes = warp.runnable = count == kWarpLanes ? ~0u : (1u << count) - 1;
  warp.rotation = 0;
  warp.gatherings.clear();
  for (uint32_t lane = 0; lane < count; ++lane) {
    Thread& thread = warp.threads[lane];
    thread.warp = &warp;
    thread.index = index_in(launch_->block, first + lane);
    thread.lane = lane;
    thread.done = false;
    // Stacks that begin at the same offset of a page would fight for the same lines of the cache.
    const size_t shift = ((first + lane) * 5 + block.slot * 3) % 31 * 192;
    thread.fiber.prepare(thread.stack, kStackBytes - shift, &Executor::thread_main);
  }
}

void Executor::thread_main() {
  Fiber::arrived();
  const Launch& launch = executor().launch();
  launch.invoke(launch.arguments.get());
  executor().finish_thread();
}

void Executor::finish_thread() {
  Thread& self = *current_;
  Warp& warp = *self.warp;
  Block& block = *warp.block;
  self.done = true;
  warp.runnable &= ~(1u << self.lane);
  --block.alive;
  if (block.arrived > 0) {
    fault(Fault::Kind::launch, where(self) + " returned while others wait at the __syncthreads() of " +
                                   block.barrier_site.text() + ": divergent barrier");
  }
  for (const auto& entry : warp.gatherings) {
    if (entry->arrived && (entry->mask >> self.lane & 1)) {
      fault(Fault::Kind::launch, where(self) + " returned while lanes " + lanes_text(entry->arrived) +
                                     " wait for it at the " + name(entry->kind) + " of " +
                                     entry->site.text());
    }
  }
  if (block.alive == 0) {
    observer().block_finished(block);
    main_.resume_from(self.fiber);
  }
  leave(Next::same_warp);
}

// Continues another thread; returns when this one's turn comes again.
void Executor::leave(Next choice) {
  Thread& self = *current_;
  Thread* next = next_thread(choice);
  if (next == nullptr) fault_deadlock();
  if (next == &self) return;
  current_ = next;
  next->fiber.resume_from(self.fiber);
}

Thread* Executor::next_thread(Next choice) {
  Warp* warp = current_ ? current_->warp : nullptr;
  if (choice != Next::same_warp || warp == nullptr || warp->runnable == 0) {
    Warp* other = highest_warp(choice == Next::other_warp ? warp : nullptr);
    if (other != nullptr) warp = other;
  }
  if (warp == nullptr || warp->runnable == 0) return nullptr;
  const uint32_t turn = warp->rotation;
  const uint32_t rotated =
      turn ? (warp->runnable >> turn | warp->runnable << (kWarpLanes - turn)) : warp->runnable;
  return &warp->threads[(static_cast<uint32_t>(__builtin_ctz(rotated)) + turn) % kWarpLanes];
}

Warp* Executor::highest_warp(const Warp* but_not) {
  Warp* best = nullptr;
  for (Block& block : slots_) {
    for (Warp& warp : block.warps) {
      if (warp.runnable == 0 || &warp == but_not) continue;
      if (best == nullptr || warp.priority > best->priority) best = &warp;
    }
  }
  return best;
}

void Executor::redraw(Block& block) {
  if (settings().seed == 0) return;
  for (Warp& warp : block.warps) warp.priority = random();
}

const uint64_t* Executor::meet(Meeting kind, uint32_t mask, uint64_t value, Site site) {
  Thread& self = *current_;
  Warp& warp = *self.warp;
  if (!(mask >> self.lane & 1)) {
    fault(Fault::Kind::launch, where(self) + " is not in the mask " + lanes_text(mask) + " of its own " +
                                   name(kind) + " at " + site.text());
  }
  Gathering& gathering = gathering_of(warp, mask);
  if (gathering.arrived == 0) {
    gathering.kind = kind;
    gathering.site = site;
  } else if (gathering.kind != kind || !(gathering.site == site)) {
    fault(Fault::Kind::launch, where(self) + " is at the " + name(kind) + " of " + site.text() +
                                   " while lanes " + lanes_text(gathering.arrived) +
                                   " of its warp are at the " + name(gathering.kind) + " of " +
                                   gathering.site.text());
  }
  uint64_t* values = gathering.values[gathering.generation & 1];
  values[self.lane] = value;
  gathering.arrived |= 1u << self.lane;
  if (gathering.arrived == mask) {
    gathering.arrived = 0;
    ++gathering.generation;
    warp.runnable |= mask;
    if (kind == Meeting::warp_barrier && mask == warp.lanes) ++warp.epoch;
    if (preempt_every_) warp.rotation = random() % kWarpLanes;
    observer().lanes_met(warp, kind);
    maybe_preempt();
  } else {
    self.waits_at = site;
    warp.runnable &= ~(1u << self.lane);
    leave(Next::same_warp);
  }
  return values;
}

void Executor::maybe_preempt() {
  if (preempt_every_ == 0 || --until_preemption_ > 0) return;
  until_preemption_ = preempt_every_;
  current_->warp->priority = random();
  leave(Next::other_warp);
}

void Executor::block_barrier(Site site) {
  Thread& self = *current_;
  Block& block = *self.warp->block;
  if (block.alive != block.threads.size()) {
    fault(Fault::Kind::launch, where(self) + " waits at the __syncthreads() of " + site.text() + " but " +
                                   std::to_string(block.threads.size() - block.alive) +
                                   " threads of its block have returned: divergent barrier");
  }
  if (block.arrived == 0) {
    block.barrier_site = site;
  } else if (!(block.barrier_site == site)) {
    fault(Fault::Kind::launch, where(self) + " is at the __syncthreads() of " + site.text() +
                                   " while others are at that of " + block.barrier_site.text() +
                                   ": divergent barrier");
  }
  self.waits_at = site;
  self.warp->runnable &= ~(1u << self.lane);
  const bool last = ++block.arrived == block.threads.size();
  if (last) release_barrier(block);
  leave(last ? Next::any_warp : Next::same_warp);
}

void Executor::release_barrier(Block& block) {
  block.arrived = 0;
  ++block.barriers;
  for (Warp& warp : block.warps) warp.runnable = warp.lanes;
  redraw(block);
  observer().barrier_passed(block);
}

void Executor::fault_deadlock() {
  std::string text = "deadlock: no thread can go on";
  int listed = 0;
  for (const Block& block : slots_) {
    for (const Thread& thread : block.threads) {
      if (block.alive == 0 || thread.done || ++listed > 4) continue;
      text += "; " + where(thread) + " waits at " + thread.waits_at.text();
    }
  }
  fault(Fault::Kind::launch, text);
}

void Executor::fault(Fault::Kind kind, const std::string& text) {
  fault_ = Fault{kind, text};
  main_.resume_from(current_->fiber);
  std::abort();  // the launch is over: nobody resumes its threads
}

}  // namespace emulator
