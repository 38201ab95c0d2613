// The runtime API of the emulated device. Work enqueued on a stream runs when somebody waits for it, streams
// taking turns by priorities drawn from the seed: a missing wait shows as stale or poisoned data.
//
// A single file despite its length: all calls of the API on the one state that they share.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "emulator/control.h"
#include "emulator/device_memory.h"
#include "emulator/fibers/executor.h"
#include "emulator/fibers/observer.h"
#include "emulator/ptx/warp.h"
#include "emulator/settings.h"

namespace emulator {

struct Operation {
  std::function<bool()> ready;  // empty: always
  std::function<void()> run;
};

class Stream {
 public:
  std::deque<Operation> queue;
  bool can_run() const { return !queue.empty() && (!queue.front().ready || queue.front().ready()); }
};

class Event {
 public:
  uint64_t recorded = 0;  // times
  uint64_t reached = 0;   // the latest of them that its stream has come to
};

namespace {

constexpr size_t kDefaultSharedBytes = size_t{48} << 10;  // a block's limit unless raised
constexpr uint32_t kMaxThreads = 1024;
constexpr uint32_t kMaxGridY = 65535;

struct Device {
  std::recursive_mutex mutex;
  std::vector<Stream*> streams;
  Stream default_stream;
  std::map<const void*, size_t> shared_limits;
  cudaError_t last = cudaSuccess;
  cudaError_t sticky = cudaSuccess;  // a fault of a kernel: the device is lost until reset
  std::string fault_text;
  uint64_t turns = 0;
  int64_t launches = 0;
  int64_t in_flight = 0, most_in_flight = 0;  // launches enqueued and not yet done

