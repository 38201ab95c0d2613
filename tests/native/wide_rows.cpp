// Trains one sentence with words at the end of matrices of more than 2^31 values each, by every kernel, and
// compares their rows with the same training in a vocabulary of four words: prints "KERNEL ORDER
// equal|different". The matrices are reserved, not filled: only the rows that are trained take memory.
#include <cuda_runtime.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "contract/steps.h"
#include "cuda/kernels.h"

namespace {

using full_w2v::kMaxDimension;

constexpr int32_t kUsed = 4;                   // words of the sentence, and the negative
constexpr int32_t kWords = (1 << 21) + 7;      // times 1,024 values a row: above 2^31
constexpr int kDimension = kMaxDimension - 3;  // the stride is kMaxDimension
constexpr size_t kRowBytes = kMaxDimension * sizeof(float);

// Zeros of the operating system.
float* reserve(size_t bytes) {
  void* memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    std::printf("no address space for %zu bytes\n", bytes);
    std::exit(77);
  }
  return static_cast<float*>(memory);
}

full_w2v::SgnsParams parameters(full_w2v::Order order, int32_t vocabulary) {
  full_w2v::SgnsParams params{};
  params.vocabulary = vocabulary;
  params.dimension = kDimension;
  params.window = 2;
  params.negative = 1;
  params.step_pairs = 20;
  params.share_negatives = 1;
  params.epochs = 1;
  params.order = order;
  params.alpha = params.min_alpha = 0.05f;
  params.seed = 7;
  return params;
}

// Trains words first, first + 1, first + 2 with the negative first + 3; both matrices' rows of these four.
std::vector<float> train(const full_w2v::Kernel& kernel, full_w2v::Order order, int32_t vocabulary) {
  const int32_t first = vocabulary - kUsed;
  const size_t bytes = static_cast<size_t>(vocabulary) * kRowBytes;
  float* const matrices[] = {reserve(bytes), reserve(bytes)};
  for (float* matrix : matrices) {
    float* rows = matrix + static_cast<int64_t>(first) * kMaxDimension;
    for (int i = 0; i < kUsed * kMaxDimension; ++i) {
      if (i % kMaxDimension < kDimension) rows[i] = static_cast<float>(i % 97 - 48) / 500.0f;
    }
  }
  const std::vector<uint32_t> keep(static_cast<size_t>(vocabulary), UINT32_MAX);
  const std::vector<full_w2v::AliasSlot> noise(static_cast<size_t>(vocabulary),
                                               {0, static_cast<uint32_t>(first) + 3});
  const std::vector<int32_t> ids = {first, first + 1, first + 2};
  const full_w2v::Segment segment{0, 0, 3};
  full_w2v::Totals totals{};
  full_w2v::KernelArguments arguments{};
  arguments.params = parameters(order, vocabulary);
  arguments.batch = {ids.data(), 0, &segment, 1, 3, 0};
  arguments.rows = {matrices[0], matrices[1], nullptr, nullptr, kMaxDimension};
  arguments.tables = {keep.data(), noise.data()};
  arguments.totals = &totals;
  arguments.strip_repeats = full_w2v::strip_repeats(arguments.params, arguments.params.negative);
  constexpr int64_t kSharedLimit = 99 << 10;
  kernel.launch(arguments, kernel.shape(arguments.params, kSharedLimit), 1, nullptr);
  if (cudaDeviceSynchronize() != cudaSuccess || totals.words != 3) return {};
  std::vector<float> result;
  for (float* matrix : matrices) {
    const float* rows = matrix + static_cast<int64_t>(first) * kMaxDimension;
    result.insert(result.end(), rows, rows + kUsed * kMaxDimension);
    munmap(matrix, bytes);
  }
  return result;
}

}  // namespace

int main() {
  for (const full_w2v::Kernel* kernel : full_w2v::kernels()) {
    for (const auto order : {full_w2v::Order::window, full_w2v::Order::pair}) {
      if (!kernel->computes(parameters(order, kUsed))) continue;
      const std::vector<float> wide = train(*kernel, order, kWords), narrow = train(*kernel, order, kUsed);
      const bool equal = !wide.empty() && wide == narrow;
      std::printf("%s %s %s\n", kernel->name, order == full_w2v::Order::window ? "window" : "pair",
                  equal ? "equal" : "different");
    }
  }
}
