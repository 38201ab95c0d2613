#include "emulator/ptx/warp.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "emulator/device_memory.h"
#include "emulator/requests.h"

namespace emulator::ptx {
namespace {

// What stops a launch; its text becomes the fault's.
struct Stopped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The wavefronts that a request of shared memory takes: lanes whose words lie in one bank go one after
// another, those that want the same word together. 8-byte requests go half a warp at a time, 16-byte ones a
// quarter.
uint64_t request_wavefronts(const uint64_t* offsets, uint32_t mask, uint32_t bytes) {
  const uint32_t together = bytes >= 16 ? 8 : bytes >= 8 ? 16 : kLanes;
  uint64_t sum = 0;
  for (uint32_t first = 0; first < kLanes; first += together) {
    uint64_t words[kLanes * 4];
    size_t count = 0;
    for (uint32_t l = first; l < first + together; ++l) {
      if (!(mask >> l & 1)) continue;
      for (uint32_t byte = 0; byte < bytes; byte += kWordBytes) {
        words[count++] = (offsets[l] + byte) / kWordBytes;
      }
    }
    sum += wavefronts(words, distinct(words, count));
  }
  return sum;
}

void count(Traffic& traffic, uint64_t bytes, uint64_t sectors) {
  ++traffic.instructions;
  traffic.bytes += bytes;
  traffic.sectors += sectors;
}

uint32_t members(uint32_t mask) { return static_cast<uint32_t>(__builtin_popcount(mask)); }

}  // namespace

WarpState::WarpState(const Kernel& kernel, const char* parameters, char* shared, size_t shared_bytes,
                     Counters& counters)
    : kernel_(kernel),
      parameters_(parameters),
      shared_(shared),
      shared_bytes_(shared_bytes),
      counters_(counters),
      registers_(static_cast<size_t>(kernel.registers)),
      predicates_(static_cast<size_t>(kernel.predicates)),
      local_(static_cast<size_t>(kernel.local_bytes) * kLanes) {
  for (const Constant& constant : kernel.constants) {
    std::fill_n(value(constant.target), kLanes, constant.bits);
  }
}

void WarpState::start(uint32_t index, uint32_t threads, uint32_t block, uint32_t blocks) {
  const uint32_t first = index * kLanes, left = threads - first;
  alive_ = left >= kLanes ? ~0u : (1u << left) - 1;
  waiting_ = 0;
  at_barrier_ = false;
  std::fill(std::begin(at_), std::end(at_), 0);
  for (const SpecialRegister& special : kernel_.specials) {
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      const uint32_t values[] = {first + lane, block, threads, blocks, lane};
      value(special.target)[lane] = values[static_cast<int>(special.value)];
    }
  }
}

// The lanes that step next, and where they are: those that have come least far, of those that do not wait.
uint32_t WarpState::choose(int& at) {
  at = INT32_MAX;
  for (int lane = 0; lane < kLanes; ++lane) {
    if ((alive_ & ~waiting_) >> lane & 1) at = std::min(at, at_[lane]);
  }
  uint32_t mask = 0;
  for (int lane = 0; lane < kLanes; ++lane) mask |= uint32_t{at_[lane] == at} << lane;
  return mask & alive_;
}

uint32_t WarpState::guarded(const Instruction& one, uint32_t mask) const {
  if (one.guard < 0) return mask;
  const uint32_t holds = predicates_[static_cast<size_t>(one.guard)];
  return mask & (one.negated ? ~holds : holds);
}

void WarpState::step(const Instruction& one, uint32_t mask) {
  const int kind = static_cast<int>(one.kind);
  ++counters_.instructions[kind];
  counters_.lanes[kind] += members(mask);
  if (one.action && mask) one.action(*this, one, mask);
}

void WarpState::run() {
  while (alive_ && !at_barrier_) {
    int at = 0;
    const uint32_t mask = choose(at);
    if (mask == 0) throw Stopped("the lanes of a warp wait for each other at different instructions");
    for (bool on = true; on; ++at) {
      const Instruction& one = kernel_.instructions[static_cast<size_t>(at)];
      if (one.meets && mask != alive_) {  // the others have to come first
        waiting_ |= mask;
        put_lanes(mask, at);
        break;
      }
      waiting_ &= ~mask;
      const uint32_t chosen = guarded(one, mask);
      step(one, chosen);
      int next = at + 1;
      if (one.flow == Flow::exit) alive_ &= ~chosen;
      if (one.flow == Flow::block_barrier) at_barrier_ = true;
      if (one.flow == Flow::branch && chosen == mask) next = one.target;
      if (one.flow == Flow::branch && chosen != 0 && chosen != mask) put_lanes(chosen, one.target);
      const uint32_t rest = one.flow == Flow::branch && chosen != mask ? mask & ~chosen : mask;
      // Straight on only while nobody else could have come to the same place.
      on = rest == mask && one.flow != Flow::exit && !at_barrier_ &&
           (mask == alive_ || !kernel_.leads[static_cast<size_t>(next)]);
      if (!on) put_lanes(rest, next);
      at = next - 1;
    }
  }
}

void WarpState::put_lanes(uint32_t mask, int at) {
  for (int lane = 0; lane < kLanes; ++lane) {
    if (mask >> lane & 1) at_[lane] = at;
  }
}

