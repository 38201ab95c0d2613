// Small helpers of all kernels. Each says who must call it and what it synchronises.
#pragma once

#if !defined(__CUDACC__)
#include <cuda_runtime.h>
#endif

#include "cuda/arguments.h"

namespace full_w2v {

constexpr unsigned kAllLanes = 0xffffffffu;

// The block's dynamic shared memory; all shared memory here is dynamic.
__device__ __forceinline__ unsigned char* shared_memory() {
#if defined(__CUDACC__)
  extern __shared__ __align__(16) unsigned char bytes[];
  return bytes;
#else
  return emulator::dynamic_shared_memory();
#endif
}

// Reads through the L2 cache: rows are changed by atomics, which work there and leave lines of L1 stale.
__device__ __forceinline__ float read_row(const float* value) { return __ldcg(value); }

// 1, 2 or 4 neighbouring values of a row, in one request, aligned to their size.
template <int kCount>
__device__ __forceinline__ void read_values(const float* from, float* values) {
  if constexpr (kCount == 4) {
    const float4 four = __ldcg(reinterpret_cast<const float4*>(from));
    values[0] = four.x, values[1] = four.y, values[2] = four.z, values[3] = four.w;
  } else if constexpr (kCount == 2) {
    const float2 two = __ldcg(reinterpret_cast<const float2*>(from));
    values[0] = two.x, values[1] = two.y;
  } else {
    values[0] = read_row(from);
  }
}

// Adds 1, 2 or 4 neighbouring values in global memory atomically, each for itself. More than one needs
// compute capability 9.0. atomicAdd() would first ask which memory the address is in, if the compiler cannot
// tell.
template <int kCount>
__device__ __forceinline__ void add_values(float* to, const float* values) {
#if defined(__CUDACC__)
  const size_t at = __cvta_generic_to_global(to);
  if constexpr (kCount == 4) {
    asm volatile("red.global.add.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(at), "f"(values[0]), "f"(values[1]),
                 "f"(values[2]), "f"(values[3])
                 : "memory");
  } else if constexpr (kCount == 2) {
    asm volatile("red.global.add.v2.f32 [%0], {%1, %2};" ::"l"(at), "f"(values[0]), "f"(values[1])
                 : "memory");
  } else {
    asm volatile("red.global.add.f32 [%0], %1;" ::"l"(at), "f"(values[0]) : "memory");
  }
#else
  static_assert(kCount == 1, "the emulated device adds one value at a time");
  atomicAdd(to, values[0]);
#endif
}

// 1 or 2 neighbouring words of a row, in one request, aligned to their size.
template <int kCount>
__device__ __forceinline__ void read_words(const uint32_t* from, uint32_t* words) {
  if constexpr (kCount == 2) {
    const uint2 two = __ldcg(reinterpret_cast<const uint2*>(from));
    words[0] = two.x, words[1] = two.y;
  } else {
    words[0] = __ldcg(from);
  }
}

// Replaces `expected` by `word` in global memory; returns what was found there.
__device__ __forceinline__ uint32_t compare_and_swap(uint32_t* at, uint32_t expected, uint32_t word) {
#if defined(__CUDACC__)
  uint32_t found;
  asm volatile("atom.global.cas.b32 %0, [%1], %2, %3;"
               : "=r"(found)
               : "l"(__cvta_generic_to_global(at)), "r"(expected), "r"(word)
               : "memory");
  return found;
#else
  return atomicCAS(at, expected, word);
#endif
}

#if defined(__CUDACC__)
// Two values as bf16 in a word, rounded to the nearest; the first in its lower half.
__device__ __forceinline__ uint32_t bf16_pair(float low, float high) {
  uint32_t word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
}

// Adds the bf16 values of 1 or 2 words to those in global memory atomically, each for itself. Needs compute
// capability 9.0.
template <int kCount>
__device__ __forceinline__ void add_bf16_pairs(uint32_t* to, const uint32_t* words) {
  const size_t at = __cvta_generic_to_global(to);
  if constexpr (kCount == 2) {
    asm volatile("red.global.add.noftz.v2.bf16x2 [%0], {%1, %2};" ::"l"(at), "r"(words[0]), "r"(words[1])
                 : "memory");
  } else {
    asm volatile("red.global.add.noftz.bf16x2 [%0], %1;" ::"l"(at), "r"(words[0]) : "memory");
  }
}
#endif

// base + index * bytes in one instruction; in C++ the compiler widens `bytes` beforehand, and multiplies 64
// bits by 64.
__device__ __forceinline__ char* advance(char* base, uint32_t index, uint32_t bytes) {
#if defined(__CUDACC__)
  uint64_t at;
  asm("mad.wide.u32 %0, %1, %2, %3;"
      : "=l"(at)
      : "r"(index), "r"(bytes), "l"(reinterpret_cast<uint64_t>(base)));
  return reinterpret_cast<char*>(at);
#else
  return base + static_cast<uint64_t>(index) * bytes;
#endif
}

// Sum over the warp, in every lane. All lanes must call it; no memory is synchronised.
template <class T>
__device__ __forceinline__ T warp_sum(T term) {
  for (int lanes = kWarpSize / 2; lanes > 0; lanes /= 2) term += __shfl_xor_sync(kAllLanes, term, lanes);
  return term;
}

// Maximum over the warp, likewise.
__device__ __forceinline__ int warp_max(int term) {
  for (int lanes = kWarpSize / 2; lanes > 0; lanes /= 2) {
    term = max(term, __shfl_xor_sync(kAllLanes, term, lanes));
  }
  return term;
}

// Sum over the block, in every thread. All threads must call it. One barrier inside; `partial` has a float
// for each warp and must be another one at the next call, since a fast warp may write there while a slow one
// still reads here.
__device__ __forceinline__ float block_sum(float term, float* partial) {
  term = warp_sum(term);
  if (threadIdx.x % kWarpSize == 0) partial[threadIdx.x / kWarpSize] = term;
  __syncthreads();
  float sum = 0.0f;
  for (unsigned warp = 0; warp < blockDim.x / kWarpSize; ++warp) sum += partial[warp];
  return sum;
}

// 2^x and 1 / x to two units in the last place, one instruction each: subnormal numbers count as zero.
__device__ __forceinline__ float fast_exp2(float x) {
#if defined(__CUDACC__)
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return exp2f(x);
#endif
}
__device__ __forceinline__ float fast_reciprocal(float x) {
#if defined(__CUDACC__)
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return 1.0f / x;
#endif
}

// 1 / (1 + exp(-x)); exact limits at both ends.
__device__ __forceinline__ float sigmoid(float x) {
  constexpr float kLog2E = 1.44269504088896341f;
  return fast_reciprocal(1.0f + fast_exp2(-kLog2E * x));
}

// -log sigmoid(x) for a pair with label 1, -log sigmoid(-x) for label 0, without overflow.
__device__ __forceinline__ float pair_loss(float score, bool positive) {
  const float x = positive ? -score : score;
  return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x)));
}

