// Pair order: one context row meets one output row and both are updated at once, as in the
// paper.
#pragma once

#include <math.h>

#include "cpu/simd/sigmoid.h"
#include "cpu/simd/vector.h"
#include "cpu/simd/vector_scalar.h"

namespace full_w2v {

template <class V>
KERNEL_INLINE float dot(const float* x, const float* y, int vectors) {
  typename V::Float sum = V::broadcast(0.0f);
  for (int k = 0; k < vectors * V::lanes; k += V::lanes) sum = V::fma(V::load(x + k), V::load(y + k), sum);
  alignas(64) float lane[V::lanes];
  V::store(lane, sum);
  for (int half = V::lanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  }
  return lane[0];
}

// Trains one pair and returns its score: g = rate (label - sigmoid(x.y)); x += g y and y += g x with the old
// values of both.
template <class V>
KERNEL_INLINE float train_pair(float* x, float* y, int vectors, float label, float rate) {
  const float score = dot<V>(x, y, vectors);
  const typename V::Float g = V::broadcast(rate * (label - sigmoid<Scalar>(score)));
  for (int k = 0; k < vectors * V::lanes; k += V::lanes) {
    const typename V::Float old_x = V::load(x + k), old_y = V::load(y + k);
    V::store(x + k, V::fma(g, old_y, old_x));
    V::store(y + k, V::fma(g, old_x, old_y));
  }
  return score;
}

// -log sigmoid(z)
KERNEL_INLINE double log_loss(double z) { return (z < 0.0 ? -z : 0.0) + log1p(exp(-fabs(z))); }

}  // namespace full_w2v
