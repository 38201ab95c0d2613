#include "text/spill.h"

#include <cstring>
#include <utility>

namespace full_w2v {

Spill::Spill(size_t memory_bytes, std::string directory)
    : directory_(std::move(directory)), memory_(memory_bytes / sizeof(uint32_t)) {}

int64_t Spill::append(const uint32_t* values, size_t count) {
  const int64_t begin = size_.fetch_add(static_cast<int64_t>(count));
  if (begin + static_cast<int64_t>(count) <= static_cast<int64_t>(memory_.size())) {
    if (count) std::memcpy(memory_.data() + begin, values, count * sizeof(uint32_t));
  } else {
    file().write_at(values, count * sizeof(uint32_t), begin * int64_t{sizeof(uint32_t)});
  }
  return begin;
}

const uint32_t* Spill::read(int64_t begin, size_t count, std::vector<uint32_t>& scratch) const {
  if (begin + static_cast<int64_t>(count) <= static_cast<int64_t>(memory_.size()))
    return memory_.data() + begin;
  scratch.resize(count);
  const size_t bytes = count * sizeof(uint32_t);
  if (file_.read_at(scratch.data(), bytes, begin * int64_t{sizeof(uint32_t)}) != bytes) {
    throw FileError(file_.name(), "is shorter than what was written to it");
  }
  return scratch.data();
}

const File& Spill::file() {
  const std::lock_guard<std::mutex> lock(opening_);
  if (!file_.is_open()) file_ = File::temporary(directory_);
  return file_;
}

}  // namespace full_w2v
