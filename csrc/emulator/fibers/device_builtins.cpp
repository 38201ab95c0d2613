#include "emulator/fibers/device_builtins.h"

#include "emulator/fibers/observer.h"

namespace emulator {
namespace {

uint3 as_uint3(const dim3& size) { return {size.x, size.y, size.z}; }

}  // namespace

// The indices are returned by value: a reference would look like an access of the kernel to the host's
// memory.
uint3 thread_index() { return executor().current()->index; }

uint3 block_index() { return as_uint3(executor().current()->warp->block->index); }

uint3 block_size() { return as_uint3(executor().launch().block); }

uint3 grid_size() { return as_uint3(executor().launch().grid); }

unsigned char* dynamic_shared_memory() {
  return reinterpret_cast<unsigned char*>(executor().current()->warp->block->shared);
}

uint32_t own_lane() { return executor().current()->lane; }

uint64_t shuffle_from(uint32_t mask, uint64_t bits, uint32_t source_lane, Site site) {
  const uint64_t* values = executor().meet(Meeting::shuffle, mask, bits, site);
  if (!(mask >> source_lane & 1)) {
    executor().fault(Fault::Kind::launch, "the shuffle of " + site.text() + " reads lane " +
                                              std::to_string(source_lane) + ", which is not in its mask");
  }
  return values[source_lane];
}

namespace {

float cut_to_tf32(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  bits &= 0xffffe000u;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

struct LanePair {
  float first, second;
};

// Two floats of each lane, as TF32, to all lanes.
void exchange_tf32(LanePair own, LanePair (&all)[kWarpLanes], Site site) {
  own = {cut_to_tf32(own.first), cut_to_tf32(own.second)};
  uint64_t bits = 0;
  std::memcpy(&bits, &own, sizeof bits);
  std::memcpy(all, executor().meet(Meeting::matrix, ~0u, bits, site), sizeof all);
}

}  // namespace

void multiply_add_tf32(float (&sums)[4], const float (&rows)[4], const float (&columns)[2], Site site) {
  LanePair upper[kWarpLanes], lower[kWarpLanes], column[kWarpLanes];  // rows 0 ... 7 and 8 ... 15
  exchange_tf32({rows[0], rows[2]}, upper, site);
  exchange_tf32({rows[1], rows[3]}, lower, site);
  exchange_tf32({columns[0], columns[1]}, column, site);
  const uint32_t first_row = own_lane() / 4 * 4, first_column = own_lane() % 4 * 8;
  for (uint32_t i = 0; i < 4; ++i) {
    const LanePair* const row = (i < 2 ? upper : lower) + first_row;
    const LanePair* const other = column + first_column + i % 2 * 4;
    for (uint32_t k = 0; k < 4; ++k) sums[i] += row[k].first * other[k].first;
    for (uint32_t k = 0; k < 4; ++k) sums[i] += row[k].second * other[k].second;
  }
}

void intrinsic_load(void* to, const void* from, uint32_t bytes, const void* code) {
  if (observing) observer().access(from, bytes, Access::load, code);
  std::memcpy(to, from, bytes);
}

namespace {

template <class T>
T add_atomically(T* address, T value, const void* code) {
  if (observing) observer().access(address, sizeof(T), Access::atomic, code);
  const T old = *address;
  *address = old + value;
  return old;
}

uint32_t compare_and_swap(uint32_t* address, uint32_t expected, uint32_t value, const void* code) {
  if (observing) observer().access(address, sizeof *address, Access::atomic, code);
  const uint32_t found = *address;
  if (found == expected) *address = value;
  return found;
}

}  // namespace
}  // namespace emulator

void __syncthreads(emulator::Site site) { emulator::executor().block_barrier(site); }

void __syncwarp(unsigned mask, emulator::Site site) {
  emulator::executor().meet(emulator::Meeting::warp_barrier, mask, 0, site);
}

unsigned __ballot_sync(unsigned mask, int predicate, emulator::Site site) {
  const uint64_t* values = emulator::executor().meet(emulator::Meeting::ballot, mask, predicate != 0, site);
  unsigned votes = 0;
  for (uint32_t lane = 0; lane < emulator::kWarpLanes; ++lane) {
    if (mask >> lane & 1) votes |= static_cast<unsigned>(values[lane]) << lane;
  }
  return votes;
}

float atomicAdd(float* address, float value) {
  return emulator::add_atomically(address, value, __builtin_return_address(0));
}

double atomicAdd(double* address, double value) {
  return emulator::add_atomically(address, value, __builtin_return_address(0));
}

unsigned long long atomicAdd(unsigned long long* address, unsigned long long value) {
  return emulator::add_atomically(address, value, __builtin_return_address(0));
}

uint32_t atomicCAS(uint32_t* address, uint32_t expected, uint32_t value) {
  return emulator::compare_and_swap(address, expected, value, __builtin_return_address(0));
}
