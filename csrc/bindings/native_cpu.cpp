#include <memory>
#include <string>
#include <utility>

#include "bindings/arrays.h"
#include "bindings/native.h"
#include "bindings/sgns_arguments.h"
#include "cpu/cpu_trainer.h"
#include "cpu/simd.h"

namespace py = pybind11;

namespace full_w2v {
namespace {

// The trainer with the corpus that it trains on: the arrays live as long as it reads them.
struct BoundTrainer {
  CpuTrainer trainer;
  Array<int32_t> ids;
  Array<int64_t> offsets;
  CorpusView corpus{};
};

std::unique_ptr<BoundTrainer> make_trainer(const SgnsParams& params, const Array<uint32_t>& keep,
                                           const Array<uint32_t>& noise, int threads,
                                           const std::string& simd) {
  check_tables(params, keep, noise);
  const auto* slots = reinterpret_cast<const AliasSlot*>(noise.data());
  CpuTrainer trainer = [&] {
    py::gil_scoped_release release;
    return CpuTrainer(params, keep.data(), slots, threads, simd);
  }();
  return std::unique_ptr<BoundTrainer>(new BoundTrainer{std::move(trainer), {}, {}});
}

void load(BoundTrainer& bound, const Array<float>& input, const Array<float>& output) {
  check_matrices(bound.trainer.params(), input, output);
  py::gil_scoped_release release;
  bound.trainer.load(input.data(), output.data());
}

void read(const BoundTrainer& bound, Array<float>& input, Array<float>& output) {
  check_matrices(bound.trainer.params(), input, output);
  float* const input_rows = input.mutable_data();
  float* const output_rows = output.mutable_data();
  py::gil_scoped_release release;
  bound.trainer.read(input_rows, output_rows);
}

void lock(BoundTrainer& bound, const Array<float>& locks) {
  require_shape("locks", locks, {bound.trainer.params().vocabulary});
  bound.trainer.lock(locks.data());
}

void set_corpus(BoundTrainer& bound, const Array<int32_t>& ids, const Array<int64_t>& offsets) {
  bound.corpus = checked_corpus(bound.trainer.params(), ids, offsets);
  bound.ids = ids;
  bound.offsets = offsets;
}

py::tuple train(BoundTrainer& bound, int64_t begin, int64_t end, int32_t epoch) {
  if (!bound.corpus.ids) throw std::invalid_argument("train needs a corpus; call set_corpus first");
  SpanStats stats;
  {
    py::gil_scoped_release release;
    stats = bound.trainer.train(bound.corpus, begin, end, epoch);
  }
  return py::make_tuple(stats.words, stats.pairs, stats.loss);
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
           py::arg("noise").noconvert(), py::arg("threads"), py::arg("simd") = "")
      .def("load", &load, py::arg("input").noconvert(), py::arg("output").noconvert(),
           "Copies both matrices, float32 [vocabulary, dimension], in.")
      .def("read", &read, py::arg("input").noconvert(), py::arg("output").noconvert(),
           "Copies both matrices into float32 arrays [vocabulary, dimension].")
      .def("lock", &lock, py::arg("locks").noconvert(),
           "Lets input row w take locks[w] times its change from now on; float32 [vocabulary].")
      .def("set_corpus", &set_corpus, py::arg("ids").noconvert(), py::arg("offsets").noconvert(),
           "Checks a corpus, int32 ids [tokens] and int64 offsets [sentences + 1], and trains on it from now "
           "on.")
      .def("train", &train, py::arg("begin"), py::arg("end"), py::arg("epoch"),
           "Trains the segments that begin at tokens begin ... end - 1: (words, pairs, loss).")
      .def_property_readonly("simd", [](const BoundTrainer& bound) { return bound.trainer.simd(); })
      .def_property_readonly("threads", [](const BoundTrainer& bound) { return bound.trainer.threads(); });
}

}  // namespace full_w2v
