// exp and sigmoid of a vector, to about two units in the last place.
#pragma once

#include "cpu/simd/vector.h"

namespace full_w2v {

// 2^t = 2^i 2^f with i = round(t) and |f| <= 1/2; 2^f by the Taylor series of exp(f ln 2), whose first
// omitted term is below 2e-8. Its terms are summed in pairs (Estrin's scheme), for a tile waits for this:
// fewer products follow on each other. t is limited to -126 ... 125.5, where 2^i and the reciprocal of 1 +
// 2^t are normal numbers; NaN becomes a number.
template <class V>
KERNEL_INLINE typename V::Float power_of_two(typename V::Float t) {
  using Float = typename V::Float;
  const Float limited = V::maximum(V::minimum(t, V::broadcast(125.5f)), V::broadcast(-126.0f));
  const Float whole = V::round(limited);
  const Float f = V::sub(limited, whole), square = V::mul(f, f);
  const Float first = V::fma(f, V::broadcast(6.9314718e-1f), V::broadcast(1.0f));
  const Float second = V::fma(f, V::broadcast(5.5504109e-2f), V::broadcast(2.4022651e-1f));
  const Float third = V::fma(f, V::broadcast(1.3333558e-3f), V::broadcast(9.6181291e-3f));
  const Float last = V::fma(square, V::broadcast(1.5403530e-4f), third);
  const Float series = V::fma(square, V::fma(square, last, second), first);
  return V::scale_by_power(series, whole);
}

// exp(x)
template <class V>
KERNEL_INLINE typename V::Float exponential(typename V::Float x) {
  return power_of_two<V>(V::mul(x, V::broadcast(1.44269504089f)));
}

// weight sigmoid(x) = weight / (1 + exp(-x))
template <class V>
KERNEL_INLINE typename V::Float weighted_sigmoid(typename V::Float weight, typename V::Float x) {
  const typename V::Float power = power_of_two<V>(V::mul(x, V::broadcast(-1.44269504089f)));
  return V::div(weight, V::add(V::broadcast(1.0f), power));
}

template <class V>
KERNEL_INLINE typename V::Float sigmoid(typename V::Float x) {
  return weighted_sigmoid<V>(V::broadcast(1.0f), x);
}

}  // namespace full_w2v
