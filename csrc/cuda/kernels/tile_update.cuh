// The update of a tile of outputs and two rows of the ring, once their gradients are known.
#pragma once

#include "cuda/kernels/ring.cuh"

namespace full_w2v {

// Gradients of an output with two rows of the ring, side by side.
struct alignas(8) TwoGradients {
  float first, second;
};

// `change` of each output k += g x for both rows x, and x += sum_k g y[k], with x and y as they were before
// the window. The new rows go to the copies `to` in `slots`, the second one only if there are `both`: else it
// is the first once more, with gradients of zero. `pending`: a tile before this one has left its sums there
// already, which these are added to. gradients(k) are those of output k.
template <int kTile, class Ring, class RowPart, class GradientsOf>
__device__ __forceinline__ void update_two(const Ring& ring, const int (&slots)[2], RowPart (&x)[2],
                                           bool both, bool pending, RingCopy to, const RowPart (&y)[kTile],
                                           RowPart (&change)[kTile], const GradientsOf& gradients) {
  TwoGradients g[kTile];
#pragma unroll
  for (int k = 0; k < kTile; ++k) {
    g[k] = gradients(k);
    change[k].add(x[0], g[k].first);
    change[k].add(x[1], g[k].second);
  }
  if (pending) {
    ring.get(slots[0], kPending, x[0]);
    if (both) ring.get(slots[1], kPending, x[1]);
  }
#pragma unroll
  for (int k = 0; k < kTile; ++k) {
    x[0].add(y[k], g[k].first);
    x[1].add(y[k], g[k].second);
  }
  ring.put(slots[0], to, x[0]);
  if (both) ring.put(slots[1], to, x[1]);
}

}  // namespace full_w2v
