// Alias table: one draw from any discrete distribution in constant time (Walker 1977; built by Vose's method,
// 1991). Slot i keeps itself with probability threshold / 2^32 and gives its alias otherwise.
#pragma once

#include <cstdint>
#include <vector>

#include "contract/host_device.h"

namespace full_w2v {

struct AliasSlot {
  uint32_t threshold;
  uint32_t alias;
};
static_assert(sizeof(AliasSlot) == 8, "a slot is one 8-byte load");

// One word draws both: the product's high half is the slot, its low half the fraction inside the slot.
// Fractions are multiples of count / 2^32, so a word's frequency is off by less than count / 2^32 of a slot.
SGNS_HOST_DEVICE inline uint32_t draw_alias(const AliasSlot* table, uint32_t count, uint32_t draw) {
  const uint64_t product = static_cast<uint64_t>(draw) * count;
  const auto slot = static_cast<uint32_t>(product >> 32);
  const AliasSlot entry = table[slot];
  return static_cast<uint32_t>(product) < entry.threshold ? slot : entry.alias;
}

// Table for weights >= 0 with a positive, finite sum; throws std::invalid_argument otherwise.
std::vector<AliasSlot> build_alias_table(const double* weights, int64_t count);

}  // namespace full_w2v
