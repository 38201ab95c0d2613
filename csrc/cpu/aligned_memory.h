// Memory for rows and scratch: 64-byte aligned, in huge pages where the system gives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace full_w2v {

// Memory of `bytes` bytes, aligned to 64 bytes, and to 2 MiB with a request for huge pages from 2 MiB on. Its
// contents are not set: the first thread to write a page decides which NUMA node it is on. Throws
// std::bad_alloc.
void* allocate_aligned(size_t bytes);
void free_aligned(void* memory);

// Owns an array of plain values. Access is always inlined, as everything is that kernels call (vector.h).
template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(T* data) : data_(data) {}
  AlignedArray(AlignedArray&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  AlignedArray& operator=(AlignedArray&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  ~AlignedArray() { free_aligned(data_); }

  __attribute__((always_inline)) T* get() const { return data_; }
  __attribute__((always_inline)) T& operator[](int64_t index) const { return data_[index]; }

 private:
  T* data_ = nullptr;
};

// Room for values that the caller sets.
template <class T>
AlignedArray<T> untouched_array(size_t count) {
  return AlignedArray<T>(static_cast<T*>(allocate_aligned(count * sizeof(T))));
}

// Zeros.
template <class T>
AlignedArray<T> aligned_array(size_t count) {
  AlignedArray<T> array = untouched_array<T>(count);
  std::memset(static_cast<void*>(array.get()), 0, count * sizeof(T));
  return array;
}

}  // namespace full_w2v
