// full_w2v._cuda, and, compiled for the emulated device, full_w2v._cuda_emulated.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstring>
#include <mutex>

#include "bindings/arrays.h"
#include "bindings/cuda.h"
#include "bindings/dlpack.h"
#include "bindings/params.h"
#include "bindings/trainer_arguments.h"
#include "cuda/row_rate.h"
#include "cuda/trainer.h"

namespace py = pybind11;

namespace full_w2v {
namespace {

// Number of devices; 0, and why in `reason`, if none can be used.
int device_count(std::string& reason) {
  int count = 0;  // unchanged without a driver
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return count;
  cudaGetLastError();
  reason = error == cudaErrorInsufficientDriver ? "no NVIDIA driver found, or one that is too old"
           : error == cudaErrorNoDevice || error == cudaSuccess
               ? "no CUDA device found"
               : std::string("cudaGetDeviceCount failed: ") + cudaGetErrorName(error);
  return 0;
}

// What full_w2v.bench asks of a device in addition to its properties, in the runtime's units.
constexpr std::pair<const char*, cudaDeviceAttr> kAttributes[] = {
    {"clock_khz", cudaDevAttrClockRate},
    {"memory_clock_khz", cudaDevAttrMemoryClockRate},
    {"memory_bus_bits", cudaDevAttrGlobalMemoryBusWidth},
    {"l2_bytes", cudaDevAttrL2CacheSize},
    {"multiprocessor_shared_bytes", cudaDevAttrMaxSharedMemoryPerMultiprocessor},
    {"reserved_shared_bytes", cudaDevAttrReservedSharedMemoryPerBlock},
    {"multiprocessor_blocks", cudaDevAttrMaxBlocksPerMultiprocessor},
};

py::list devices() {
  std::string reason;
  const int count = device_count(reason);
  py::list list;
  for (int index = 0; index < count; ++index) {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");
    py::dict device;
    device["name"] = std::string(properties.name);
    device["memory_bytes"] = properties.totalGlobalMem;
    device["shared_bytes"] = properties.sharedMemPerBlockOptin;
    device["multiprocessors"] = properties.multiProcessorCount;
    device["capability"] = std::to_string(properties.major) + "." + std::to_string(properties.minor);
    for (const auto& [name, attribute] : kAttributes) {
      int value = 0;
      check(cudaDeviceGetAttribute(&value, attribute, index), "cudaDeviceGetAttribute");
      device[name] = value;
    }
    list.append(device);
  }
  return list;
}

std::string unavailable_reason() {
  std::string reason;
  device_count(reason);
  return reason;
}

void require(bool holds, const char* what, int64_t got) {
  if (!holds) throw std::invalid_argument(std::string(what) + ", got " + std::to_string(got));
}

std::unique_ptr<Trainer> make_trainer(const SgnsParams& params, const std::string& kernel, int device,
                                      uintptr_t stream, int64_t corpus_bytes, int64_t blocks,
                                      int64_t launch_segments, int64_t launch_tokens) {
  require(blocks >= 1 && blocks <= INT32_MAX, "blocks must be between 1 and 2^31 - 1", blocks);
  require(launch_segments >= 1, "launch_segments must be at least 1", launch_segments);
  require(launch_tokens >= 1, "launch_tokens must be at least 1", launch_tokens);
  TrainerOptions options;
  options.device = device;
  options.kernel = kernel;
  options.stream = reinterpret_cast<cudaStream_t>(stream);
  options.corpus_bytes = corpus_bytes;
  options.blocks = blocks;
  options.launch_segments = launch_segments;
  options.launch_tokens = launch_tokens;
  py::gil_scoped_release release;
  return std::make_unique<Trainer>(params, options);
}

// A trainer, with the arrays that it reads while a corpus is bound.
//
// Its calls let go of the GIL, and then take turns: what one of them uses is not freed or changed by another.
// Nobody waits for the turn with the GIL. The trainer itself leaves only under both, so that one of them is
// enough to look at it.
class BoundTrainer {
 public:
  explicit BoundTrainer(std::unique_ptr<Trainer> trainer)
      : trainer_(std::move(trainer)), params_(trainer_->params()) {}

  Trainer& trainer() const {
    if (!trainer_) throw std::invalid_argument("the trainer is closed");
    return *trainer_;
  }

  void load(const Array<float>& input, const Array<float>& output, const Array<uint32_t>& keep,
            const Array<uint32_t>& noise) {
    check_matrices(params_, input, output);
    check_tables(params_, keep, noise);
    const float *x = input.data(), *y = output.data();
    const uint32_t* thresholds = keep.data();
    const auto* slots = reinterpret_cast<const AliasSlot*>(noise.data());
    py::gil_scoped_release release;
    const std::lock_guard<std::mutex> turn(mutex_);
    trainer().load(x, y, thresholds, slots);
  }

