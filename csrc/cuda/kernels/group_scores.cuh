// Scores of a group's places with a tile of outputs, in float32: two places at a time by score_tile.cuh's
// tree.
#pragma once

#include "cuda/kernels/ring.cuh"
#include "cuda/kernels/score_tile.cuh"

namespace full_w2v {

template <int kLaneValues, int kOutputs>
class TreeScores {
 public:
  static constexpr int kValues = kLaneValues;
  static constexpr int kTile = kOutputs;
  static constexpr int kTogether = 2;  // places
  static constexpr int64_t kBytes = 0;
  static constexpr bool kExists = true;  // on the architecture that is compiled for

  // Values between two rows of the ring.
  template <int kCopies>
  SGNS_HOST_DEVICE static constexpr int ring_padding() {
    return 0;
  }

  __device__ __forceinline__ explicit TreeScores(unsigned char*) {}

  // The output, of the tile's, whose row belongs into slot `slot` of this lane.
  __device__ __forceinline__ int output_in(int slot) const { return tile_.output_in(slot); }

  // Calls take(mine, output, place, score) in all lanes for the scores of outputs `y`, by slot, with places
  // 0 ... `places` - 1, which are in slots slot_of(place) of the ring; `mine` in one lane for each of them.
  // The last place may be past the others. No memory is synchronised.
  template <class RowPart, class Ring, class SlotOf, class Take>
  __device__ __forceinline__ void each(const RowPart (&y)[kTile], const Ring& ring, int places,
                                       const SlotOf& slot_of, const Take& take) const {
    for (int place = 0; place < places; place += 2) {
      RowPart x[2];
      ring.get(slot_of(place), kCurrent, x[0]);
      ring.get(slot_of(place + 1), kCurrent, x[1]);
      float first[kTile], second[kTile];
#pragma unroll
      for (int k = 0; k < kTile; ++k) {
        first[k] = x[0].dot(y[k]);
        second[k] = x[1].dot(y[k]);
      }
      const float score = tile_.sum(first, second);
      take(tile_.answers(), tile_.own_output(), place + tile_.own_context(), score);
    }
  }

 private:
  const ScoreTile<kTile> tile_;
};

}  // namespace full_w2v
