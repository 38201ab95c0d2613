#include "contract/alias_table.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace full_w2v {
namespace {

double checked_sum(const double* weights, int64_t count) {
  double sum = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    if (!(weights[i] >= 0.0)) {
      throw std::invalid_argument("weights must not be negative, got " + std::to_string(weights[i]) +
                                  " at index " + std::to_string(i));
    }
    sum += weights[i];
  }
  if (!(sum > 0.0) || !std::isfinite(sum)) {
    throw std::invalid_argument("weights must have a positive, finite sum, got " + std::to_string(sum));
  }
  return sum;
}

}  // namespace

std::vector<AliasSlot> build_alias_table(const double* weights, int64_t count) {
  constexpr double kTwo32 = 4294967296.0;
  if (count < 1 || count > std::numeric_limits<int32_t>::max()) {
    throw std::invalid_argument("an alias table needs 1 to 2^31 - 1 weights, got " + std::to_string(count));
  }
  const double scale = static_cast<double>(count) / checked_sum(weights, count);
  std::vector<double> share(weights, weights + count);
  std::vector<uint32_t> small, large;
  for (int64_t i = 0; i < count; ++i) {
    share[i] *= scale;
    (share[i] < 1.0 ? small : large).push_back(static_cast<uint32_t>(i));
  }
  std::vector<AliasSlot> table(count);
  while (!small.empty() && !large.empty()) {
    const uint32_t poor = small.back(), rich = large.back();
    small.pop_back();
    table[poor] = {static_cast<uint32_t>(share[poor] * kTwo32), rich};
    share[rich] -= 1.0 - share[poor];
    if (share[rich] < 1.0) {
      large.pop_back();
      small.push_back(rich);
    }
  }
  // What is left holds exactly its own share but for rounding: it always gives itself.
  for (const auto* rest : {&small, &large}) {
    for (const uint32_t slot : *rest) table[slot] = {std::numeric_limits<uint32_t>::max(), slot};
  }
  return table;
}

}  // namespace full_w2v
