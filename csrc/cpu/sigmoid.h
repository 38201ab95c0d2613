// exp and sigmoid of a vector, to about two units in the last place.
#pragma once

#include "cpu/vector.h"

namespace full_w2v {

// exp(x) = 2^i * 2^f with i = round(x / ln 2) and |f| <= 1/2; 2^f by the Taylor series of exp(f ln 2), whose
// first omitted term is below 2e-8. x is clamped to +-87, where neither 2^i nor its reciprocal overflows.
template <class V>
KERNEL_INLINE typename V::Float exponential(typename V::Float x) {
  using Float = typename V::Float;
  const Float scaled = V::mul(V::clamp(x, -87.0f, 87.0f), V::broadcast(1.44269504089f));
  const Float whole = V::round(scaled);
  const Float f = V::sub(scaled, whole);
  Float series = V::broadcast(1.5403530e-4f);
  series = V::fma(series, f, V::broadcast(1.3333558e-3f));
  series = V::fma(series, f, V::broadcast(9.6181291e-3f));
  series = V::fma(series, f, V::broadcast(5.5504109e-2f));
  series = V::fma(series, f, V::broadcast(2.4022651e-1f));
  series = V::fma(series, f, V::broadcast(6.9314718e-1f));
  series = V::fma(series, f, V::broadcast(1.0f));
  return V::scale_by_power(series, whole);
}

// 1 / (1 + exp(-x))
template <class V>
KERNEL_INLINE typename V::Float sigmoid(typename V::Float x) {
  const typename V::Float one = V::broadcast(1.0f);
  return V::reciprocal(V::add(one, exponential<V>(V::sub(V::broadcast(0.0f), x))));
}

}  // namespace full_w2v
