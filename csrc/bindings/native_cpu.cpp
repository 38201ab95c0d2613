#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bindings/arrays.h"
#include "bindings/native.h"
#include "bindings/sole_use.h"
#include "bindings/trainer_arguments.h"
#include "cpu/cpu_trainer.h"
#include "cpu/simd/levels.h"

namespace py = pybind11;

namespace full_w2v {
namespace {

// The trainer with the corpus that it trains on: the arrays live as long as it reads them.
struct BoundTrainer {
  CpuTrainer trainer;
  Array<int32_t> ids;
  Array<int64_t> offsets;
  CorpusView corpus{};
  std::atomic<bool> busy{false};
};

class Use : SoleUse {
 public:
  explicit Use(BoundTrainer& bound) : SoleUse(bound.busy, "trainer") {}
};

// Whether a signal's handler has raised, as that of Ctrl-C does. The error stays set for this thread.
bool has_raised() {
  const py::gil_scoped_acquire acquire;
  return PyErr_CheckSignals() != 0;
}

std::unique_ptr<BoundTrainer> make_trainer(const SgnsParams& params, const Array<uint32_t>& keep,
                                           const Array<uint32_t>& noise, int threads, const std::string& simd,
                                           const std::optional<Array<int64_t>>& path_offsets,
                                           const std::optional<Array<uint32_t>>& path_steps) {
  check_tables(params, keep, noise);
  if (has_tree(params) != (path_offsets && path_steps)) {
    throw std::invalid_argument("path_offsets and path_steps must be given if and only if longest_path is");
  }
  const HuffmanPaths paths =
      has_tree(params) ? checked_paths(params, *path_offsets, *path_steps) : HuffmanPaths{};
  const auto* slots = reinterpret_cast<const AliasSlot*>(noise.data());
  CpuTrainer trainer = [&] {
    py::gil_scoped_release release;
    return CpuTrainer(params, keep.data(), slots, paths, threads, simd);
  }();
  return std::unique_ptr<BoundTrainer>(new BoundTrainer{std::move(trainer), {}, {}});
}

void check_inner(const SgnsParams& params, const std::optional<Array<float>>& inner) {
  if (has_tree(params) != inner.has_value()) {
    throw std::invalid_argument("inner must be given if and only if there is a tree");
  }
  if (inner) require_shape("inner", *inner, {params.vocabulary, params.dimension});
}

void load(BoundTrainer& bound, const Array<float>& input, const Array<float>& output,
          const std::optional<Array<float>>& inner) {
  const Use use(bound);
  check_matrices(bound.trainer.params(), input, output);
  check_inner(bound.trainer.params(), inner);
  const float* const inner_rows = inner ? inner->data() : nullptr;
  py::gil_scoped_release release;
  bound.trainer.load(input.data(), output.data(), inner_rows);
}

void read(BoundTrainer& bound, Array<float>& input, Array<float>& output,
          std::optional<Array<float>>& inner) {
  const Use use(bound);
  check_matrices(bound.trainer.params(), input, output);
  check_inner(bound.trainer.params(), inner);
  float* const input_rows = input.mutable_data();
  float* const output_rows = output.mutable_data();
  float* const inner_rows = inner ? inner->mutable_data() : nullptr;
  py::gil_scoped_release release;
  bound.trainer.read(input_rows, output_rows, inner_rows);
}

void lock(BoundTrainer& bound, const Array<float>& locks) {
  const Use use(bound);
  require_shape("locks", locks, {bound.trainer.params().vocabulary});
  bound.trainer.lock(locks.data());
}

void set_corpus(BoundTrainer& bound, const Array<int32_t>& ids, const Array<int64_t>& offsets,
                const py::object& after_piece) {
  const Use use(bound);
  const CorpusView corpus = checked_corpus(bound.trainer.params(), ids, offsets, after_piece);
  int64_t longest = 0;
  for (int64_t s = 0; s < corpus.sentences; ++s) {
    longest = std::max(longest, corpus.offsets[s + 1] - corpus.offsets[s]);
  }
  bound.trainer.fit_sentences(longest);
  bound.corpus = corpus;
  bound.ids = ids;
  bound.offsets = offsets;
}

py::tuple train(BoundTrainer& bound, int64_t begin, int64_t end, int32_t epoch) {
  const Use use(bound);
  if (!bound.corpus.ids) throw std::invalid_argument("train needs a corpus; call set_corpus first");
  SpanStats stats;
  bool interrupted = false;
  {
    py::gil_scoped_release release;
    stats = bound.trainer.train(bound.corpus, begin, end, epoch, [&] {
      interrupted = interrupted || has_raised();
      return interrupted;
    });
  }
  if (interrupted) throw py::error_already_set();
  return py::make_tuple(stats.words, stats.pairs, stats.loss);
}

double largest_norm(BoundTrainer& bound, int64_t begin, int64_t end) {
  const Use use(bound);
  const py::gil_scoped_release release;
  return bound.trainer.largest_norm(begin, end);
}

py::list simd_levels() {
  py::list names;
  for (const LevelKernels* level : available_levels()) names.append(level->name);
  return names;
}

}  // namespace

void bind_cpu(py::module_& module) {
  module.def("simd_levels", &simd_levels, "Instruction-set levels that this machine can run, slowest first.");
  py::class_<BoundTrainer>(module, "CpuTrainer", "Skip-gram with negative sampling on CPU threads.")
      .def(py::init(&make_trainer), py::kw_only(), py::arg("params"), py::arg("keep").noconvert(),
           py::arg("noise").noconvert(), py::arg("threads"), py::arg("simd") = "",
           py::arg("path_offsets").noconvert() = py::none(), py::arg("path_steps").noconvert() = py::none())
      .def("load", &load, py::arg("input").noconvert(), py::arg("output").noconvert(),
           py::arg("inner").noconvert() = py::none(),
           "Copies the matrices, float32 [vocabulary, dimension], in; `inner` if there is a tree.")
      .def("read", &read, py::arg("input").noconvert(), py::arg("output").noconvert(),
           py::arg("inner").noconvert() = py::none(),
           "Copies the matrices into float32 arrays [vocabulary, dimension].")
      .def("lock", &lock, py::arg("locks").noconvert(),
           "Lets input row w take locks[w] times its change from now on; float32 [vocabulary].")
      .def(
          "pin_threads",
          [](BoundTrainer& bound) {
            const Use use(bound);
            bound.trainer.pin_threads();
          },
          "Keeps each thread on a core of its own while it trains.")
      .def(
          "set_corpus", &set_corpus, py::arg("ids").noconvert(), py::arg("offsets").noconvert(),
          py::arg("after_piece") = py::none(),
          "Checks a corpus, int32 ids [tokens] and int64 offsets [sentences + 1], piece by piece with a call "
          "of after_piece behind each, and trains on it from now on.")
      .def(
          "train", &train, py::arg("begin"), py::arg("end"), py::arg("epoch"),
          "Trains the segments that begin at tokens begin ... end - 1: (words, pairs, loss). Ctrl-C ends it.")
      .def("largest_norm", &largest_norm, py::arg("begin"), py::arg("end"),
           "Largest norm of rows begin ... end - 1 of all matrices; infinity if a value is not finite.")
      .def_property_readonly("simd", [](const BoundTrainer& bound) { return bound.trainer.simd(); })
      .def_property_readonly("threads", [](const BoundTrainer& bound) { return bound.trainer.threads(); });
}

}  // namespace full_w2v
