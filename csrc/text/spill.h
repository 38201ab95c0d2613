// Where provisional ids wait to be encoded: memory first, then a file without a name.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "text/file_io.h"
#include "text/huge_pages.h"

namespace full_w2v {

class Spill {
 public:
  // `memory_bytes` are taken as they are filled; `directory` is touched only when they are full.
  Spill(size_t memory_bytes, std::string directory);

  // Adds values and returns where they begin. Any number of threads may append at once.
  int64_t append(const uint32_t* values, size_t count);

  // The `count` values that begin at `begin`. They stay valid while the spill and `scratch` do.
  const uint32_t* read(int64_t begin, size_t count, std::vector<uint32_t>& scratch) const;

 private:
  const File& file();

  std::string directory_;
  ZeroedArray<uint32_t> memory_;
  std::atomic<int64_t> size_{0};  // in values
  std::mutex opening_;
  File file_;
};

}  // namespace full_w2v
