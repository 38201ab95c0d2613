// Whole reads and writes at a position of a file; what fails throws FileError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace full_w2v {

// Thrown where a file cannot be opened, read or written. The message names the file and the reason.
class FileError : public std::runtime_error {
 public:
  FileError(const std::string& name, const std::string& reason) : std::runtime_error(name + ": " + reason) {}
};

// An open file, closed with its owner. What fails throws FileError.
class File {
 public:
  File() = default;
  File(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
  ~File();
  File(File&& other) noexcept { swap(other); }
  File& operator=(File&& other) noexcept;

  static File open_for_reading(const std::string& path);
  // A file without a path in `directory`: it vanishes with the process, however that ends.
  static File temporary(const std::string& directory);
  // The file behind a descriptor that stays the caller's.
  static File duplicate(int descriptor, const std::string& name);

  bool is_open() const { return descriptor_ >= 0; }
  const std::string& name() const { return name_; }
  int64_t size() const;

  // Reads up to `size` bytes at `offset`; fewer only at the end of the file.
  size_t read_at(void* data, size_t size, int64_t offset) const;
  void write_at(const void* data, size_t size, int64_t offset) const;

 private:
  void swap(File& other);

  int descriptor_ = -1;
  std::string name_;
};

}  // namespace full_w2v
