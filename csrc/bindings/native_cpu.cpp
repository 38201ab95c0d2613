#include <memory>
#include <string>

#include "bindings/arrays.h"
#include "bindings/native.h"
#include "bindings/sgns_arguments.h"
#include "cpu/cpu_trainer.h"
#include "cpu/simd.h"

namespace py = pybind11;

namespace full_w2v {
namespace {

std::unique_ptr<CpuTrainer> make_trainer(const SgnsParams& params, const Array<uint32_t>& keep,
                                         const Array<uint32_t>& noise, int threads, const std::string& simd) {
  check_tables(params, keep, noise);
  const auto* slots = reinterpret_cast<const AliasSlot*>(noise.data());
  py::gil_scoped_release release;
  return std::make_unique<CpuTrainer>(params, keep.data(), slots, threads, simd);
}

void load(CpuTrainer& trainer, const Array<float>& input, const Array<float>& output) {
  check_matrices(trainer.params(), input, output);
  py::gil_scoped_release release;
  trainer.load(input.data(), output.data());
}

void read(const CpuTrainer& trainer, Array<float>& input, Array<float>& output) {
  check_matrices(trainer.params(), input, output);
  float* const input_rows = input.mutable_data();
  float* const output_rows = output.mutable_data();
  py::gil_scoped_release release;
  trainer.read(input_rows, output_rows);
}

py::tuple train(CpuTrainer& trainer, const Array<int32_t>& ids, const Array<int64_t>& offsets, int64_t begin,
                int64_t end, int32_t epoch) {
  const CorpusView corpus = corpus_view(ids, offsets);
  SpanStats stats;
  {
    py::gil_scoped_release release;
    check_offsets(corpus, ids.shape(0));
    stats = trainer.train(corpus, begin, end, epoch);
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
  py::class_<CpuTrainer>(module, "CpuTrainer", "Skip-gram with negative sampling on CPU threads.")
      .def(py::init(&make_trainer), py::kw_only(), py::arg("params"), py::arg("keep").noconvert(),
           py::arg("noise").noconvert(), py::arg("threads"), py::arg("simd") = "")
      .def("load", &load, py::arg("input").noconvert(), py::arg("output").noconvert(),
           "Copies both matrices, float32 [vocabulary, dimension], in.")
      .def("read", &read, py::arg("input").noconvert(), py::arg("output").noconvert(),
           "Copies both matrices into float32 arrays [vocabulary, dimension].")
      .def("train", &train, py::arg("ids").noconvert(), py::arg("offsets").noconvert(), py::arg("begin"),
           py::arg("end"), py::arg("epoch"),
           "Trains the segments that begin at tokens begin ... end - 1: (words, pairs, loss).")
      .def_property_readonly("simd", &CpuTrainer::simd)
      .def_property_readonly("threads", &CpuTrainer::threads);
}

}  // namespace full_w2v