  void bind(const Array<int32_t>& ids, const Array<int64_t>& offsets, int64_t in_flight) {
    require(in_flight >= 1 && in_flight <= INT32_MAX, "in_flight must be between 1 and 2^31 - 1", in_flight);
    const CorpusView corpus = checked_corpus(params_, ids, offsets);
    py::object new_ids = ids, new_offsets = offsets;
    py::gil_scoped_release release;
    const std::lock_guard<std::mutex> turn(mutex_);
    tokens_ = -1;  // no corpus, should bind fail
    trainer().bind(corpus, in_flight);
    std::swap(ids_, new_ids);  // the old ones go with the GIL
    std::swap(offsets_, new_offsets);
    tokens_ = corpus.tokens();
  }

  py::tuple train(int64_t begin, int64_t end, int32_t epoch) {
    require(epoch >= 0, "epoch must be at least 0", epoch);
    const SpanStats stats = train_alone(begin, end, epoch);
    return py::make_tuple(stats.words, stats.pairs, stats.loss);
  }

  void read(Array<float>& input, Array<float>& output) {
    check_matrices(params_, input, output);
    float *x = input.mutable_data(), *y = output.mutable_data();
    py::gil_scoped_release release;
    const std::lock_guard<std::mutex> turn(mutex_);
    trainer().read(x, y);
  }

  void close() {
    py::gil_scoped_release release;
    const std::lock_guard<std::mutex> turn(mutex_);
    take_trainer();  // and frees it
  }

 private:
  SpanStats train_alone(int64_t begin, int64_t end, int32_t epoch) {
    py::gil_scoped_release release;
    const std::lock_guard<std::mutex> turn(mutex_);
    Trainer& one = trainer();
    if (tokens_ < 0) throw std::invalid_argument("train() needs a corpus: call bind() first");
    if (begin < 0 || begin > end || end > tokens_) {
      throw std::invalid_argument("begin and end must be 0 <= begin <= end <= " + std::to_string(tokens_) +
                                  ", got " + std::to_string(begin) + " and " + std::to_string(end));
    }
    return one.train(begin, end, epoch);
  }

  std::unique_ptr<Trainer> take_trainer() {
    py::gil_scoped_acquire acquire;
    return std::move(trainer_);
  }

