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

// Sum over the warp, in every lane. All lanes must call it; no memory is synchronised.
template <class T>
__device__ __forceinline__ T warp_sum(T term) {
  for (int lanes = kWarpSize / 2; lanes > 0; lanes /= 2) term += __shfl_xor_sync(kAllLanes, term, lanes);
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

// 1 / (1 + exp(-x)); exact limits at both ends.
__device__ __forceinline__ float sigmoid(float x) { return __fdividef(1.0f, 1.0f + __expf(-x)); }

// -log sigmoid(x) for a pair with label 1, -log sigmoid(-x) for label 0, without overflow.
__device__ __forceinline__ float pair_loss(float score, bool positive) {
  const float x = positive ? -score : score;
  return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x)));
}

// rate * (label - sigmoid(score)): the factor of both rows' updates.
__device__ __forceinline__ float gradient(float score, bool positive, float rate) {
  return rate * ((positive ? 1.0f : 0.0f) - sigmoid(score));
}

// A thread's share of the totals, added up in registers while it trains.
struct Tally {
  long long words = 0, pairs = 0;
  double loss = 0.0;
};

// Adds one thread's tally to the totals.
__device__ __forceinline__ void add_tally(Totals* totals, const Tally& tally) {
  atomicAdd(&totals->words, static_cast<unsigned long long>(tally.words));
  atomicAdd(&totals->pairs, static_cast<unsigned long long>(tally.pairs));
  if (tally.loss != 0.0) atomicAdd(&totals->loss, tally.loss);
}

}  // namespace full_w2v
