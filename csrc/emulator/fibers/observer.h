// Watches what a launch does to memory: bounds, races in shared memory, traffic.
//
// The kernels are compiled with -fsanitize=thread, whose calls before every load and store come here instead
// of to ThreadSanitizer (tsan_hooks.cpp). So the kernel's source and types stay as nvcc sees them, and what
// is counted are the accesses that the optimiser left, as on a device.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "emulator/device_memory.h"
#include "emulator/fibers/executor.h"

namespace emulator {

enum class Access : uint32_t { load, store, atomic };

// Warp-wide requests of one kind. An ideal one of 32 lanes and 4 bytes each moves 128 bytes in 4 sectors.
// What several lanes load from one place is moved once.
struct Traffic {
  uint64_t instructions = 0;
  uint64_t bytes = 0;
  uint64_t sectors = 0;  // distinct 32-byte pieces a request touches; for shared memory: wavefronts
};

struct SpaceTraffic {
  Traffic load, store, atomic;

  Traffic& of(Access kind);
};

struct KernelCounters {
  uint64_t launches = 0;
  uint64_t block_barriers = 0;  // passed by a block
  uint64_t warp_barriers = 0;   // these three: passed by the lanes of a warp together
  uint64_t shuffles = 0;
  uint64_t ballots = 0;
  uint64_t bank_conflicts = 0;  // wavefronts beyond one per 128 bytes
  SpaceTraffic shared;
  std::map<uintptr_t, SpaceTraffic> global;  // by the base address of the allocation
};

class Observer {
 public:
  void begin(const Launch& launch);
  void end();
  void block_started(const Block& block);
  void block_finished(const Block& block);
  void barrier_passed(const Block& block);
  void lanes_met(const Warp& warp, Meeting kind);

  // One access of the running thread, from the code at `code`.
  void access(const void* address, uint32_t bytes, Access kind, const void* code);

  const std::map<const void*, KernelCounters>& counters() const { return counters_; }  // by kernel
  void reset_counters() { counters_.clear(); }

 private:
  // One instruction of a warp: the accesses that its lanes make at one place of the code, each for the same
  // time since they last met.
  struct Request {
    std::vector<uintptr_t> words;  // of 4 bytes, by address / 4; of shared memory, from its beginning
  };
  struct Place {
    Access kind = Access::load;
    uintptr_t allocation = 0;  // 0: shared memory
    uint32_t times[kWarpLanes] = {};
    std::vector<Request> requests;
  };
  using Requests = std::unordered_map<uintptr_t, Place>;

  // Who touched a word of shared memory since when. Reads are kept until a write.
  struct Word {
    int32_t writer = -1;  // thread of the block
    uint64_t write_barrier = 0, write_epoch = 0;
    const void* write_code = nullptr;
    uint64_t read_barrier = 0, read_epoch = 0;  // of the latest read
    uint32_t reading_warps = 0;                 // mask: warps that read since the last block barrier
    int32_t reading_warp = -1;                  // the latest, and
    uint32_t reading_lanes = 0;                 // its lanes that read since they last synchronised
    const void* read_code = nullptr;
  };

  void shared_access(const Thread& thread, uint32_t offset, uint32_t bytes, Access kind, const void* code);
  void check_word(Word& word, const Thread& thread, Access kind, const void* code);
  void record(const Thread& thread, uintptr_t allocation, uintptr_t address, uint32_t bytes, Access kind,
              const void* code);
  void flush(Requests& requests);
  void count(const Place& place, const Request& request);
  Requests& requests_of(const Warp& warp);
  [[noreturn]] void fault_address(const void* address, uint32_t bytes, Access kind, const void* code);

  bool checking_ = false, counting_ = false;
  KernelCounters* kernel_ = nullptr;
  std::map<const void*, KernelCounters> counters_;
  std::vector<std::vector<Requests>> pending_;  // by block slot and warp
  std::vector<std::vector<Word>> shadow_;       // by block slot and word
};

Observer& observer();

// True while a kernel runs under an observer that wants its accesses; read by every hook.
extern bool observing;

}  // namespace emulator
