// A row of either matrix, spread over a warp: lane l holds values l, l + 32, ..., so that the warp's loads
// and atomics touch whole sectors.
#pragma once

#include "cuda/kernels/device.cuh"
#include "cuda/kernels/row_storage.cuh"

namespace full_w2v {

// Blocks of one warp that a multiprocessor should hold. Rows of up to 128 values leave room for 16, with 128
// registers a lane; longer ones take what registers there are.
constexpr int resident_warps(int values) { return values <= 4 ? 16 : 8; }

// The same for a tile of outputs and their changes: with eight of them, or where addresses take registers
// that all lanes could share (before compute capability 7.5), or several tiles, roundings or tensor cores do
// (`more`), 12 warps are what 128 values a lane leave; with eight outputs and such addresses 8.
constexpr int resident_warps(int values, [[maybe_unused]] int tile, [[maybe_unused]] bool more) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 750
  return values <= 4 && tile <= 6 ? 12 : 8;
#else
  return values <= 4 ? (tile <= 6 && !more ? 16 : 12) : 8;
#endif
}

// 64-bit: vocabulary * stride may exceed 2^31.
__device__ __forceinline__ float* row_of(float* matrix, int32_t word, int64_t stride) {
  return matrix + word * stride;
}

__device__ __forceinline__ float segment_rate(const KernelArguments& arguments, const Segment& segment) {
  return learning_rate(arguments.params, arguments.batch.corpus_tokens, arguments.batch.epoch, segment.begin);
}

__device__ __forceinline__ void tally_pair(Tally& tally, bool loss, float score, bool positive) {
  ++tally.pairs;
  if (loss) tally.loss += pair_loss(score, positive);
}

// One lane's share of a row of at most 32 * kValues values, in units: lane l holds units l, l + 32, ...
// Values past the row are zero. No function synchronises.
//
// kSure: every row has at least 32 * kSure values, so that the first kSure of a lane need not be compared
// with the row's end. The compiler branches around each atomic that might be past it.
// Storage: how the matrices keep it (row_storage.cuh).
template <int kValues, int kSure = 0, class Storage = Float32Rows>
struct Row {
  using Stored = typename Storage::Stored;
  static constexpr int kUnit = Storage::template kUnit<kValues>;
  static constexpr int kUnits = kValues / kUnit;

  float value[kValues];

  // This lane's first value in a matrix, and in the row of a word there: from the lane's own base each row
  // takes one instruction.
  __device__ __forceinline__ static Stored* lane_base(Stored* matrix) {
    return reinterpret_cast<Stored*>(
        advance(reinterpret_cast<char*>(matrix), threadIdx.x % kWarpSize, kUnit * sizeof(Stored)));
  }
  __device__ __forceinline__ static Stored* in_lane(Stored* base, int32_t word, int64_t stride) {
    const auto values = kSure == kValues ? kValues * kWarpSize : static_cast<uint32_t>(stride);
    return reinterpret_cast<Stored*>(
        advance(reinterpret_cast<char*>(base), static_cast<uint32_t>(word), values * sizeof(Stored)));
  }

  __device__ __forceinline__ void clear() {
    for (int i = 0; i < kValues; ++i) value[i] = 0.0f;
  }

  // From a row of `stride` values in global memory.
  __device__ __forceinline__ void load(const Stored* row, int64_t stride) {
    clear();
    reload(row + begin(0), stride);
  }

  // The same from this lane's first value of the row. Values past the row stay as they are: zero, once
  // cleared.
  __device__ __forceinline__ void reload(const Stored* lane_row, int64_t stride) {
    for (int u = 0; u < kUnits; ++u) {
      if (within(u, stride)) {
        Storage::template read<kUnit>(lane_row + begin(u) - begin(0), value + u * kUnit);
      }
    }
  }

  // Adds factor * this to a row in global memory.
  __device__ __forceinline__ void add_to(float* row, int64_t stride, float factor) const {
    Row scaled;
    for (int i = 0; i < kValues; ++i) scaled.value[i] = factor * value[i];
    scaled.add_to(row, stride);
  }
  __device__ __forceinline__ void add_to(float* row, int64_t stride) const {
    add_in_lane(row + begin(0), stride);
  }

  // Adds this to a row in global memory, from this lane's first value of the row. Not where rows are rounded.
  __device__ __forceinline__ void add_in_lane(Stored* lane_row, int64_t stride) const {
    add_in_lane(lane_row, stride, *this, 0);
  }

