// What counting makes of a block of the corpus.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace full_w2v {

// An array that is filled once and then reused; it neither clears nor checks. T must be trivial.
template <class T>
class FillArray {
 public:
  // Empties it and makes room for `capacity` values.
  void restart(size_t capacity) {
    if (capacity > capacity_) {
      data_.reset(new T[capacity]);
      capacity_ = capacity;
    }
    size_ = 0;
  }
  void resize(size_t size) { size_ = size; }  // at most the capacity
  void push(T value) { data_[size_++] = value; }
  size_t size() const { return size_; }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](size_t i) { return data_[i]; }

 private:
  std::unique_ptr<T[]> data_;
  size_t capacity_ = 0;
  size_t size_ = 0;
};

// A block as provisional ids, which are ids of the table of the thread that counted it.
struct CountedBlock {
  FillArray<uint32_t> ids;
  FillArray<uint32_t> ends;  // ends of sentences, in tokens from the start of the block
};

// A block whose tokens are given: token after token in `bytes`, of the given lengths.
struct TokenBlock {
  std::string bytes;
  std::vector<uint32_t> lengths;
  std::vector<uint32_t> ends;  // as in CountedBlock
};

}  // namespace full_w2v
