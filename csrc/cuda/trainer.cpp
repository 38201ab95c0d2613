#include "cuda/trainer.h"

#include <algorithm>
#include <stdexcept>

namespace full_w2v {
namespace {

constexpr int64_t kScratchBytes = int64_t{256} << 20;  // for all blocks of a launch together
constexpr int64_t kStagedWords = 4096;                 // whose rows are rounded or widened at a time
constexpr double kCorpusShare = 0.8;                   // of the free memory may hold the corpus

int64_t shared_limit(int device) {
  use_device(device);
  int bytes = 0;
  check(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
        "cudaDeviceGetAttribute");
  return bytes;
}

// Throws std::invalid_argument for settings that need another device.
void require_capability(int device, const SgnsParams& params) {
  constexpr int kTensorCores = 8;  // of TF32
  int major = 0, minor = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "cudaDeviceGetAttribute");
  check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device), "cudaDeviceGetAttribute");
  if (params.score_precision == ScorePrecision::float32 || major >= kTensorCores) return;
  throw std::invalid_argument("score_precision=tf32 needs compute capability 8.0 or later; CUDA device " +
                              std::to_string(device) + " has " + std::to_string(major) + "." +
                              std::to_string(minor));
}

int64_t free_memory() {
  size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return static_cast<int64_t>(free);
}

std::string mebibytes(int64_t bytes) { return std::to_string((bytes >> 20) + 1) + " MiB"; }

// Makes room for `count` values, rounded up so that buffers seldom grow.
template <class Buffer>
void reserve(Buffer& buffer, int64_t count) {
  if (static_cast<int64_t>(buffer.count()) >= count) return;
  buffer = Buffer();  // frees the old one first
  buffer = Buffer(static_cast<size_t>(count + count / 4));
}

}  // namespace

KernelChoice choose_kernel_on(int device, const std::string& kernel, const SgnsParams& params) {
  if (params.dimension > kMaxDimension) {
    throw std::invalid_argument("vector_size must be at most " + std::to_string(kMaxDimension) +
                                " on the cuda backend, got " + std::to_string(params.dimension));
  }
  require_capability(device, params);
  return choose_kernel(kernel, params, shared_limit(device));
}

Trainer::Trainer(const SgnsParams& params, const TrainerOptions& options)
    : params_(params),
      options_(options),
      stride_(row_stride(params.dimension, params.row_precision)),
      choice_(choose_kernel_on(options.device, options.kernel, params)) {
  if (options.stream == nullptr) own_stream_.emplace();
  stream_ = own_stream_ ? own_stream_->get() : options.stream;
  require_memory();
  const auto values = static_cast<size_t>(params.vocabulary * stride_);
  if (rounds()) {
    input_bf16_ = DeviceBuffer<Bf16>(values);
    output_bf16_ = DeviceBuffer<Bf16>(values);
  } else {
    input_ = DeviceBuffer<float>(values);
    output_ = DeviceBuffer<float>(values);
  }
  keep_ = DeviceBuffer<uint32_t>(static_cast<size_t>(params.vocabulary));
  noise_ = DeviceBuffer<AliasSlot>(static_cast<size_t>(params.vocabulary));
  totals_ = DeviceBuffer<Totals>(1);
  if (const int64_t floats = choice_.shape.scratch_floats) {
    const int64_t blocks =
        std::max<int64_t>(1, kScratchBytes / (floats * static_cast<int64_t>(sizeof(float))));
    scratch_ = DeviceBuffer<float>(
        static_cast<size_t>(std::min({blocks, options.blocks, options.launch_segments}) * floats));
  }
}

Trainer::~Trainer() { cudaSetDevice(options_.device); }

void Trainer::require_memory() const {
  const int64_t words = params_.vocabulary;
  const int64_t matrices =
      2 * words * stride_ * static_cast<int64_t>(rounds() ? sizeof(Bf16) : sizeof(float));
  const int64_t tables = words * static_cast<int64_t>(sizeof(uint32_t) + sizeof(AliasSlot));
  const int64_t free = free_memory();
  if (matrices + tables <= free) return;
  const int64_t fitting = words * (free / 1024) / ((matrices + tables) / 1024 + 1);
  throw CudaError("two matrices of " + std::to_string(words) + " words and " +
                  std::to_string(params_.dimension) + " values need " + mebibytes(matrices) + ", tables " +
                  mebibytes(tables) + ", but CUDA device " + std::to_string(options_.device) + " has " +
                  mebibytes(free) + " free; about " + std::to_string(fitting) + " words would fit");
}

void Trainer::load(const float* input, const float* output, const uint32_t* keep, const AliasSlot* noise) {
  use_device(options_.device);
  if (rounds()) {
    load_rounded(input_bf16_, input);
    load_rounded(output_bf16_, output);
  } else {
    load_exact(input_, input);
    load_exact(output_, output);
  }
  const auto words = static_cast<size_t>(params_.vocabulary);
  copy_to_device(keep_.data(), keep, words, stream_);
  copy_to_device(noise_.data(), noise, words, stream_);
  host_keep_.assign(keep, keep + words);
  check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
}

