// Memory for rows and scratch: 64-byte aligned, in huge pages where the system gives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace full_w2v {

struct AlignedDelete {
  void operator()(void* memory) const;
};

template <class T>
using AlignedArray = std::unique_ptr<T[], AlignedDelete>;

// Zeroed memory of `bytes` bytes, aligned to 64 bytes, and to 2 MiB with a request for huge pages from 2 MiB
// on. Throws std::bad_alloc.
void* allocate_aligned(size_t bytes);

template <class T>
AlignedArray<T> aligned_array(size_t count) {
  return AlignedArray<T>(static_cast<T*>(allocate_aligned(count * sizeof(T))));
}

}  // namespace full_w2v
