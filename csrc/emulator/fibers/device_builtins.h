// What device code may use of CUDA: qualifiers, indices, barriers, warp operations, atomics, intrinsics.
//
// All of it is implemented outside of the kernels' translation unit, which is instrumented (observer.h). A
// site is where the kernel calls: file and line of the caller, by the compiler's default arguments.
#pragma once

#include <math.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "emulator/fibers/executor.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)

#define EMULATOR_CALLER emulator::Site site = {__builtin_FILE(), __builtin_LINE()}

namespace emulator {

uint3 thread_index();
uint3 block_index();
uint3 block_size();
uint3 grid_size();
unsigned char* dynamic_shared_memory();

uint64_t shuffle_from(uint32_t mask, uint64_t bits, uint32_t source_lane, Site site);
uint32_t own_lane();

// sums += rows * columns in TF32, as mma.m16n8k8: of 16 x 8, 8 x 8 and 16 x 8 values, those that PTX gives
// the lane. What is not TF32 is cut off. Products are summed in float32, one after another.
void multiply_add_tf32(float (&sums)[4], const float (&rows)[4], const float (&columns)[2], EMULATOR_CALLER);

// Bytes of a load or store that goes through an intrinsic; `code` is the caller's.
void intrinsic_load(void* to, const void* from, uint32_t bytes, const void* code);

template <class T>
__attribute__((always_inline)) inline T shuffle(uint32_t mask, T value, uint32_t source_lane, Site site) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(uint64_t), "a register or two");
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = shuffle_from(mask, bits, source_lane, site);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// An intrinsic's load is one access of its own width, however the compiler would split the type.
template <class T>
__attribute__((noinline, no_sanitize("thread"))) T load_through_intrinsic(const T* pointer) {
  T value;
  intrinsic_load(&value, pointer, sizeof(T), __builtin_return_address(0));
  return value;
}

}  // namespace emulator

// A variable whose members are asked for anew at each use: they depend on the running thread.
template <uint3 (*value)()>
struct EmulatedVariable {
  struct X {
    operator unsigned() const { return value().x; }
  } x;
  struct Y {
    operator unsigned() const { return value().y; }
  } y;
  struct Z {
    operator unsigned() const { return value().z; }
  } z;
};

inline constexpr EmulatedVariable<emulator::thread_index> threadIdx{};
inline constexpr EmulatedVariable<emulator::block_index> blockIdx{};
inline constexpr EmulatedVariable<emulator::block_size> blockDim{};
inline constexpr EmulatedVariable<emulator::grid_size> gridDim{};

void __syncthreads(EMULATOR_CALLER);
void __syncwarp(unsigned mask = 0xffffffffu, EMULATOR_CALLER);
unsigned __ballot_sync(unsigned mask, int predicate, EMULATOR_CALLER);

template <class T>
inline T __shfl_sync(unsigned mask, T value, int lane, EMULATOR_CALLER) {
  return emulator::shuffle(mask, value, static_cast<uint32_t>(lane) % emulator::kWarpLanes, site);
}

template <class T>
inline T __shfl_xor_sync(unsigned mask, T value, int lanes, EMULATOR_CALLER) {
  return emulator::shuffle(mask, value, emulator::own_lane() ^ static_cast<uint32_t>(lanes), site);
}

template <class T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, EMULATOR_CALLER) {
  const uint32_t lane = emulator::own_lane();
  return emulator::shuffle(mask, value, lane + delta < emulator::kWarpLanes ? lane + delta : lane, site);
}

float atomicAdd(float* address, float value);
double atomicAdd(double* address, double value);
unsigned long long atomicAdd(unsigned long long* address, unsigned long long value);
uint32_t atomicCAS(uint32_t* address, uint32_t expected, uint32_t value);

template <class T>
inline T __ldg(const T* pointer) {
  return emulator::load_through_intrinsic(pointer);
}
template <class T>
inline T __ldcg(const T* pointer) {
  return emulator::load_through_intrinsic(pointer);
}

inline int min(int x, int y) { return x < y ? x : y; }
inline int max(int x, int y) { return x > y ? x : y; }
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __popcll(unsigned long long bits) { return __builtin_popcountll(bits); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
inline float __expf(float x) { return expf(x); }
inline float __fdividef(float x, float y) { return x / y; }
