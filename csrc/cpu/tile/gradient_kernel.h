// From scores to gradients: g = rate (label - sigmoid(x.y)), for a vector of pairs at a time.
#pragma once

#include "cpu/simd/sigmoid.h"
#include "cpu/simd/vector.h"

namespace full_w2v {

// A pair that is trained `positive` times with label 1 and `total` times in all.
template <class V>
KERNEL_INLINE typename V::Float gradient(typename V::Float score, typename V::Float positive,
                                         typename V::Float total, float rate) {
  const typename V::Float factor = V::broadcast(rate);
  return V::sub(V::mul(factor, positive), weighted_sigmoid<V>(V::mul(factor, total), score));
}

}  // namespace full_w2v
