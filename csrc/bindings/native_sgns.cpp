#include <vector>

#include "bindings/arrays.h"
#include "bindings/native.h"
#include "bindings/sgns_arguments.h"
#include "contract/alias_table.h"
#include "contract/draws.h"
#include "contract/params.h"
#include "contract/philox.h"

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

void check_range(const char* name, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return;
  throw std::invalid_argument(std::string(name) + " must be between " + std::to_string(low) + " and " +
                              std::to_string(high) + ", got " + std::to_string(value));
}

SgnsParams make_params(int32_t vocabulary, int32_t dimension, int32_t window, int32_t negative,
                       int32_t share_negatives, int32_t epochs, bool shrink_windows, bool loss,
                       bool pair_order, float alpha, float min_alpha, uint64_t seed, bool cbow,
                       bool cbow_mean, int32_t longest_path, bool bf16_rows, bool tf32_scores,
                       int32_t step_pairs) {
  check_range("vocabulary", vocabulary, 1, INT32_MAX);
  check_range("dimension", dimension, 1, 65536);
  check_range("window", window, 1, 1'000'000'000);
  check_range("longest_path", longest_path, 0, vocabulary);
  check_range("negative", negative, longest_path == 0 ? 1 : 0, 1000);
  check_range("share_negatives", share_negatives, 1, 64);
  check_range("epochs", epochs, 1, INT32_MAX);
  check_range("step_pairs", step_pairs, 1, INT32_MAX);
  const bool plain = !pair_order && !cbow && longest_path == 0;
  const auto check_plain = [plain](const char* setting, bool asked) {
    if (plain || !asked) return;
    throw std::invalid_argument(std::string(setting) + " needs skip-gram without a tree in window order");
  };
  check_plain("bf16_rows", bf16_rows);
  check_plain("tf32_scores", tf32_scores);
  return {vocabulary,
          dimension,
          window,
          negative,
          share_negatives,
          epochs,
          shrink_windows,
          loss,
          pair_order ? Order::pair : Order::window,
          alpha,
          min_alpha,
          seed,
          cbow ? Architecture::cbow : Architecture::skip_gram,
          cbow_mean,
          longest_path,
          bf16_rows ? RowPrecision::bf16 : RowPrecision::float32,
          tf32_scores ? ScorePrecision::tf32 : ScorePrecision::float32,
          window,
          step_pairs};
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

void bind_sgns(py::module_& module) {
  py::class_<SgnsParams>(module, "SgnsParams", "Settings of one training run, checked.")
      .def(py::init(&make_params), py::kw_only(), py::arg("vocabulary"), py::arg("dimension"),
           py::arg("window"), py::arg("negative"), py::arg("share_negatives"), py::arg("epochs"),
           py::arg("shrink_windows"), py::arg("loss"), py::arg("pair_order"), py::arg("alpha"),
           py::arg("min_alpha"), py::arg("seed"), py::arg("cbow"), py::arg("cbow_mean"),
           py::arg("longest_path"), py::arg("bf16_rows") = false, py::arg("tf32_scores") = false,
           py::arg("step_pairs"));
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