// rate * (label - sigmoid(score)): the factor of both rows' updates.
__device__ __forceinline__ float gradient(float score, bool positive, float rate) {
  return rate * ((positive ? 1.0f : 0.0f) - sigmoid(score));
}

// A thread's share of the totals, added up while it trains.
struct Tally {
  long long words = 0, pairs = 0;
  double loss = 0.0;
};
constexpr int64_t kTallyBytes = 32;  // its room in shared memory, before data aligned to 16 bytes
static_assert(sizeof(Tally) <= kTallyBytes, "a tally fits");

// Adds one thread's tally to the totals.
__device__ __forceinline__ void add_tally(Totals* totals, const Tally& tally) {
  atomicAdd(&totals->words, static_cast<unsigned long long>(tally.words));
  atomicAdd(&totals->pairs, static_cast<unsigned long long>(tally.pairs));
  if (tally.loss != 0.0) atomicAdd(&totals->loss, tally.loss);
}

// Trains the batch's segments, each block one after another, and adds up what was trained. `trainer` has
// train(segment), which all threads of the block call, and tally(), which thread 0 knows.
template <class Trainer>
__device__ __forceinline__ void train_segments(const KernelArguments& arguments, Trainer& trainer) {
  for (int64_t s = blockIdx.x; s < arguments.batch.count; s += gridDim.x) {
    trainer.train(arguments.batch.segments[s]);
  }
  if (threadIdx.x == 0) add_tally(arguments.totals, trainer.tally());
}

}  // namespace full_w2v