  // The same where they may be. Only then are used: `before`, the row as it was loaded, and the key of the
  // roundings.
  __device__ __forceinline__ void add_in_lane(Stored* lane_row, int64_t stride, const Row& before,
                                              uint32_t key) const {
    for (int u = 0; u < kUnits; ++u) {
      if (!within(u, stride)) continue;
      Storage::template add<kUnit>(lane_row + begin(u) - begin(0), value + u * kUnit,
                                   before.value + u * kUnit, key, begin(u));
    }
  }

  // As load() and its opposite, from memory that belongs to this warp alone.
  __device__ __forceinline__ void get(const float* row, int64_t stride) {
    for (int i = 0; i < kValues; ++i) {
      const int at = begin(i / kUnit) + i % kUnit;
      value[i] = at < stride ? row[at] : 0.0f;
    }
  }
  __device__ __forceinline__ void put(float* row, int64_t stride) const {
    for (int i = 0; i < kValues; ++i) {
      const int at = begin(i / kUnit) + i % kUnit;
      if (at < stride) row[at] = value[i];
    }
  }

  // This lane's part of the dot product.
  __device__ __forceinline__ float dot(const Row& other) const {
    float sum = value[0] * other.value[0];
    for (int i = 1; i < kValues; ++i) sum += value[i] * other.value[i];
    return sum;
  }

  // this += factor * other
  __device__ __forceinline__ void add(const Row& other, float factor) {
    for (int i = 0; i < kValues; ++i) value[i] += factor * other.value[i];
  }

 private:
  // Where a unit of this lane begins in the row. Rows have a multiple of 8 values: a unit is within or past.
  __device__ __forceinline__ static int begin(int unit) {
    return (static_cast<int>(threadIdx.x % kWarpSize) + unit * kWarpSize) * kUnit;
  }
  __device__ __forceinline__ static bool within(int unit, int64_t stride) {
    return (unit + 1) * kUnit <= kSure || begin(unit) < stride;
  }
};

// Copies of rows in shared memory, each lane's values where that lane alone touches them: 16 bytes at a time,
// without bank conflicts and without synchronisation. kPadding: floats between two rows.
template <int kValues, int kPadding = 0>
struct LaneRows {
  static constexpr int kPack = kValues % 4 == 0 ? 4 : kValues % 2 == 0 ? 2 : 1;
  static constexpr int kFloats = kValues * kWarpSize + kPadding;  // of a copy

  struct alignas(kPack * sizeof(float)) Pack {
    float value[kPack];
  };

  float* memory;  // aligned to 16 bytes; as many rows as the owner made room for

  template <class RowPart>
  __device__ __forceinline__ void get(int row, RowPart& found) const {
    for (int p = 0; p < kValues / kPack; ++p) {
      const Pack pack = packs(row)[p * kWarpSize];
      for (int i = 0; i < kPack; ++i) found.value[p * kPack + i] = pack.value[i];
    }
  }
  // Adds a row of these to another one.
  template <class RowPart>
  __device__ __forceinline__ void add_to(int row, RowPart& to) const {
    RowPart found;
    get(row, found);
    to.add(found, 1.0f);
  }
  template <class RowPart>
  __device__ __forceinline__ void put(int row, const RowPart& from) const {
    for (int p = 0; p < kValues / kPack; ++p) {
      Pack pack;
      for (int i = 0; i < kPack; ++i) pack.value[i] = from.value[p * kPack + i];
      packs(row)[p * kWarpSize] = pack;
    }
  }

  // Pack `index` of a row, of whichever lane: 32 of the first packs of all lanes come first.
  __device__ __forceinline__ const Pack& pack(int row, int index) const {
    return reinterpret_cast<const Pack*>(memory + row * kFloats)[index];
  }

 private:
  __device__ __forceinline__ Pack* packs(int row) const {
    return reinterpret_cast<Pack*>(memory + row * kFloats) + threadIdx.x % kWarpSize;
  }
};

// The block's rows of scratch memory.
template <int kValues>
__device__ __forceinline__ LaneRows<kValues> scratch_rows(const KernelArguments& arguments) {
  return {arguments.scratch + blockIdx.x * arguments.scratch_floats};
}

}  // namespace full_w2v
