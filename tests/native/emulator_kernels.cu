// Kernels with one planted bug each, and a few right ones, for test_emulator.py: prints what the emulated
// device says about the one that its argument names. A line marked "bug: name" is where that bug shows.
#include <cuda_runtime.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "cuda/kernels/row.cuh"
#include "emulator/control.h"

namespace {

constexpr unsigned kAll = 0xffffffffu;
constexpr int kThreads = 128;

__device__ float* shared() { return reinterpret_cast<float*>(emulator::dynamic_shared_memory()); }

// The sum of 0 ... 127 by a tree over the block.
__global__ void right_sum(float* out) {
  float* partial = shared();
  partial[threadIdx.x] = static_cast<float>(threadIdx.x);
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) out[0] = partial[0];
}

__global__ void right_warp_sum(float* out) {
  float sum = static_cast<float>(threadIdx.x % 32);
  for (int lanes = 16; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(kAll, sum, lanes);
  const unsigned odd = __ballot_sync(kAll, threadIdx.x & 1);
  if (threadIdx.x == 0) out[0] = odd == 0xaaaaaaaau ? sum : -1.0f;
}

__global__ void divergent_barrier(float* out) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = 0.0f;
}

__global__ void returned_before_barrier(float* out) {
  if (threadIdx.x == 5) return;
  __syncthreads();  // bug: returned_before_barrier
  out[threadIdx.x] = 0.0f;
}

__global__ void incomplete_shuffle(float* out) {
  float value = 1.0f;
  if (threadIdx.x % 32 != 7) value = __shfl_xor_sync(kAll, value, 1);  // bug: incomplete_shuffle
  out[threadIdx.x] = value;
}

__global__ void wrong_shuffle_mask(float* out) {
  out[threadIdx.x] = __shfl_xor_sync(0x0000ffffu, 1.0f, 1);  // bug: wrong_shuffle_mask
}

