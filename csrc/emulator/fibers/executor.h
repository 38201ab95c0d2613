// Runs one kernel launch: a fiber per CUDA thread, several blocks resident, on the calling OS thread.
//
// A warp runs until all its lanes wait or are done; then the warp with the highest priority runs. Priorities
// are drawn anew for a block's warps at each of its barriers, so that under some seed any warp runs ahead of
// any other as far as barriers let it. Within a warp a lane runs until it meets the others: the order of
// lanes is drawn anew at each meeting. Some seeds also leave a warp in the middle, as a device does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulator/fibers/fiber.h"
#include "emulator/fibers/vector_types.h"

namespace emulator {

constexpr uint32_t kWarpLanes = 32;

// A place in the kernel's source.
struct Site {
  const char* file = "";
  int line = 0;

  std::string text() const { return std::string(file) + ":" + std::to_string(line); }
  bool operator==(const Site& other) const;
};

// How the lanes of a warp meet.
enum class Meeting { shuffle, ballot, warp_barrier, matrix };

struct Block;
struct Warp;

struct Thread {
  Fiber fiber;
  Warp* warp = nullptr;
  uint3 index{};
  uint32_t lane = 0;
  bool done = false;
  Site waits_at;  // meaningful while it does not run
  char* stack = nullptr;
};

// The lanes of one mask that wait for each other, with a value from each. Two buffers: a lane may already
// bring its next value while others still read this one.
struct Gathering {
  uint32_t mask = 0;
  uint32_t arrived = 0;
  uint64_t generation = 0;
  Meeting kind = Meeting::shuffle;
  Site site;
  uint64_t values[2][kWarpLanes] = {};
};

struct Warp {
  Block* block = nullptr;
  Thread* threads = nullptr;
  uint32_t index = 0;
  uint32_t lanes = 0;     // mask of the lanes that exist
  uint32_t runnable = 0;  // mask of the lanes that neither wait nor are done
  uint32_t rotation = 0;  // the lane whose turn comes first
  uint32_t priority = 0;
  uint64_t epoch = 0;  // counts __syncwarp() of all lanes
  std::vector<std::unique_ptr<Gathering>> gatherings;
};

struct Block {
  dim3 index;
  uint32_t slot = 0;
  uint32_t alive = 0;
  uint32_t arrived = 0;  // threads that wait at the barrier
  Site barrier_site;
  uint64_t barriers = 0;  // passed so far
  char* shared = nullptr;
  size_t shared_bytes = 0;
  std::vector<Warp> warps;
  std::vector<Thread> threads;
};

struct Launch {
  dim3 grid, block;
  size_t shared_bytes = 0;
  const void* kernel = nullptr;     // its address, which names it
  void (*invoke)(void*) = nullptr;  // calls the kernel with the arguments
  std::shared_ptr<void> arguments;  // read by every thread, as a device's constant bank
  size_t argument_bytes = 0;
};

// Why a launch ended early.
struct Fault {
  enum class Kind { address, launch } kind = Kind::launch;
  std::string text;
};

class Executor {
 public:
  // Runs all blocks of the launch, or returns the fault that stopped it.
  std::optional<Fault> run(const Launch& launch);

  // The most blocks that ran at a time, since the last forget_resident().
  int64_t most_resident() const { return most_resident_; }
  void forget_resident() { most_resident_ = 0; }

  // For the built-ins: what the running thread is and where it meets others.
  Thread* current() const { return current_; }
  const Launch& launch() const { return *launch_; }
  static size_t stack_bytes();
  const uint64_t* meet(Meeting kind, uint32_t mask, uint64_t value, Site site);
  void block_barrier(Site site);
  [[noreturn]] void fault(Fault::Kind kind, const std::string& text);

 private:
  static void thread_main();
  void start_block(Block& block, uint64_t index);
  void start_warp(Warp& warp, uint32_t index);
  void finish_thread();
  enum class Next { same_warp, other_warp, any_warp };  // what runs on, if it can
  void leave(Next choice);
  Thread* next_thread(Next choice);
  Warp* highest_warp(const Warp* but_not);
  void redraw(Block& block);
  void release_barrier(Block& block);
  void maybe_preempt();
  [[noreturn]] void fault_deadlock();
  uint32_t random();
  void prepare_slots();
  void note_resident();

  const Launch* launch_ = nullptr;
  Thread* current_ = nullptr;
  Fiber main_;
  std::vector<Block> slots_;
  std::optional<Fault> fault_;
  int64_t most_resident_ = 0;
  uint64_t random_state_ = 0;
  uint32_t preempt_every_ = 0;  // meetings; 0 never
  uint32_t until_preemption_ = 0;
};

Executor& executor();

}  // namespace emulator
