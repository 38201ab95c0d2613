// Scores of a group's places with a tile of outputs by tensor cores, in TF32: sixteen places at a time.
//
// Rows are rounded to TF32 (10 bits of mantissa), products summed in float32 (score_precision in
// contract/README.md). m16n8k8 multiplies 16 places' rows with 8 outputs' rows, 8 of their values at a time:
// lane 4 g + q brings values q and q + 4 of places g and g + 8 and of output g, and gets the sums of these
// places with outputs 2 q and 2 q + 1.
//
// Which of a row's values come together does not matter, as long as it is the same for places and outputs:
// the values of a pack in shared memory are taken in their order (row.cuh), value 2 i as number q and
// 2 i + 1 as number q + 4 of a step. Rows of the ring are padded so that a request of 16 bytes a lane, or 8,
// meets each bank once.
//
// Needs compute capability 8.0.
#pragma once

#include "cuda/kernels/ring.cuh"
#if !defined(__CUDACC__)
#include "contract/tf32.h"
#endif

namespace full_w2v {

// `value` rounded to TF32 but for its lower 13 bits, which tensor cores do not read: one instruction, where
// cvt.rna.tf32.f32 takes three.
__device__ __forceinline__ float as_tf32(float value) {
#if defined(__CUDACC__)
  return __uint_as_float(__float_as_uint(value) + 0x1000u);
#else
  return round_to_tf32(value);
#endif
}

// sums += rows * columns for this lane's part of a 16 x 8 by 8 x 8 product of TF32. All lanes of the warp
// must call it; no memory is synchronised.
__device__ __forceinline__ void multiply_add_tf32(float (&sums)[4], const float (&rows)[4],
                                                  const float (&columns)[2]) {
#if !defined(__CUDACC__)
  emulator::multiply_add_tf32(sums, rows, columns);
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(__float_as_uint(rows[0])), "r"(__float_as_uint(rows[1])), "r"(__float_as_uint(rows[2])),
        "r"(__float_as_uint(rows[3])), "r"(__float_as_uint(columns[0])), "r"(__float_as_uint(columns[1])));
#endif
}

// As TreeScores.
template <int kLaneValues, int kOutputs>
class TensorScores {
  static constexpr int kPack = LaneRows<kLaneValues>::kPack;
  static_assert(kPack % 2 == 0 && kOutputs <= 8, "two values of a lane are a step's; one tile has 8 columns");
  // Floats that eight (or sixteen) lanes' packs of neighbouring rows must be apart, modulo 32.
  static constexpr int kApart = 4 * kPack;
  using Outputs = LaneRows<kLaneValues, kApart>;

 public:
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
  static constexpr bool kExists = false;
#else
  static constexpr bool kExists = true;
#endif
  static constexpr int kValues = kLaneValues;
  static constexpr int kTile = kOutputs;
  static constexpr int kTogether = 16;  // places
  static constexpr int64_t kBytes = kTile * Outputs::kFloats * int64_t{sizeof(float)};

  // Of 2 or 3 rows together to be kApart, or three times that, past a multiple of 32: still apart.
  template <int kCopies>
  SGNS_HOST_DEVICE static constexpr int ring_padding() {
    return kCopies == 2 ? kApart / 2 : kApart;
  }

  __device__ __forceinline__ explicit TensorScores(unsigned char* shared)
      : outputs_{reinterpret_cast<float*>(shared)}, lane_(static_cast<int>(threadIdx.x % kWarpSize)) {}

  __device__ __forceinline__ static int output_in(int slot) { return slot; }

  // As TreeScores::each(), but rows of the ring are read by other lanes: the warp must not change them
  // meanwhile. Synchronises the warp at its beginning.
  template <class RowPart, class Ring, class SlotOf, class Take>
  __device__ __forceinline__ void each(const RowPart (&y)[kTile], const Ring& ring, int places,
                                       const SlotOf& slot_of, const Take& take) const {
#pragma unroll
    for (int k = 0; k < kTile; ++k) {
      RowPart rounded;
      for (int i = 0; i < kValues; ++i) rounded.value[i] = as_tf32(y[k].value[i]);
      outputs_.put(k, rounded);
    }
    __syncwarp();
    const int row = lane_ / 4, column = lane_ % 4 * 2;
    for (int first = 0; first < places; first += kTogether) {
      const int place = first + row;
      const bool both = places - first > 8;  // else eight of the sixteen rows are missing
      float sums[4] = {};
      if (both) {
        multiply<true>(ring, slot_of(place), slot_of(place + 8), sums);
      } else {
        multiply<false>(ring, slot_of(place), 0, sums);
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int output = column + i % 2;
        if (i < 2 || both) take(output < kTile, output, place + i / 2 * 8, sums[i]);
      }
    }
  }

 private:
  // Sums of the places in two slots of the ring, or in the first alone, with the tile's outputs, as
  // multiply_add_tf32() gives them.
  template <bool kBoth, class Ring>
  __device__ __forceinline__ void multiply(const Ring& ring, int slot, int second_slot,
                                           float (&sums)[4]) const {
    const int output = min(lane_ / 4, kTile - 1);  // columns past the tile are left out
    float other_sums[4] = {};
#pragma unroll
    for (int step = 0; step < kValues * kWarpSize / kPack / 4; ++step) {
      const int index = step * 4 + lane_ % 4;
      const auto first = ring.pack(slot, index);
      const auto second = kBoth ? ring.pack(second_slot, index) : decltype(first){};
      const auto y = outputs_.pack(output, index);
#pragma unroll
      for (int i = 0; i < kPack; i += 2) {
        const float rows[4] = {as_tf32(first.value[i]), as_tf32(second.value[i]), as_tf32(first.value[i + 1]),
                               as_tf32(second.value[i + 1])};
        multiply_add_tf32(step % 2 ? other_sums : sums, rows, {y.value[i], y.value[i + 1]});
      }
    }
    for (int i = 0; i < 4; ++i) sums[i] += other_sums[i];
  }

  const Outputs outputs_;
  const int lane_;
};

}  // namespace full_w2v