  std::mutex mutex_;
  std::unique_ptr<Trainer> trainer_;
  const SgnsParams params_;
  py::object ids_, offsets_;  // None until a corpus is bound
  int64_t tokens_ = -1;
};

// CUDA array interface, version 3: a matrix that cupy and others use where it is.
py::dict array_interface(const DeviceMatrix& matrix) {
  constexpr int64_t kFloat = sizeof(float);
  py::dict interface;
  interface["shape"] = py::make_tuple(matrix.rows, matrix.columns);
  interface["strides"] = py::make_tuple(matrix.stride * kFloat, kFloat);
  interface["typestr"] = "<f4";
  interface["data"] = py::make_tuple(matrix.data, false);
  interface["version"] = 3;
  return interface;
}

py::list kernel_list() {
  py::list list;
  for (const Kernel* kernel : kernels()) {
    py::dict entry;
    entry["name"] = kernel->name;
    entry["orders"] = kernel->orders();
    list.append(entry);
  }
  return list;
}

py::tuple kernel_choice(const SgnsParams& params, const std::string& kernel, int device) {
  const KernelChoice choice = choose_kernel_on(device, kernel, params);
  return py::make_tuple(choice.kernel->name, choice.note);
}

py::dict row_rate(const std::string& use, int64_t vocabulary, int64_t stride, const Array<int32_t>& rows,
                  int passes, int device) {
  require(vocabulary >= 1, "vocabulary must be at least 1", vocabulary);
  require(stride >= 8 && stride % 8 == 0, "stride must be a multiple of 8", stride);
  require(rows.ndim() == 1 && rows.size() >= 1, "rows must be a list of at least 1", rows.size());
  require(passes >= 1, "passes must be at least 1", passes);
  const int32_t* ids = rows.data();
  for (int64_t i = 0; i < rows.size(); ++i) {
    require(ids[i] >= 0 && ids[i] < vocabulary, "rows must be ids of the vocabulary", ids[i]);
  }
  RowRate rate{};
  {
    py::gil_scoped_release release;
    rate = measure_row_rate(device, use, vocabulary, stride, ids, rows.size(), passes);
  }
  py::dict result;
  result["seconds"] = rate.seconds;
  result["values"] = rate.values;
  return result;
}

void bind_trainer(py::module_& module) {
  py::class_<BoundTrainer>(module, "Trainer", py::module_local(),
                           "Matrices and tables on one CUDA device, and the kernel that trains them.")
      .def(py::init([](const SgnsParams& params, const std::string& kernel, int device, uintptr_t stream,
                       int64_t corpus_bytes, int64_t blocks, int64_t launch_segments, int64_t launch_tokens) {
             return std::make_unique<BoundTrainer>(make_trainer(params, kernel, device, stream, corpus_bytes,
                                                                blocks, launch_segments, launch_tokens));
           }),
           py::kw_only(), py::arg("params"), py::arg("kernel") = "auto", py::arg("device") = 0,
           py::arg("stream") = 0, py::arg("corpus_bytes") = TrainerOptions{}.corpus_bytes,
           py::arg("blocks") = TrainerOptions{}.blocks,
           py::arg("launch_segments") = TrainerOptions{}.launch_segments,
           py::arg("launch_tokens") = TrainerOptions{}.launch_tokens)
      .def("load", &BoundTrainer::load, py::arg("input").noconvert(), py::arg("output").noconvert(),
           py::arg("keep").noconvert(), py::arg("noise").noconvert(),
           "Takes matrices [vocabulary, vector_size] and tables.")
      .def("bind", &BoundTrainer::bind, py::arg("ids").noconvert(), py::arg("offsets").noconvert(),
           py::arg("in_flight") = INT32_MAX,
           "Takes the corpus that train() reads, int32 ids and int64 sentence offsets, and how many of its "
           "segments may be in flight at once.")
      .def("train", &BoundTrainer::train, py::arg("begin"), py::arg("end"), py::arg("epoch"),
           "Trains the segments that begin at tokens begin ... end - 1; gives words, pairs and the loss's "
           "sum.")
      .def("read", &BoundTrainer::read, py::arg("input").noconvert(), py::arg("output").noconvert(),
           "Copies the matrices into these arrays; after a fault of the device it writes nothing.")
      .def("close", &BoundTrainer::close, "Frees the device's memory.")
      .def_property_readonly("kernel",
                             [](const BoundTrainer& one) { return one.trainer().choice().kernel->name; })
      .def_property_readonly("block_threads",
                             [](const BoundTrainer& one) { return one.trainer().choice().shape.threads; })
      .def_property_readonly(
          "block_shared_bytes",
          [](const BoundTrainer& one) { return one.trainer().choice().shape.shared_bytes; })
      .def_property_readonly("note", [](const BoundTrainer& one) { return one.trainer().choice().note; })
      .def_property_readonly("corpus_is_resident",
                             [](const BoundTrainer& one) { return one.trainer().corpus_is_resident(); })
      .def_property_readonly("input_interface",
                             [](const BoundTrainer& one) { return array_interface(one.trainer().input()); })
      .def_property_readonly("output_interface",
                             [](const BoundTrainer& one) { return array_interface(one.trainer().output()); })
      .def(
          "input_dlpack",
          [](const py::object& self, int32_t type, int32_t id) {
            return dlpack_capsule(self.cast<const BoundTrainer&>().trainer().input(), {type, id}, self);
          },
          py::arg("device_type"), py::arg("device_id"), "A DLPack capsule of the input matrix.")
      .def(
          "output_dlpack",
          [](const py::object& self, int32_t type, int32_t id) {
            return dlpack_capsule(self.cast<const BoundTrainer&>().trainer().output(), {type, id}, self);
          },
          py::arg("device_type"), py::arg("device_id"), "A DLPack capsule of the output matrix.")
      .def_property_readonly("memory", [](const BoundTrainer& one) {
        py::list list;
        for (const MemoryUse& use : one.trainer().memory()) {
          list.append(py::make_tuple(use.name, use.address, use.bytes));
        }
        return list;
      });
}

}  // namespace

void bind_cuda(py::module_& module) {
  py::register_local_exception<CudaError>(module, "CudaError", PyExc_RuntimeError);
  module.def("devices", &devices, "Properties of every CUDA device that can be used.");
  module.def("unavailable_reason", &unavailable_reason, "Why no CUDA device can be used; empty if one can.");
  module.def("kernels", &kernel_list, "Name and orders of every kernel, the first choice first.");
  bind_params(module);
  module.def("kernel_choice", &kernel_choice, py::kw_only(), py::arg("params"), py::arg("kernel") = "auto",
             py::arg("device") = 0,
             "Name of the kernel that a trainer would take, and why it is not the one asked for.");
  module.def("row_uses", &row_uses, py::arg("device") = 0, "What row_rate() can measure on the device.");
  module.def("row_rate", &row_rate, py::kw_only(), py::arg("use"), py::arg("vocabulary"), py::arg("stride"),
             py::arg("rows").noconvert(), py::arg("passes"), py::arg("device") = 0,
             "Seconds of the fastest of several passes over rows of a matrix [vocabulary, stride], and the "
             "values that one pass reads or adds.");
  bind_trainer(module);
}

}  // namespace full_w2v
