// The context ring: copies of the input rows that are within the window of the centre, in shared memory.
//
// A row enters once, is trained on its copy, and leaves once: then what the copy changed by is added to
// global memory. So a change that others made to the row meanwhile is kept, and no row that entered is lost.
// A word that occurs twice within the ring has two copies, whose changes add up.
#pragma once

#include "cuda/device.cuh"

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

}  // namespace full_w2v