void Trainer::load_exact(DeviceBuffer<float>& matrix, const float* host) {
  const auto width = static_cast<size_t>(params_.dimension) * sizeof(float);
  const auto pitch = static_cast<size_t>(stride_) * sizeof(float);
  check(cudaMemsetAsync(matrix.data(), 0, matrix.bytes(), stream_), "cudaMemsetAsync");
  check(cudaMemcpy2DAsync(matrix.data(), pitch, host, width, width, static_cast<size_t>(params_.vocabulary),
                          cudaMemcpyHostToDevice, stream_),
        "cudaMemcpy2DAsync to device");
}

void Trainer::read_exact(const DeviceBuffer<float>& matrix, float* host) {
  const auto width = static_cast<size_t>(params_.dimension) * sizeof(float);
  const auto pitch = static_cast<size_t>(stride_) * sizeof(float);
  check(cudaMemcpy2DAsync(host, width, matrix.data(), pitch, width, static_cast<size_t>(params_.vocabulary),
                          cudaMemcpyDeviceToHost, stream_),
        "cudaMemcpy2DAsync to host");
}

// Rounds the rows to the nearest and pads them, in pieces of kStagedWords words.
void Trainer::load_rounded(DeviceBuffer<Bf16>& matrix, const float* host) {
  std::vector<Bf16> staged(static_cast<size_t>(kStagedWords * stride_), Bf16{0});
  for (int64_t first = 0; first < params_.vocabulary; first += kStagedWords) {
    const int64_t words = std::min<int64_t>(kStagedWords, params_.vocabulary - first);
    for (int64_t word = 0; word < words; ++word) {
      const float* const row = host + (first + word) * params_.dimension;
      std::transform(row, row + params_.dimension, staged.begin() + word * stride_,
                     [](float value) { return rounded_to_nearest(value); });
    }
    copy_to_device(matrix.data() + first * stride_, staged.data(), static_cast<size_t>(words * stride_),
                   stream_);
    check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");  // the piece's room is used again
  }
}

void Trainer::read_widened(const DeviceBuffer<Bf16>& matrix, float* host) {
  std::vector<Bf16> staged(static_cast<size_t>(kStagedWords * stride_));
  for (int64_t first = 0; first < params_.vocabulary; first += kStagedWords) {
    const int64_t words = std::min<int64_t>(kStagedWords, params_.vocabulary - first);
    copy_to_host(staged.data(), matrix.data() + first * stride_, static_cast<size_t>(words * stride_),
                 stream_);
    check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
    for (int64_t word = 0; word < words; ++word) {
      const auto row = staged.begin() + word * stride_;
      std::transform(row, row + params_.dimension, host + (first + word) * params_.dimension,
                     [](Bf16 value) { return widened(value); });
    }
  }
}

void Trainer::bind(const CorpusView& corpus, int64_t in_flight) {
  use_device(options_.device);
  check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
  corpus_ = {};  // none, should anything below fail
  resident_ = false;
  corpus_ids_ = DeviceBuffer<int32_t>();
  const int64_t bytes = corpus.tokens() * static_cast<int64_t>(sizeof(int32_t));
  const int64_t budget = options_.corpus_bytes >= 0
                             ? options_.corpus_bytes
                             : static_cast<int64_t>(kCorpusShare * static_cast<double>(free_memory()));
  const bool resident = bytes <= budget;
  if (resident) {
    corpus_ids_ = DeviceBuffer<int32_t>(static_cast<size_t>(corpus.tokens()));
    copy_to_device(corpus_ids_.data(), corpus.ids, corpus_ids_.count(), copy_stream_.get());
    copy_stream_.synchronize();
  }
  corpus_ = corpus;
  in_flight_ = in_flight;
  resident_ = resident;
}

SpanStats Trainer::train(int64_t begin, int64_t end, int32_t epoch) {
  use_device(options_.device);
  check(cudaMemsetAsync(totals_.data(), 0, totals_.bytes(), stream_), "cudaMemsetAsync");
  for (SegmentCutter cutter(corpus_, begin, end); !cutter.done(); ++launches_) {
    Slot& slot = slots_[launches_ % 2];
    slot.copied.synchronize();  // the copy of the launch before last: its host memory is free again
    const int64_t count = collect(cutter, slot);
    const Range range =
        resident_ ? Range{0, corpus_.tokens()} : touched(slot.host_segments.data(), count, epoch);
    copy_slot(slot, count, range);
    launch(slot, count, range, epoch);
  }
  Totals totals{};
  copy_to_host(&totals, totals_.data(), 1, stream_);
  check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
  return {static_cast<int64_t>(totals.words), static_cast<int64_t>(totals.pairs), totals.loss};
}

