#include "cuda/kernels/row_rate.cuh"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <stdexcept>

#include "cuda/buffers.h"
#include "cuda/launch.h"
#include "cuda/row_rate.h"

namespace full_w2v {
namespace {

constexpr int kBlocksOfMultiprocessor = 32;

struct Use {
  const char* name;
  bool adds;
  int capability;  // the least that has it, 10 * major + minor
  void (*kernel)(RowRateArguments);
};

constexpr Use kUses[] = {{"load", false, 0, &row_rate_kernel<1, 0>},
                         {"load 16 bytes", false, 0, &row_rate_kernel<4, 0>},
                         {"add", true, 0, &row_rate_kernel<1, 1>},
                         {"add 16 bytes", true, 90, &row_rate_kernel<4, 1>}};

cudaDeviceProp properties_of(int device) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  return properties;
}

bool has(const cudaDeviceProp& properties, const Use& use) {
  return 10 * properties.major + properties.minor >= use.capability;
}

const Use& use_named(const cudaDeviceProp& properties, const std::string& name) {
  for (const Use& use : kUses) {
    if (name == use.name && has(properties, use)) return use;
  }
  throw std::invalid_argument("use must be one of row_uses(), got '" + name + "'");
}

double total(const DeviceBuffer<float>& matrix, cudaStream_t stream) {
  std::vector<float> values(matrix.count());
  copy_to_host(values.data(), matrix.data(), values.size(), stream);
  check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  return std::accumulate(values.begin(), values.end(), 0.0);
}

double seconds_of(const Use& use, const RowRateArguments& arguments, int64_t blocks, const Stream& stream) {
  const auto began = std::chrono::steady_clock::now();
  launch_checked(use.name, use.kernel, LaunchShape{}, blocks, stream.get(), arguments);
  stream.synchronize();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

}  // namespace

std::vector<std::string> row_uses(int device) {
  const cudaDeviceProp properties = properties_of(device);
  std::vector<std::string> names;
  for (const Use& use : kUses) {
    if (has(properties, use)) names.emplace_back(use.name);
  }
  return names;
}

RowRate measure_row_rate(int device, const std::string& name, int64_t vocabulary, int64_t stride,
                         const int32_t* rows, int64_t count, int passes) {
  use_device(device);
  const cudaDeviceProp properties = properties_of(device);
  const Use& use = use_named(properties, name);
  const Stream stream;
  DeviceBuffer<float> matrix(static_cast<size_t>(vocabulary * stride));
  DeviceBuffer<int32_t> list(static_cast<size_t>(count));
  DeviceBuffer<double> sum(1);
  const std::vector<float> ones(matrix.count(), 1.0f);
  copy_to_device(matrix.data(), ones.data(), ones.size(), stream.get());
  copy_to_device(list.data(), rows, list.count(), stream.get());
  check(cudaMemsetAsync(sum.data(), 0, sum.bytes(), stream.get()), "cudaMemsetAsync");
  stream.synchronize();
  const RowRateArguments arguments{matrix.data(), stride, list.data(), count, sum.data()};
  const int64_t blocks =
      std::min<int64_t>(count, int64_t{properties.multiProcessorCount} * kBlocksOfMultiprocessor);
  double seconds = seconds_of(use, arguments, blocks, stream);
  for (int pass = 1; pass < passes; ++pass) {
    seconds = std::min(seconds, seconds_of(use, arguments, blocks, stream));
  }
  double values = 0.0;
  if (use.adds) {
    values = total(matrix, stream.get()) - static_cast<double>(matrix.count());
  } else {
    copy_to_host(&values, sum.data(), 1, stream.get());
    stream.synchronize();
  }
  return {seconds, values / passes};
}

}  // namespace full_w2v