  Device() { streams.push_back(&default_stream); }
};

Device& device() {
  static Device instance;
  return instance;
}

using Lock = std::lock_guard<std::recursive_mutex>;

thread_local int current_device = 0;  // a number only: all devices share one memory and one fate

cudaError_t result(cudaError_t error) {
  Device& d = device();
  if (d.sticky != cudaSuccess) error = d.sticky;
  if (error != cudaSuccess) d.last = error;
  return error;
}

Stream& stream_of(cudaStream_t stream) { return stream ? *stream : device().default_stream; }

cudaError_t enqueue(cudaStream_t stream, Operation operation) {
  if (device().sticky == cudaSuccess) stream_of(stream).queue.push_back(std::move(operation));
  return result(cudaSuccess);
}

// Priorities hold for so many operations: drawn anew for each, no stream would ever be far ahead of another,
// and a missing wait seldom show.
constexpr uint64_t kOperationsOfAPriority = 16;

// Of the stream with this place among all, at present.
uint64_t priority(size_t place) {
  if (settings().seed == 0) return ~uint64_t{place};  // in the order in which they were made
  uint64_t bits = settings().seed * 0x9E3779B97F4A7C15ull + device().turns / kOperationsOfAPriority;
  for (const uint64_t salt : {uint64_t{place}, uint64_t{1}}) {  // the finalizer of SplitMix64
    bits = ((bits + salt) ^ (bits + salt) >> 30) * 0xBF58476D1CE4E5B9ull;
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EBull;
  }
  return bits ^ bits >> 31;
}

// Runs the first operation of the stream with the highest priority of those that can go on. False if there is
// none.
bool run_one() {
  Device& d = device();
  Stream* chosen = nullptr;
  uint64_t highest = 0;
  for (size_t place = 0; place < d.streams.size(); ++place) {
    if (!d.streams[place]->can_run() || (chosen && priority(place) < highest)) continue;
    chosen = d.streams[place];
    highest = priority(place);
  }
  if (!chosen) return false;
  ++d.turns;
  Stream& stream = *chosen;
  Operation operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  operation.run();
  return true;
}

// Runs work until `done`, or until the device is lost.
cudaError_t run_until(const std::function<bool()>& done) {
  while (!done() && device().sticky == cudaSuccess) {
    if (!run_one()) return result(cudaErrorLaunchFailure);  // streams wait for each other
  }
  return result(cudaSuccess);
}

bool all_idle() {
  const auto& streams = device().streams;
  return std::all_of(streams.begin(), streams.end(),
                     [](const Stream* stream) { return stream->queue.empty(); });
}

void lose_device(const Fault& fault) {
  Device& d = device();
  d.sticky = fault.kind == Fault::Kind::address ? cudaErrorIllegalAddress : cudaErrorLaunchFailure;
  d.fault_text = fault.text;
  for (Stream* stream : d.streams) stream->queue.clear();
  d.in_flight = 0;
}

void run_launch(const Launch& launch) {
  device().in_flight -= 1;
  if (device().launches++ == settings().fail_after_launches) {
    lose_device({Fault::Kind::launch, "the launch failed, as the setting fail_after_launches asks"});
    return;
  }
  std::optional<Fault> fault;
  const bool from_ptx = ptx::any_loaded() && ptx::run(launch, function_name(launch.kernel), fault);
  if (!from_ptx) fault = executor().run(launch);
  if (fault) lose_device(*fault);
}

bool on_device(const void* pointer, size_t bytes) {
  const Allocation* allocation = device_memory().find(pointer);
  return allocation != nullptr && allocation->holds(static_cast<const char*>(pointer), bytes);
}

cudaError_t check_copy(const void* to, const void* from, size_t to_bytes, size_t from_bytes,
                       cudaMemcpyKind kind) {
  const bool to_device = kind != cudaMemcpyDeviceToHost, from_device = kind != cudaMemcpyHostToDevice;
  if (to_bytes == 0) return cudaSuccess;
  if (to_device != on_device(to, to_bytes) || from_device != on_device(from, from_bytes))
    return cudaErrorInvalidValue;
  return cudaSuccess;
}

// One multiprocessor of an invented device; rates are of no meaning.
int attribute_value(cudaDeviceAttr attribute) {
  switch (attribute) {
    case cudaDevAttrClockRate:
    case cudaDevAttrMemoryClockRate:
      return 1'000'000;
    case cudaDevAttrGlobalMemoryBusWidth:
      return 256;
    case cudaDevAttrL2CacheSize:
      return 1 << 20;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      return 16;
    case cudaDevAttrReservedSharedMemoryPerBlock:
      return 1024;
    case cudaDevAttrMultiProcessorCount:
      return 1;
    case cudaDevAttrComputeCapabilityMajor:
      return settings().capability / 10;
    case cudaDevAttrComputeCapabilityMinor:
      return settings().capability % 10;
    default:
      return static_cast<int>(settings().shared_bytes);
  }
}

cudaError_t check_launch(const cudaLaunchConfig_t& config, const void* kernel) {
  const uint64_t threads = uint64_t{config.blockDim.x} * config.blockDim.y * config.blockDim.z;
  const dim3& grid = config.gridDim;
  if (threads == 0 || threads > kMaxThreads || grid.x == 0 || grid.y == 0 || grid.z == 0 ||
      grid.x > INT32_MAX || grid.y > kMaxGridY || grid.z > kMaxGridY) {
    return cudaErrorInvalidConfiguration;
  }
  const auto raised = device().shared_limits.find(kernel);
  const size_t limit = raised == device().shared_limits.end() ? kDefaultSharedBytes : raised->second;
  return config.dynamicSmemBytes > limit ? cudaErrorInvalidValue : cudaSuccess;
}

}  // namespace

cudaError_t set_shared_limit(const void* kernel, cudaFuncAttribute, int value) {
  const Lock lock(device().mutex);
  if (value < 0 || static_cast<size_t>(value) > settings().shared_bytes) return result(cudaErrorInvalidValue);
  device().shared_limits[kernel] = std::max(kDefaultSharedBytes, static_cast<size_t>(value));
  return result(cudaSuccess);
}

cudaError_t enqueue_launch(const cudaLaunchConfig_t& config, const void* kernel, void* call,
                           size_t call_bytes, void (*invoke)(void*), void (*destroy)(void*)) {
  const std::shared_ptr<void> owned(call, destroy);
  const Lock lock(device().mutex);
  const cudaError_t error = check_launch(config, kernel);
  if (error != cudaSuccess) return result(error);
  device().most_in_flight = std::max(device().most_in_flight, ++device().in_flight);
  const Launch launch{config.gridDim, config.blockDim, config.dynamicSmemBytes, kernel, invoke,
                      owned,          call_bytes};
  return enqueue(config.stream, {nullptr, [launch] { run_launch(launch); }});
}

void configure(const Settings& chosen) {
  const Lock lock(device().mutex);
  Device& d = device();
  settings() = chosen;
  d.last = d.sticky = cudaSuccess;
  d.fault_text.clear();
  d.launches = 0;
  d.most_in_flight = d.in_flight;
  executor().forget_resident();
  d.turns = 0;
}

int64_t most_launches_in_flight() {
  const Lock lock(device().mutex);
  return device().most_in_flight;
}

int64_t most_blocks_resident() {
  const Lock lock(device().mutex);
  return executor().most_resident();
}

std::map<std::string, KernelCounters> counters() {
  const Lock lock(device().mutex);
  std::map<std::string, KernelCounters> named;
  for (const auto& entry : observer().counters()) named[function_name(entry.first)] = entry.second;
  return named;
}

void reset_counters() {
  const Lock lock(device().mutex);
  observer().reset_counters();
}

}  // namespace emulator

using emulator::device;
using emulator::Lock;
using emulator::result;
using emulator::settings;

cudaError_t cudaGetDeviceCount(int* count) {
  *count = settings().devices;
  return *count > 0 ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaGetDevice(int* index) {
  *index = emulator::current_device;
  return result(cudaSuccess);
}

cudaError_t cudaSetDevice(int index) {
  if (index < 0 || index >= settings().devices) return result(cudaErrorInvalidDevice);
  emulator::current_device = index;
  return result(cudaSuccess);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int index) {
  if (index < 0 || index >= settings().devices) return result(cudaErrorInvalidDevice);
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "emulated device");
  properties->totalGlobalMem = settings().memory_bytes;
  properties->sharedMemPerBlockOptin = settings().shared_bytes;
  properties->multiProcessorCount = 1;
  properties->major = settings().capability / 10;
  properties->minor = settings().capability % 10;
  return result(cudaSuccess);
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int index) {
  if (index < 0 || index >= settings().devices) return result(cudaErrorInvalidDevice);
  *value = emulator::attribute_value(attribute);
  return result(cudaSuccess);
}

