// Runs kernels from their PTX, a warp as 32 lanes that step together, and counts what each instruction does.
//
// Lanes that a branch parts go on with the lowest instruction first, and step together again where they meet.
// What waits for all lanes (shuffles, votes, bar.warp.sync) waits until all that are left have come.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "emulator/fibers/executor.h"
#include "emulator/fibers/observer.h"
#include "emulator/ptx/program.h"

namespace emulator::ptx {

// Sums over the warps of a kernel's launches.
struct Counters {
  uint64_t launches = 0;
  uint64_t instructions[kClasses] = {};  // by Class, each counted once for the warp
  uint64_t lanes[kClasses] = {};         // that were active in them
  uint64_t bank_conflicts = 0;           // wavefronts beyond the fewest that the bytes need
  SpaceTraffic shared;
  std::map<uintptr_t, SpaceTraffic> global;  // by the base address of the allocation
};

using Lanes = uint64_t[kLanes];

class WarpState {
 public:
  WarpState(const Kernel& kernel, const char* parameters, char* shared, size_t shared_bytes,
            Counters& counters);

  void start(uint32_t index, uint32_t threads, uint32_t block, uint32_t blocks);
  // Steps until the warp is at a barrier of the block or done.
  void run();
  bool done() const { return alive_ == 0; }
  void pass_barrier() { at_barrier_ = false; }

  // For the actions.
  Lanes& value(int number) { return registers_[static_cast<size_t>(number)].lane; }
  uint32_t& predicate(int number) { return predicates_[static_cast<size_t>(number)]; }
  uint32_t alive() const { return alive_; }
  const char* parameters(uint64_t offset, uint32_t bytes) const;
  char* local(int lane, uint64_t offset, uint32_t bytes);
  // Addresses of a request, checked and counted.
  void shared_request(const Instruction& one, uint32_t mask, uint32_t bytes, Access access, char** at);
  void global_request(const Instruction& one, uint32_t mask, uint32_t bytes, Access access, char** at);
  uint64_t shared_base() const { return reinterpret_cast<uint64_t>(shared_); }

 private:
  struct alignas(64) Register {
    Lanes lane;
  };

  uint32_t choose(int& at);
  void put_lanes(uint32_t mask, int at);
  void step(const Instruction& one, uint32_t mask);
  uint32_t guarded(const Instruction& one, uint32_t mask) const;
  [[noreturn]] void fail(const Instruction& one, const std::string& what) const;

  const Kernel& kernel_;
  const char* const parameters_;
  char* const shared_;
  const size_t shared_bytes_;
  Counters& counters_;
  std::vector<Register> registers_;
  std::vector<uint32_t> predicates_;
  std::vector<char> local_;
  int at_[kLanes] = {};
  uint32_t alive_ = 0, waiting_ = 0;
  bool at_barrier_ = false;
};

// Takes the kernels of a PTX text: from now on their launches run from it. Throws std::invalid_argument.
void load(const std::string& text);
void unload();
bool any_loaded();
// Runs a launch if its kernel is loaded: the fault that stopped it in `fault`. False if it is not loaded.
bool run(const Launch& launch, const std::string& kernel, std::optional<Fault>& fault);
const std::map<std::string, Counters>& counters();
void reset_counters();

}  // namespace emulator::ptx