// The next launch's segments, in the slot's host memory.
int64_t Trainer::collect(SegmentCutter& cutter, Slot& slot) const {
  reserve(slot.host_segments, options_.launch_segments);
  int64_t count = 0, tokens = 0;
  while (!cutter.done() && count < options_.launch_segments &&
         (resident_ || tokens < options_.launch_tokens)) {
    const Segment segment = cutter.next();
    tokens += segment_tokens(segment);
    slot.host_segments.data()[count++] = segment;
  }
  return count;
}

// The part of the corpus that a streamed launch needs: its segments, and the kept words that their windows
// reach where the launch begins or ends inside a sentence. Shortens the segments' reach to it.
Trainer::Range Trainer::touched(Segment* segments, int64_t count, int32_t epoch) const {
  const Segment& head = segments[0];
  const Segment& tail = segments[count - 1];
  const int64_t tail_end = tail.begin + segment_tokens(tail);
  const Range range{
      head.begin -
          reach_back(params_, corpus_, host_keep_.data(), epoch, head.begin, head.begin - head.before),
      tail_end + reach_ahead(params_, corpus_, host_keep_.data(), epoch, tail_end, tail.begin + tail.after)};
  for (int64_t i = 0; i < count; ++i) {
    Segment& segment = segments[i];
    segment.before = static_cast<int32_t>(std::min<int64_t>(segment.before, segment.begin - range.first));
    segment.after = static_cast<int32_t>(std::min<int64_t>(segment.after, range.end - segment.begin));
  }
  return range;
}

void Trainer::copy_slot(Slot& slot, int64_t count, const Range& range) {
  const int64_t tokens = range.end - range.first;
  if (static_cast<int64_t>(slot.segments.count()) < count ||
      (!resident_ && static_cast<int64_t>(slot.ids.count()) < tokens)) {
    slot.trained.synchronize();  // the memory is in use until then
  }
  reserve(slot.segments, count);
  slot.trained.hold(copy_stream_.get());
  copy_to_device(slot.segments.data(), slot.host_segments.data(), static_cast<size_t>(count),
                 copy_stream_.get());
  if (!resident_) {
    reserve(slot.host_ids, tokens);
    reserve(slot.ids, tokens);
    std::copy(corpus_.ids + range.first, corpus_.ids + range.end, slot.host_ids.data());
    copy_to_device(slot.ids.data(), slot.host_ids.data(), static_cast<size_t>(tokens), copy_stream_.get());
  }
  slot.copied.record(copy_stream_.get());
}

void Trainer::launch(const Slot& slot, int64_t count, const Range& range, int32_t epoch) {
  KernelArguments arguments{};
  arguments.params = params_;
  arguments.batch = {resident_ ? corpus_ids_.data() : slot.ids.data(),
                     range.first,
                     slot.segments.data(),
                     count,
                     corpus_.tokens(),
                     epoch};
  arguments.rows = {input_.data(), output_.data(), input_bf16_.data(), output_bf16_.data(), stride_};
  arguments.tables = {keep_.data(), noise_.data()};
  arguments.totals = totals_.data();
  arguments.strip_repeats = strip_repeats(params_, params_.negative);
  arguments.scratch = scratch_.data();
  arguments.scratch_floats = choice_.shape.scratch_floats;
  int64_t blocks = std::min({count, options_.blocks, in_flight_});
  if (arguments.scratch_floats) {
    blocks = std::min(blocks, static_cast<int64_t>(scratch_.count()) / arguments.scratch_floats);
  }
  slot.copied.hold(stream_);
  choice_.kernel->launch(arguments, choice_.shape, blocks, stream_);
  slot.trained.record(stream_);
}

void Trainer::read(float* input, float* output) {
  use_device(options_.device);
  check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
  if (rounds()) {
    read_widened(input_bf16_, input);
    read_widened(output_bf16_, output);
  } else {
    read_exact(input_, input);
    read_exact(output_, output);
  }
  check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
}

DeviceMatrix Trainer::matrix(const DeviceBuffer<float>& buffer) const {
  if (rounds()) {
    throw std::invalid_argument("rows of bf16 cannot be shared where they are; read() gives them as float32");
  }
  return {reinterpret_cast<uintptr_t>(buffer.data()), params_.vocabulary, params_.dimension, stride_};
}

std::vector<MemoryUse> Trainer::memory() const {
  std::vector<MemoryUse> uses;
  const auto add = [&](const char* name, const auto& buffer) {
    if (buffer.count() == 0) return;
    uses.push_back({name, reinterpret_cast<uintptr_t>(buffer.data()), static_cast<int64_t>(buffer.bytes())});
  };
  add("input", input_);
  add("output", output_);
  add("input", input_bf16_);
  add("output", output_bf16_);
  add("keep", keep_);
  add("noise", noise_);
  add("totals", totals_);
  add("scratch", scratch_);
  add("corpus", corpus_ids_);
  for (const Slot& slot : slots_) {
    add("segments", slot.segments);
    add("corpus", slot.ids);
  }
  return uses;
}

}  // namespace full_w2v