cudaError_t cudaDeviceSynchronize() {
  const Lock lock(device().mutex);
  return emulator::run_until(&emulator::all_idle);
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = 0;  // as on a machine without a driver
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  const Lock lock(device().mutex);
  *total = settings().memory_bytes;
  *free = *total - emulator::device_memory().used();
  return result(cudaSuccess);
}

cudaError_t cudaGetLastError() {
  const Lock lock(device().mutex);
  const cudaError_t error = result(device().last);
  device().last = device().sticky;
  return error;
}

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorInvalidDeviceFunction:
      return "cudaErrorInvalidDeviceFunction";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    default:
      return "cudaErrorLaunchFailure";
  }
}

const char* cudaGetErrorString(cudaError_t error) {
  const Lock lock(device().mutex);
  const bool fault = error == device().sticky && error != cudaSuccess;
  return fault ? device().fault_text.c_str() : cudaGetErrorName(error);
}

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  const Lock lock(device().mutex);
  *pointer = bytes ? emulator::device_memory().allocate(bytes) : nullptr;
  return result(bytes && !*pointer ? cudaErrorMemoryAllocation : cudaSuccess);
}

cudaError_t cudaFree(void* pointer) {
  const Lock lock(device().mutex);
  if (pointer == nullptr) return result(cudaSuccess);
  const cudaError_t error = emulator::run_until(&emulator::all_idle);  // a free waits for the device
  if (!emulator::device_memory().release(pointer)) return result(cudaErrorInvalidValue);
  return error;
}

cudaError_t cudaMallocHost(void** pointer, size_t bytes) {
  *pointer = std::malloc(bytes);
  return result(*pointer ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaFreeHost(void* pointer) {
  std::free(pointer);
  return result(cudaSuccess);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const Lock lock(device().mutex);
  const cudaError_t error = emulator::check_copy(to, from, bytes, bytes, kind);
  if (error != cudaSuccess) return result(error);
  if (bytes == 0) return result(cudaSuccess);
  return emulator::enqueue(stream, {nullptr, [=] { std::memcpy(to, from, bytes); }});
}

cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                              size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  const Lock lock(device().mutex);
  if (width > to_pitch || width > from_pitch) return result(cudaErrorInvalidValue);
  const size_t to_bytes = height ? (height - 1) * to_pitch + width : 0;
  const size_t from_bytes = height ? (height - 1) * from_pitch + width : 0;
  const cudaError_t error = emulator::check_copy(to, from, to_bytes, from_bytes, kind);
  if (error != cudaSuccess) return result(error);
  return emulator::enqueue(stream, {nullptr, [=] {
                                      for (size_t row = 0; row < height; ++row) {
                                        std::memcpy(static_cast<char*>(to) + row * to_pitch,
                                                    static_cast<const char*>(from) + row * from_pitch, width);
                                      }
                                    }});
}

cudaError_t cudaMemsetAsync(void* pointer, int value, size_t bytes, cudaStream_t stream) {
  const Lock lock(device().mutex);
  if (bytes == 0) return result(cudaSuccess);
  if (!emulator::on_device(pointer, bytes)) return result(cudaErrorInvalidValue);
  return emulator::enqueue(stream, {nullptr, [=] { std::memset(pointer, value, bytes); }});
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const Lock lock(device().mutex);
  *stream = new emulator::Stream;
  device().streams.push_back(*stream);
  return result(cudaSuccess);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Lock lock(device().mutex);
  const cudaError_t error = emulator::run_until([=] { return stream->queue.empty(); });
  auto& streams = device().streams;
  streams.erase(std::remove(streams.begin(), streams.end(), stream), streams.end());
  delete stream;
  return error;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Lock lock(device().mutex);
  auto& queue = emulator::stream_of(stream).queue;
  return emulator::run_until([&] { return queue.empty(); });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const Lock lock(device().mutex);
  const uint64_t awaited = event->recorded;
  return emulator::enqueue(stream, {[=] { return event->reached >= awaited; }, [] {}});
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new emulator::Event;
  return result(cudaSuccess);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Lock lock(device().mutex);
  const cudaError_t error = emulator::run_until([=] { return event->reached >= event->recorded; });
  delete event;
  return error;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Lock lock(device().mutex);
  const uint64_t number = ++event->recorded;
  return emulator::enqueue(stream, {nullptr, [=] { event->reached = number; }});
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Lock lock(device().mutex);
  const uint64_t awaited = event->recorded;
  return emulator::run_until([=] { return event->reached >= awaited; });
}
