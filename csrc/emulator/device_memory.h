// The memory of the emulated device: what is allocated, and where an address belongs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace emulator {

struct Allocation {
  char* base = nullptr;
  size_t bytes = 0;

  bool holds(const char* address, size_t count) const {
    return address >= base && address + count <= base + bytes;
  }
};

class DeviceMemory {
 public:
  // Memory filled with 0xff: every float of it is a NaN. Null when the device is full.
  void* allocate(size_t bytes);
  // False if `pointer` is not the beginning of an allocation.
  bool release(void* pointer);
  // The allocation that holds this address, or null.
  const Allocation* find(const void* address) const;
  size_t used() const { return used_; }

 private:
  std::map<const char*, Allocation> allocations_;  // by base
  size_t used_ = 0;
};

DeviceMemory& device_memory();

}  // namespace emulator
