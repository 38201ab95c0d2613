// Rows stored as bf16: a value is the upper half of a float32, so that reading it is exact. A written value
// is rounded up or down at random, in proportion to what is nearer: on average it is the value itself, and
// updates far below the last place add up. To the nearest they would all be lost.
//
// The random bits are a function of (seed, epoch, position of the centre, matrix, row, place in the row):
// one draw of the centre (rounding_draw, draws.h), mixed with the others by a short hash.
#pragma once

#include <cstdint>

#include "contract/float_bits.h"
#include "contract/host_device.h"

namespace full_w2v {

using Bf16 = uint16_t;

enum class RowPrecision : int32_t { float32, bf16 };

enum class RowMatrix : uint32_t { input, output };

// Odd: different rows and places of a centre have different keys, but for rare sums of both.
constexpr uint32_t kRowStep = 0x9E3779B9u, kPairStep = 0x85EBCA6Bu;

// A bijection in which each bit of x flips about half of the result's: C. Wellons, "Prospecting for hash
// functions", 2018.
SGNS_HOST_DEVICE inline uint32_t mix_bits(uint32_t x) {
  x = (x ^ x >> 16) * 0x7FEB352Du;
  x = (x ^ x >> 15) * 0x846CA68Bu;
  return x ^ x >> 16;
}

// What the roundings of one row have in common. `draw` is the centre's.
SGNS_HOST_DEVICE inline uint32_t rounding_key(uint32_t draw, RowMatrix matrix, uint32_t row) {
  return draw + (2 * row + static_cast<uint32_t>(matrix)) * kRowStep;
}

// Random bits of a row's values 2 * pair, the low half, and 2 * pair + 1, the high half.
SGNS_HOST_DEVICE inline uint32_t rounding_bits(uint32_t key, uint32_t pair) {
  return mix_bits(key + pair * kPairStep);
}

SGNS_HOST_DEVICE inline float widened(Bf16 value) { return float_of(uint32_t{value} << 16); }

// To the nearest, ties to even.
SGNS_HOST_DEVICE inline Bf16 rounded_to_nearest(float value) {
  const uint32_t bits = float_bits(value);
  return static_cast<Bf16>((bits + 0x7FFFu + (bits >> 16 & 1)) >> 16);
}

// At random, by 16 random bits: away from zero with the probability of the lower half over 2^16. A value of
// bf16 stays as it is.
SGNS_HOST_DEVICE inline Bf16 rounded_at_random(float value, uint32_t bits) {
  return static_cast<Bf16>((float_bits(value) + bits) >> 16);
}

}  // namespace full_w2v
