// A file mapped into memory that may shrink, or fail to be read, without ending the process.
#pragma once

#include <cstddef>
#include <string>

#include "text/file_io.h"

namespace full_w2v {

// Reading a page that a mapped file no longer has raises SIGBUS, which by default ends the process. While
// a MappedFile exists, a handler of that signal replaces its lost pages by zeros and notes the loss; for
// any other address it calls the handler that it replaced. The reader goes on with zeros and asks intact()
// before it relies on what it read. systemd's journal guards its files in the same way (src/basic/sigbus.c).
//
// Checking the size ahead of each read would not do: the file may shrink in between.
class MappedFile {
 public:
  // Maps all of the file behind a descriptor that stays the caller's. Throws FileError.
  MappedFile(int descriptor, const std::string& name);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const void* data() const { return data_; }
  size_t size() const { return size_; }
  const std::string& name() const { return file_.name(); }

  // Lets the pages go from this process's memory; they are read again when they are needed.
  void release() const;
  // Whether the file is still as long as it was, and every page that was asked for could be read.
  bool intact() const;

 private:
  File file_;
  size_t size_ = 0;
  void* data_ = nullptr;
  size_t guard_ = 0;
};

}  // namespace full_w2v