const char* WarpState::parameters(uint64_t offset, uint32_t bytes) const {
  if (offset + bytes > static_cast<uint64_t>(kernel_.parameter_bytes))
    throw Stopped("a load past the parameters");
  return parameters_ + offset;
}

char* WarpState::local(int lane, uint64_t offset, uint32_t bytes) {
  const auto own = static_cast<uint64_t>(kernel_.local_bytes);
  if (offset + bytes > own) throw Stopped("an access past a thread's local memory");
  return local_.data() + static_cast<uint64_t>(lane) * own + offset;
}

void WarpState::shared_request(const Instruction& one, uint32_t mask, uint32_t bytes, Access access,
                               char** at) {
  const Lanes& address = value(one.from[0]);
  uint64_t offsets[kLanes] = {};
  for (int lane = 0; lane < kLanes; ++lane) {
    if (!(mask >> lane & 1)) continue;
    offsets[lane] = static_cast<uint32_t>(address[lane] + static_cast<uint64_t>(int64_t{one.offset}));
    if (offsets[lane] + bytes > shared_bytes_) fail(one, "is past the block's shared memory");
    if (offsets[lane] % bytes) fail(one, "is not aligned to its size");
    at[lane] = shared_ + offsets[lane];
  }
  const uint64_t taken = request_wavefronts(offsets, mask, bytes), moved = uint64_t{members(mask)} * bytes;
  count(counters_.shared.of(access), moved, taken);
  uint64_t unlike[kLanes];
  size_t different = 0;
  for (int lane = 0; lane < kLanes; ++lane) {
    if (mask >> lane & 1) unlike[different++] = offsets[lane];
  }
  different = distinct(unlike, different);
  const uint64_t fewest = (different * bytes + kWavefrontBytes - 1) / kWavefrontBytes;
  counters_.bank_conflicts += taken > fewest ? taken - fewest : 0;
}

void WarpState::global_request(const Instruction& one, uint32_t mask, uint32_t bytes, Access access,
                               char** at) {
  const Lanes& address = value(one.from[0]);
  const Allocation* owner = nullptr;
  uint64_t sectors[kLanes];
  size_t touched = 0;
  for (int lane = 0; lane < kLanes; ++lane) {
    if (!(mask >> lane & 1)) continue;
    char* const place = reinterpret_cast<char*>(address[lane]) + one.offset;
    at[lane] = place;
    if (place >= shared_ && place + bytes <= shared_ + shared_bytes_) continue;  // a generic address
    if (!owner || !owner->holds(place, bytes)) owner = device_memory().find(place);
    if (!owner || !owner->holds(place, bytes)) fail(one, "is outside of what is allocated");
    if (reinterpret_cast<uint64_t>(place) % bytes) fail(one, "is not aligned to its size");
    sectors[touched++] = reinterpret_cast<uint64_t>(place) / kSectorBytes;
  }
  if (!owner) return;
  count(counters_.global[reinterpret_cast<uintptr_t>(owner->base)].of(access), uint64_t{touched} * bytes,
        distinct(sectors, touched));
}

void WarpState::fail(const Instruction& one, const std::string& what) const {
  throw Stopped("the address of " + one.opcode + " in line " + std::to_string(one.line) + " of the PTX of " +
                kernel_.name + " " + what);
}

namespace {

struct Loaded {
  std::map<std::string, Kernel> kernels;
  std::map<std::string, Counters> counters;
};

Loaded& loaded() {
  static Loaded one;
  return one;
}

void run_block(std::vector<WarpState>& warps) {
  for (bool any = true; any;) {
    any = false;
    for (WarpState& warp : warps) {
      warp.run();
      any |= !warp.done();
    }
    for (WarpState& warp : warps) warp.pass_barrier();
  }
}

}  // namespace

void load(const std::string& text) {
  for (auto& [name, kernel] : parse(text)) loaded().kernels[name] = std::move(kernel);
}

bool any_loaded() { return !loaded().kernels.empty(); }

void unload() { loaded().kernels.clear(); }

bool run(const Launch& launch, const std::string& name, std::optional<Fault>& fault) {
  const auto found = loaded().kernels.find(name);
  if (found == loaded().kernels.end()) return false;
  const Kernel& kernel = found->second;
  Counters& counters = loaded().counters[name];
  ++counters.launches;
  std::vector<char> memory(launch.shared_bytes + 256);
  char* const shared = memory.data() + (256 - reinterpret_cast<uintptr_t>(memory.data()) % 256);
  // Behind the pointer to the kernel that the launch begins with.
  const char* const parameters = static_cast<const char*>(launch.arguments.get()) + sizeof(void*);
  const uint32_t threads = launch.block.x;
  std::vector<WarpState> warps;
  for (uint32_t first = 0; first < threads; first += kLanes) {
    warps.emplace_back(kernel, parameters, shared, launch.shared_bytes, counters);
  }
  try {
    for (uint32_t block = 0; block < launch.grid.x; ++block) {
      std::memset(shared, 0xff, launch.shared_bytes);  // every float of it is a NaN
      for (uint32_t i = 0; i < warps.size(); ++i) warps[i].start(i, threads, block, launch.grid.x);
      run_block(warps);
    }
  } catch (const Stopped& stopped) {
    fault = Fault{Fault::Kind::address, stopped.what()};
  }
  return true;
}

const std::map<std::string, Counters>& counters() { return loaded().counters; }
void reset_counters() { loaded().counters.clear(); }

}  // namespace emulator::ptx
