// The context ring: copies of the input rows that are within the window of the centre, in shared memory.
//
// A row enters once, is trained on its copy, and leaves once: then what the copy changed by is added to
// global memory. So a change that others made to the row meanwhile is kept, and no row that entered is lost.
//
// A word that occurs several times within the ring has as many copies, which are equal whenever a step
// begins: their changes add up in a step, and after it they are united. Between the steps of a tile this
// happens in the ring; when a tile has been trained, or another copy enters, the word is written through: its
// change is added to global memory, and all copies read the row anew.
#pragma once

#include "cuda/kernels/row.cuh"
#include "cuda/kernels/walk.cuh"

namespace full_w2v {

// Versions of a row that the ring holds.
enum RingCopy {
  kCurrent,  // as trained so far
  kLoaded,   // as it was when it entered
  kPending,  // as it will be after this window; only where a window takes several passes
};

SGNS_HOST_DEVICE constexpr int64_t ring_floats(const SgnsParams& params, int64_t stride, int copies) {
  return ring_slots(params.window) * copies * stride;
}

struct ContextRing {
  float* memory;  // ring_floats()
  int64_t stride;
  int slots, copies;

  // The copy of the row of word `number` (walk.cuh). Words that are in the ring together have different
  // slots.
  __device__ __forceinline__ float* row(int number, RingCopy copy) const {
    return memory + (number % slots * copies + copy) * stride;
  }
};

// The ring of one warp: rows spread over lanes. Slots are found from the slot of the newest word: a division
// by their number would cost more than the rest of an address. kPadding: floats between two rows, where other
// lanes read them (tensor_scores.cuh).
template <int kValues, int kCopies, int kPadding = 0>
class LaneRing {
 public:
  using Rows = LaneRows<kValues, kPadding>;
  static constexpr int kSlotFloats = kCopies * Rows::kFloats;

  __device__ __forceinline__ LaneRing(float* memory, int slots) : rows_{memory}, slots_(slots) {}

  // Makes the ring ready for word `number` to be the first that enters.
  __device__ __forceinline__ void start(int number) {
    newest_ = number - 1;
    newest_slot_ = slots_ - 1;
  }

  // The next word, whose number is `number`, enters with its row; `lane_row` is this lane's first value of
  // that.
  template <class RowPart>
  __device__ __forceinline__ void enter(int number, const typename RowPart::Stored* lane_row,
                                        int64_t stride) {
    RowPart x;
    x.clear();
    x.reload(lane_row, stride);
    newest_ = number;
    newest_slot_ = newest_slot_ + 1 == slots_ ? 0 : newest_slot_ + 1;
    put(newest_slot_, kCurrent, x);
    put(newest_slot_, kLoaded, x);
  }

  // What a copy has changed by since it entered. `loaded` becomes what it was then.
  template <class RowPart>
  __device__ __forceinline__ RowPart change(int slot, RowPart& loaded) const {
    RowPart x;
    get(slot, kCurrent, x);
    get(slot, kLoaded, loaded);
    x.add(loaded, -1.0f);
    return x;
  }

  // Unites the copies of word `number`; the words from `first` on are in the ring. write(change, loaded) is
  // called before they are equal if they shall be written through: it adds the word's change to global
  // memory, where the row was `loaded` when it was read, and makes that what the row is now. Lanes do not
  // wait for each other.
  template <class RowPart, class Write>
  __device__ __forceinline__ void unite(const WordQueue& walk, int number, int first, bool through,
                                        const Write& write) const {
    int newest = number;
#pragma unroll 1
    while (walk.later(newest) != kNone) newest = walk.later(newest);
    RowPart sum, x;
    sum.clear();
#pragma unroll 1
    for (int copy = newest; copy >= first; copy = walk.earlier(copy)) {
      sum.add(change(slot(copy), x), 1.0f);
    }
    get(slot(newest), kLoaded, x);
    if (through) {
      write(sum, x);
    } else {
      x.add(sum, 1.0f);
    }
    // The newest, which leaves last, keeps what has not been written yet.
#pragma unroll 1
    for (int copy = newest; copy >= first; copy = walk.earlier(copy)) {
      put(slot(copy), kCurrent, x);
      if (through || copy != newest) put(slot(copy), kLoaded, x);
    }
  }

  template <class RowPart>
  __device__ __forceinline__ void make_pending_current(int slot) const {
    RowPart x;
    get(slot, kPending, x);
    put(slot, kCurrent, x);
  }

  // The slot of a word that is in the ring.
  __device__ __forceinline__ int slot(int number) const {
    const int slot = newest_slot_ - (newest_ - number);
    return slot < 0 ? slot + slots_ : slot;
  }

  template <class RowPart>
  __device__ __forceinline__ void get(int slot, RingCopy copy, RowPart& row) const {
    rows_.get(slot * kCopies + copy, row);
  }
  template <class RowPart>
  __device__ __forceinline__ void put(int slot, RingCopy copy, const RowPart& row) const {
    rows_.put(slot * kCopies + copy, row);
  }

  // LaneRows::pack() of the copy that is trained.
  __device__ __forceinline__ const typename Rows::Pack& pack(int slot, int index) const {
    return rows_.pack(slot * kCopies + kCurrent, index);
  }

 private:
  const Rows rows_;
  const int slots_;
  int newest_ = 0, newest_slot_ = 0;
};

// What the trainers with a LaneRing do with words. `matrix`: this lane's part of the input rows; `draw`: of
// the centre, for roundings; words from `held` on are in the ring. All lanes of the warp must call each
// function.

// Unites the copies of a word; `through`: what they changed by is added to its row.
template <class RowPart, class Ring>
__device__ __forceinline__ void unite_word(const Ring& ring, const WordQueue& walk,
                                           typename RowPart::Stored* matrix, int64_t stride, int number,
                                           int held, bool through, uint32_t draw) {
  const int32_t word = walk.word(number);
  auto* const row = RowPart::in_lane(matrix, word, stride);
  const auto write = [&](const RowPart& change, RowPart& loaded) {
    change.add_in_lane(row, stride, loaded,
                       rounding_key(draw, RowMatrix::input, static_cast<uint32_t>(word)));
    loaded.reload(row, stride);
  };
  ring.template unite<RowPart>(walk, number, held, through, write);
}

// The next word enters; if the ring holds it already, it is written through.
template <class RowPart, class Ring>
__device__ __forceinline__ void enter_word(Ring& ring, WordQueue& walk, typename RowPart::Stored* matrix,
                                           int64_t stride, int number, int held, uint32_t draw) {
  ring.template enter<RowPart>(number, RowPart::in_lane(matrix, walk.word(number), stride), stride);
  if (walk.link(number, held)) {
    unite_word<RowPart>(ring, walk, matrix, stride, number, held, true, draw);
  }
}

// A word leaves: what its copy changed by is added to its row.
template <class RowPart, class Ring>
__device__ __forceinline__ void leave_word(const Ring& ring, const WordQueue& walk,
                                           typename RowPart::Stored* matrix, int64_t stride, int number,
                                           uint32_t draw) {
  RowPart loaded;
  const RowPart change = ring.template change<RowPart>(ring.slot(number), loaded);
  const int32_t word = walk.word(number);
  change.add_in_lane(RowPart::in_lane(matrix, word, stride), stride, loaded,
                     rounding_key(draw, RowMatrix::input, static_cast<uint32_t>(word)));
}

}  // namespace full_w2v
