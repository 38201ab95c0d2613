// Zeroed memory for large tables that are read at random: huge pages spare most of the address translation.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace full_w2v {

// An array of zeroed T in pages of its own. T must be trivial.
template <class T>
class ZeroedArray {
 public:
  ZeroedArray() = default;
  explicit ZeroedArray(size_t size) : size_(size) {
    if (size == 0) return;
    // Over-allocated by one huge page, so that the array itself can begin on a huge page.
    void* memory = mmap(nullptr, mapped_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    mapping_ = static_cast<char*>(memory);
    const auto address = reinterpret_cast<uintptr_t>(mapping_);
    data_ = reinterpret_cast<T*>(mapping_ + (kHugePage - address % kHugePage) % kHugePage);
#if defined(MADV_HUGEPAGE)
    if (size * sizeof(T) >= kHugePage) madvise(data_, size * sizeof(T), MADV_HUGEPAGE);
#endif
  }
  ~ZeroedArray() {
    if (mapping_) munmap(mapping_, mapped_bytes());
  }
  ZeroedArray(ZeroedArray&& other) noexcept { swap(other); }
  ZeroedArray& operator=(ZeroedArray&& other) noexcept {
    ZeroedArray taken(std::move(other));
    swap(taken);
    return *this;
  }

  void swap(ZeroedArray& other) {
    std::swap(mapping_, other.mapping_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  size_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

 private:
  static constexpr size_t kHugePage = size_t{2} << 20;

  size_t mapped_bytes() const { return size_ * sizeof(T) + kHugePage; }

  char* mapping_ = nullptr;
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace full_w2v