__global__ void deadlock(float* out) {
  if (threadIdx.x % 32 == 0) {
    __syncwarp(0x3u);  // bug: deadlock
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = 0.0f;
}

__global__ void global_out_of_bounds(float* out) {
  out[threadIdx.x + 1] = 0.0f;  // bug: global_out_of_bounds
}

__global__ void shared_out_of_bounds(float* out) {
  float* row = shared();
  out[threadIdx.x] = 0.0f;
  row[threadIdx.x + 1] = 0.0f;  // bug: shared_out_of_bounds
}

__global__ void host_access(float* out, const float* host) {
  out[threadIdx.x] = host[0];  // bug: host_access
}

__global__ void race_in_block(float* out) {
  shared()[threadIdx.x] = 1.0f;
  out[threadIdx.x] = shared()[kThreads - 1 - threadIdx.x];  // bug: race_in_block
}

__global__ void race_in_warp(float* out) {
  shared()[threadIdx.x] = 1.0f;
  out[threadIdx.x] = shared()[threadIdx.x ^ 1];  // bug: race_in_warp
}

// A shuffle makes lanes meet but orders no memory.
__global__ void race_despite_shuffle(float* out) {
  shared()[threadIdx.x] = 1.0f;
  __shfl_xor_sync(kAll, 0.0f, 1);
  out[threadIdx.x] = shared()[threadIdx.x ^ 1];  // bug: race_despite_shuffle
}

__global__ void write_after_read(float* out) {
  shared()[threadIdx.x] = 1.0f;
  __syncthreads();
  out[threadIdx.x] = shared()[threadIdx.x ^ 64];
  shared()[threadIdx.x] = 2.0f;  // bug: write_after_read
}

// Right within a warp, for which __syncwarp() is enough.
__global__ void right_syncwarp(float* out) {
  shared()[threadIdx.x] = 496.0f;
  __syncwarp();
  const float other = shared()[threadIdx.x ^ 1];
  if (threadIdx.x == 0) out[0] = other;
}

// A sum that lacks the barrier between the warps' partial sums and their reader.
__global__ void missing_barrier(float* out) {
  float* partial = shared();
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = 1.0f;
  if (threadIdx.x == 0) out[0] = partial[0] + partial[1] + partial[2] + partial[3];
}

__global__ void uninitialised_shared(float* out) { out[threadIdx.x] = shared()[threadIdx.x]; }

__global__ void uninitialised_global(float* out) { out[threadIdx.x] += 1.0f; }

// One warp: a dense load, one with a stride of 8 floats, a dense atomic; conflicts of 1, 32 and 1 wavefronts.
__global__ void traffic(float* data) {
  float* row = shared();
  const unsigned lane = threadIdx.x;
  float value = data[lane];
  value += data[lane * 8];
  atomicAdd(data + lane, value);
  row[lane] = value;
  __syncwarp();
  row[lane * 32] = value;
  __syncwarp();
  value = row[0];
  if (value == 12345.0f) data[lane] = value;
}

void launch(void (*kernel)(float*), float* out, int blocks = 1, int threads = kThreads,
            size_t bytes = kThreads * 4) {
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.dynamicSmemBytes = bytes;
  cudaLaunchKernelEx(&config, kernel, out);
}

const std::map<std::string, void (*)(float*)> kKernels = {
    {"right_sum", right_sum},
    {"right_warp_sum", right_warp_sum},
    {"right_syncwarp", right_syncwarp},
    {"divergent_barrier", divergent_barrier},
    {"returned_before_barrier", returned_before_barrier},
    {"incomplete_shuffle", incomplete_shuffle},
    {"wrong_shuffle_mask", wrong_shuffle_mask},
    {"deadlock", deadlock},
    {"global_out_of_bounds", global_out_of_bounds},
    {"shared_out_of_bounds", shared_out_of_bounds},
    {"race_in_block", race_in_block},
    {"race_in_warp", race_in_warp},
    {"race_despite_shuffle", race_despite_shuffle},
    {"write_after_read", write_after_read},
    {"missing_barrier", missing_barrier},
    {"uninitialised_shared", uninitialised_shared},
    {"uninitialised_global", uninitialised_global},
};

int report(cudaError_t error) {
  std::printf("%s: %s\n", cudaGetErrorName(error), cudaGetErrorString(error));
  return 0;
}

int run(const std::string& name) {
  float* out = nullptr;
  cudaMalloc(reinterpret_cast<void**>(&out), kThreads * sizeof(float));
  if (name == "host_access") {
    std::vector<float> host(1, 3.0f);
    cudaLaunchConfig_t config{};
    config.gridDim = config.blockDim = dim3(1);
    cudaLaunchKernelEx(&config, host_access, out, host.data());
  } else {
    const int threads = name == "right_warp_sum" ? 32 : kThreads;
    launch(kKernels.at(name), out, 1, threads);
  }
  const cudaError_t error = cudaDeviceSynchronize();
  if (error != cudaSuccess) return report(error);
  float result = 0.0f;
  cudaMemcpyAsync(&result, out, sizeof result, cudaMemcpyDeviceToHost, nullptr);
  cudaStreamSynchronize(nullptr);
  std::printf("%s\n", std::isnan(result) ? "nan" : std::to_string(result).c_str());
  return 0;
}

int count() {
  float* data = nullptr;
  cudaMalloc(reinterpret_cast<void**>(&data), 1024 * sizeof(float));
  cudaMemsetAsync(data, 0, 1024 * sizeof(float), nullptr);
  launch(traffic, data, 1, 32, 1024 * sizeof(float));
  cudaDeviceSynchronize();
  for (const auto& [name, kernel] : emulator::counters()) {
    const auto& global = kernel.global.begin()->second;
    std::printf(
        "%s launches %llu loads %llu %llu %llu atomics %llu %llu %llu shared stores %llu %llu conflicts "
        "%llu\n",
        name.substr(0, name.find('(')).c_str(), static_cast<unsigned long long>(kernel.launches),
        static_cast<unsigned long long>(global.load.instructions),
        static_cast<unsigned long long>(global.load.bytes),
        static_cast<unsigned long long>(global.load.sectors),
        static_cast<unsigned long long>(global.atomic.instructions),
        static_cast<unsigned long long>(global.atomic.bytes),
        static_cast<unsigned long long>(global.atomic.sectors),
        static_cast<unsigned long long>(kernel.shared.store.instructions),
        static_cast<unsigned long long>(kernel.shared.store.sectors),
        static_cast<unsigned long long>(kernel.bank_conflicts));
  }
  return 0;
}

// Copies on two streams without an event between them: what arrives depends on the order in which streams
// run.
int unordered_streams(bool with_event) {
  cudaStream_t first = nullptr, second = nullptr;
  cudaEvent_t event = nullptr;
  cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking);
  cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking);
  cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  float *device = nullptr, value = 3.0f, result = 0.0f;
  cudaMalloc(reinterpret_cast<void**>(&device), sizeof(float));
  cudaMemcpyAsync(device, &value, sizeof value, cudaMemcpyHostToDevice, first);
  cudaEventRecord(event, first);
  if (with_event) cudaStreamWaitEvent(second, event);
  cudaMemcpyAsync(&result, device, sizeof result, cudaMemcpyDeviceToHost, second);
  cudaDeviceSynchronize();
  std::printf("%s\n", result == 3.0f ? "arrived" : "stale");
  return 0;
}

int invalid_calls() {
  float* device = nullptr;
  cudaMalloc(reinterpret_cast<void**>(&device), 4 * sizeof(float));
  float host[8] = {};
  report(cudaMemcpyAsync(device, host, sizeof host, cudaMemcpyHostToDevice, nullptr));
  report(cudaMemcpyAsync(host, device, 4 * sizeof(float), cudaMemcpyHostToDevice, nullptr));
  report(cudaMalloc(reinterpret_cast<void**>(&device), size_t{1} << 40));
  launch(right_sum, device, 1, 2048);
  report(cudaGetLastError());
  launch(right_sum, device, 1, kThreads, 64 << 10);
  report(cudaGetLastError());
  report(cudaGetLastError());
  return 0;
}

}  // namespace

int main(int, char** arguments) {
  const std::string name = arguments[1];
  if (name == "row_address") {
    // Word 5,000,000 of rows of 1,024 values: more than 2^32 values, 20 GB, from the matrix' beginning.
    float* const matrix = reinterpret_cast<float*>(uintptr_t{4096});
    const auto address = reinterpret_cast<uintptr_t>(full_w2v::row_of(matrix, 5000000, 1024));
    std::printf("%llu\n", static_cast<unsigned long long>(address - 4096));
    return 0;
  }
  if (name == "traffic") return count();
  if (name == "streams") return unordered_streams(false);
  if (name == "ordered_streams") return unordered_streams(true);
  if (name == "invalid_calls") return invalid_calls();
  return run(name);
}
