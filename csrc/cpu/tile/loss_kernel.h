// Loss of a scored tile: sum over pairs of -log sigmoid(x.y) for label 1 and -log sigmoid(-x.y) for label 0.
#pragma once

#include <math.h>

#include "cpu/simd/sigmoid.h"
#include "cpu/simd/vector.h"
#include "cpu/tile/tile.h"

namespace full_w2v {

// -log sigmoid(z) = max(-z, 0) + log(1 + e), e = exp(-|z|) in (0, 1]. The factors 1 + e of up to 512 pairs
// are multiplied, which cannot exceed 2^512, so that one logarithm serves them all.
template <class V>
double tile_loss(const Tile& tile, int slots) {
  constexpr int pairs_a_logarithm = 512;
  double loss = 0.0, product = 1.0;
  for (int from = 0; from < slots; from += V::lanes) {
    alignas(64) float minus[V::lanes], powers[V::lanes];
    for (int i = 0; i < V::lanes; ++i) minus[i] = -fabsf(tile.scores[from + i]);
    V::store(powers, exponential<V>(V::load(minus)));
    for (int i = 0; i < V::lanes; ++i) {
      const double total = tile.total[from + i], positive = tile.positive[from + i];
      if (total == 0.0) continue;
      const double score = tile.scores[from + i];
      loss += score < 0.0 ? -score * positive : score * (total - positive);
      if (total == 1.0) {
        product *= 1.0 + static_cast<double>(powers[i]);
      } else {
        loss += total * log1p(static_cast<double>(powers[i]));
      }
    }
    if (from / V::lanes % (pairs_a_logarithm / V::lanes) == pairs_a_logarithm / V::lanes - 1) {
      loss += log(product);
      product = 1.0;
    }
  }
  return loss + log(product);
}

}  // namespace full_w2v
