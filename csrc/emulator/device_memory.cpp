#include "emulator/device_memory.h"

#include <cstdlib>
#include <cstring>

#include "emulator/settings.h"

namespace emulator {

DeviceMemory& device_memory() {
  static DeviceMemory instance;
  return instance;
}

void* DeviceMemory::allocate(size_t bytes) {
  constexpr size_t kAlignment = 256;  // as cudaMalloc
  void* memory = nullptr;
  if (bytes > settings().memory_bytes - used_ || posix_memalign(&memory, kAlignment, bytes) != 0)
    return nullptr;
  std::memset(memory, 0xff, bytes);
  auto* base = static_cast<char*>(memory);
  allocations_[base] = {base, bytes};
  used_ += bytes;
  return memory;
}

bool DeviceMemory::release(void* pointer) {
  const auto found = allocations_.find(static_cast<char*>(pointer));
  if (found == allocations_.end()) return false;
  used_ -= found->second.bytes;
  allocations_.erase(found);
  std::free(pointer);
  return true;
}

const Allocation* DeviceMemory::find(const void* address) const {
  const auto* at = static_cast<const char*>(address);
  auto after = allocations_.upper_bound(at);
  if (after == allocations_.begin()) return nullptr;
  const Allocation& candidate = std::prev(after)->second;
  return candidate.holds(at, 1) ? &candidate : nullptr;
}

}  // namespace emulator
