#include <vector>

#include "bindings/arrays.h"
#include "bindings/native.h"
#include "bindings/params.h"
#include "bindings/trainer_arguments.h"
#include "contract/alias_table.h"
#include "contract/draws.h"
#include "contract/params.h"
#include "contract/philox.h"
#include "contract/simd_levels.h"

namespace py = pybind11;

namespace full_w2v {
namespace {

// One Philox4x32-10 block per row of `counters`.
py::array_t<uint32_t> philox_blocks(const Array<uint32_t>& counters, uint64_t key) {
  require_shape("counters", counters, {-1, 4});
  py::array_t<uint32_t> blocks({counters.shape(0), py::ssize_t{4}});
  const auto in = counters.unchecked<2>();
  auto out = blocks.mutable_unchecked<2>();
  for (py::ssize_t row = 0; row < in.shape(0); ++row) {
    const PhiloxBlock block = philox({{in(row, 0), in(row, 1), in(row, 2), in(row, 3)}},
                                     static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32));
    for (int word = 0; word < 4; ++word) out(row, word) = block.word[word];
  }
  return blocks;
}

py::array_t<uint32_t> alias_table(const Array<double>& weights) {
  require_shape("weights", weights, {-1});
  std::vector<AliasSlot> table;
  {
    const double* data = weights.data();
    const int64_t count = weights.shape(0);
    py::gil_scoped_release release;
    table = build_alias_table(data, count);
  }
  py::array_t<uint32_t> result({static_cast<py::ssize_t>(table.size()), py::ssize_t{2}});
  auto out = result.mutable_unchecked<2>();
  for (size_t slot = 0; slot < table.size(); ++slot) {
    out(slot, 0) = table[slot].threshold;
    out(slot, 1) = table[slot].alias;
  }
  return result;
}

// What draws.h gives for tokens: keep draws [n], window radii [n] and negatives [n, negative].
py::tuple token_draws(const Array<int64_t>& positions, uint64_t seed, uint32_t epoch, int window, bool shrink,
                      const Array<uint32_t>& noise, int negative) {
  require_shape("positions", positions, {-1});
  require_alias_table(noise);
  if (window < 1 || negative < 0)
    throw std::invalid_argument("window must be positive, negative not below 0");
  const auto position = positions.unchecked<1>();
  const auto* table = reinterpret_cast<const AliasSlot*>(noise.data());
  const auto slots = static_cast<uint32_t>(noise.shape(0));
  py::array_t<uint32_t> keep(position.shape(0));
  py::array_t<int32_t> radius(position.shape(0));
  py::array_t<int32_t> negatives({position.shape(0), static_cast<py::ssize_t>(negative)});
  auto keep_out = keep.mutable_unchecked<1>();
  auto radius_out = radius.mutable_unchecked<1>();
  auto negatives_out = negatives.mutable_unchecked<2>();
  for (py::ssize_t i = 0; i < position.shape(0); ++i) {
    keep_out(i) = keep_draw(seed, epoch, position(i));
    radius_out(i) = window_radius(token_draw(seed, epoch, position(i), kWindowDraw), window, shrink);
    for (int n = 0; n < negative; ++n) {
      const uint32_t draw = token_draw(seed, epoch, position(i), kFirstNegativeDraw + n);
      negatives_out(i, n) = static_cast<int32_t>(draw_alias(table, slots, draw));
    }
  }
  return py::make_tuple(keep, radius, negatives);
}

// params.h's learning rate for segments that begin at these tokens.
py::array_t<float> learning_rates(float alpha, float min_alpha, int32_t epochs, int64_t corpus_tokens,
                                  int32_t epoch, const Array<int64_t>& segments) {
  require_shape("segments", segments, {-1});
  SgnsParams params{};
  params.alpha = alpha;
  params.min_alpha = min_alpha;
  params.epochs = epochs;
  const auto segment = segments.unchecked<1>();
  py::array_t<float> rates(segment.shape(0));
  auto out = rates.mutable_unchecked<1>();
  for (py::ssize_t i = 0; i < segment.shape(0); ++i) {
    out(i) = learning_rate(params, corpus_tokens, epoch, segment(i));
  }
  return rates;
}

}  // namespace

void bind_contract(py::module_& module) {
  bind_params(module);
  py::list levels;
  for (const char* level : kSimdLevels) levels.append(level);
  module.attr("SIMD_LEVELS") = py::tuple(levels);
  module.attr("SEGMENT_TOKENS") = kSegmentTokens;
  module.def("philox", &philox_blocks, py::arg("counters").noconvert(), py::arg("key"),
             "Philox4x32-10 blocks for uint32 counters of shape [n, 4] and a 64-bit key.");
  module.def("alias_table", &alias_table, py::arg("weights").noconvert(),
             "Alias table of float64 weights of shape [n]: uint32 [n, 2], threshold and alias of each slot.");
  module.def(
      "token_draws", &token_draws, py::arg("positions").noconvert(), py::arg("seed"), py::arg("epoch"),
      py::arg("window"), py::arg("shrink"), py::arg("noise").noconvert(), py::arg("negative"),
      "Keep draws [n], window radii [n] and negatives [n, negative] of tokens at int64 positions [n].");
  module.def("learning_rates", &learning_rates, py::arg("alpha"), py::arg("min_alpha"), py::arg("epochs"),
             py::arg("corpus_tokens"), py::arg("epoch"), py::arg("segments").noconvert(),
             "Learning rates, float32 [n], of segments that begin at int64 tokens [n] of the corpus.");
}

}  // namespace full_w2v
