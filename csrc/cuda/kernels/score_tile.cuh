// Sums the scores of two contexts with a tile of outputs over the warp, and says which lane gets which.
//
// Every lane has a term of each of the 2 * kTile dot products. A tree sums them all at once: at each level a
// lane gives half of its terms to the lane whose number differs in one bit, and takes that lane's part of the
// other half. After five levels each lane holds one sum: 13 shuffles for 12 scores, where one by one they
// would take 60.
//
// A lane would have to select which half to give. For outputs that is saved by putting their rows into slots
// that depend on the lane: a group of four outputs into slots k ^ (lane / 8), a pair into slots k ^ (lane /
// 16). Then slots 0 and 1 of a lane are what its partner lacks: all lanes keep the same slots and give the
// same slots.
//
//            level     16         8          4            2           1
//   group of four      2 of 4 ->  1 of 2     context      group       -
//   pair               1 of 2     context    -            pair        -
#pragma once

#include "cuda/kernels/row.cuh"

namespace full_w2v {

// Tiles: one group of four and one pair (6), two groups (8), one group (4), one pair (2), one output (1).
template <int kTile>
class ScoreTile {
  static_assert(kTile == 8 || kTile == 6 || kTile == 4 || kTile == 2 || kTile == 1,
                "groups of four, a pair, or one output");

 public:
  __device__ ScoreTile() : lane_(static_cast<int>(threadIdx.x % kWarpSize)) {}

  // The output, of the tile's, whose row belongs into slot `slot` of this lane.
  __device__ __forceinline__ int output_in(int slot) const {
    return slot < kFours * 4 ? slot ^ (lane_ >> 3) : kPairs ? slot ^ (lane_ >> 4) : slot;
  }

  // The same counted from `first`, a multiple of 8: an instruction or none.
  __device__ __forceinline__ int index_in(int slot, int first) const {
    return slot < kFours * 4 ? (first | lane_ >> 3) ^ slot : (first | lane_ >> 4) ^ slot;
  }

  // The output and the context (0 or 1) whose score sum() gives to this lane.
  __device__ __forceinline__ int own_output() const {
    if (kTile == 8) return (bit(2) ? 4 : 0) + (lane_ >> 3);
    if (kTile == 6) return bit(2) ? 4 + (lane_ >> 4) : lane_ >> 3;
    return kTile == 4 ? lane_ >> 3 : kTile == 2 ? lane_ >> 4 : 0;
  }
  __device__ __forceinline__ int own_context() const {
    if (kTile == 1) return bit(16) ? 1 : 0;
    const bool of_pair = kTile == 2 || (kTile == 6 && bit(2));
    return (of_pair ? bit(8) : bit(4)) ? 1 : 0;
  }

  // Several lanes may get the same score: true for one of them.
  __device__ __forceinline__ bool answers() const {
    if (bit(1) || (kTile <= 4 && bit(2)) || (kTile <= 2 && bit(4))) return false;
    if (kTile == 1 && bit(8)) return false;
    return !(kTile == 6 && bit(2) && bit(4));
  }

  // The lane's score from its terms, by slot, for both contexts. All lanes must call it; no memory is
  // synchronised.
  __device__ __forceinline__ float sum(const float (&first)[kTile], const float (&second)[kTile]) const {
    float pair = 0.0f, four[2] = {};
    if (kPairs) pair = halve(sum_pair(first), sum_pair(second), 8);
    for (int g = 0; g < kFours; ++g) four[g] = halve(sum_four(first, g), sum_four(second, g), 4);
    if (kTile == 8) return join(halve(four[0], four[1], 2), 1);
    if (kTile == 6) return join(halve(four[0], join(pair, 4), 2), 1);
    if (kTile == 4) return join(join(four[0], 2), 1);
    const float one = kTile == 1 ? join(halve(first[0], second[0], 16), 8) : pair;
    return join(join(join(one, 4), 2), 1);
  }

 private:
  static constexpr int kFours = kTile / 4, kPairs = kTile % 4 / 2;

  __device__ __forceinline__ bool bit(int lanes) const { return (lane_ & lanes) != 0; }

  // Sum over the two lanes whose numbers differ in the bit `lanes`: of what this lane keeps, and what the
  // other one gives.
  __device__ __forceinline__ static float exchange(float kept, float given, int lanes) {
    return kept + __shfl_xor_sync(kAllLanes, given, lanes);
  }
  __device__ __forceinline__ static float join(float term, int lanes) { return exchange(term, term, lanes); }

  // The lane with the bit clear gets the sum of `low`, the other one that of `high`.
  __device__ __forceinline__ float halve(float low, float high, int lanes) const {
    return exchange(bit(lanes) ? high : low, bit(lanes) ? low : high, lanes);
  }

  __device__ __forceinline__ static float sum_four(const float (&terms)[kTile], int group) {
    const float* four = terms + 4 * group;
    return exchange(exchange(four[0], four[2], 16), exchange(four[1], four[3], 16), 8);
  }
  __device__ __forceinline__ static float sum_pair(const float (&terms)[kTile]) {
    return exchange(terms[kTile - 2], terms[kTile - 1], 16);
  }

  const int lane_;
};

}  // namespace full_w2v
