#include "bindings/params.h"

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>

#include "contract/params.h"

namespace py = pybind11;

namespace full_w2v {
namespace {

// Takes settings out of keywords, each once and checked; what is left over at the end nobody knows.
class Keywords {
 public:
  explicit Keywords(const py::kwargs& given)
      : left_(py::reinterpret_steal<py::dict>(PyDict_Copy(given.ptr()))) {}

  template <class Number>
  void take(const char* name, Number& setting) {
    setting = taken(name).cast<Number>();
  }

  void take(const char* name, int32_t& setting, int64_t low, int64_t high) {
    const auto value = taken(name).cast<int64_t>();
    if (value < low || value > high) {
      throw std::invalid_argument(std::string(name) + " must be between " + std::to_string(low) + " and " +
                                  std::to_string(high) + ", got " + std::to_string(value));
    }
    setting = static_cast<int32_t>(value);
  }

  // One of some values, by their names.
  template <class Choice>
  void take(const char* name, Choice& setting,
            std::initializer_list<std::pair<const char*, Choice>> choices) {
    const auto value = taken(name).cast<std::string>();
    std::string names;
    for (const auto& choice : choices) {
      if (value == choice.first) {
        setting = choice.second;
        return;
      }
      names += std::string(names.empty() ? "" : ", ") + choice.first;
    }
    throw std::invalid_argument(std::string(name) + " must be one of " + names + ", got '" + value + "'");
  }

  void finish() const {
    for (const auto& entry : left_) {
      throw py::type_error("SgnsParams knows no " + entry.first.cast<std::string>());
    }
  }

 private:
  py::object taken(const char* name) {
    if (!left_.contains(name)) throw py::type_error(std::string("SgnsParams needs ") + name);
    py::object value = left_[name];
    PyDict_DelItemString(left_.ptr(), name);
    return value;
  }

  py::dict left_;
};

// What is rounded is trained by the plainest objective alone.
void check_precisions(const SgnsParams& params) {
  const bool plain =
      params.order == Order::window && params.architecture == Architecture::skip_gram && !has_tree(params);
  const char* const rounded = params.row_precision != RowPrecision::float32       ? "row_precision"
                              : params.score_precision != ScorePrecision::float32 ? "score_precision"
                                                                                  : nullptr;
  if (rounded && !plain) {
    throw std::invalid_argument(std::string(rounded) +
                                " other than float32 needs skip-gram without a tree in window order");
  }
}

SgnsParams make_params(const py::kwargs& given) {
  SgnsParams params{};
  Keywords keywords(given);
  keywords.take("vocabulary", params.vocabulary, 1, INT32_MAX);
  keywords.take("longest_path", params.longest_path, 0, params.vocabulary);
  keywords.take("vector_size", params.dimension, 1, 65536);
  keywords.take("window", params.window, 1, 1'000'000'000);
  keywords.take("shrink_windows", params.shrink_windows);
  keywords.take("negative", params.negative, has_tree(params) ? 0 : 1, 1000);
  keywords.take("share_negatives", params.share_negatives, 1, 64);
  keywords.take("architecture", params.architecture,
                {{"skip-gram", Architecture::skip_gram}, {"cbow", Architecture::cbow}});
  keywords.take("cbow_mean", params.cbow_mean);
  keywords.take("order", params.order, {{"window", Order::window}, {"pair", Order::pair}});
  keywords.take("alpha", params.alpha);
  keywords.take("min_alpha", params.min_alpha);
  keywords.take("epochs", params.epochs, 1, INT32_MAX);
  keywords.take("seed", params.seed);
  keywords.take("step_pairs", params.step_pairs, 1, 1 << 30);  // sums with indices stay in 32 bits
  keywords.take("row_precision", params.row_precision,
                {{"float32", RowPrecision::float32}, {"bf16", RowPrecision::bf16}});
  keywords.take("score_precision", params.score_precision,
                {{"float32", ScorePrecision::float32}, {"tf32", ScorePrecision::tf32}});
  keywords.take("loss", params.loss);
  keywords.finish();
  params.drawn_window = params.window;
  check_precisions(params);
  return params;
}

}  // namespace

void bind_params(py::module_& module) {
  py::class_<SgnsParams>(module, "SgnsParams", py::module_local(), "Settings of one training, checked.")
      .def(py::init(&make_params));
}

}  // namespace full_w2v
