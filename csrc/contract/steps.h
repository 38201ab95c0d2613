// How a tile is cut into steps: "Steps" in README.md.
#pragma once

#include <cstdint>

#include "contract/host_device.h"
#include "contract/params.h"

namespace full_w2v {

// L: contexts of a strip. most_drawn: how often one word is among the tile's negatives, 1 at least.
SGNS_HOST_DEVICE inline int32_t strip_contexts(const SgnsParams& params, int32_t most_drawn) {
  const int32_t contexts = params.step_pairs / most_drawn;
  return contexts > 1 ? contexts : 1;
}

// R: how often a strip may have one word. further: outputs of the tile other than its targets.
SGNS_HOST_DEVICE inline int32_t strip_repeats(const SgnsParams& params, int32_t further) {
  return further > 0 && further < params.step_pairs ? params.step_pairs / further : 1;
}

}  // namespace full_w2v
