#include "text/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace full_w2v {
namespace {

// No program that is started meanwhile inherits the descriptor, where the system can promise that.
int make_temporary(char* path) {
#if defined(__linux__) || defined(__FreeBSD__)
  return mkostemp(path, O_CLOEXEC);
#else
  const int descriptor = mkstemp(path);
  if (descriptor >= 0) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return descriptor;
#endif
}

[[noreturn]] void fail(const std::string& name) { throw FileError(name, std::strerror(errno)); }

}  // namespace

File::~File() {
  if (is_open()) close(descriptor_);
}

File& File::operator=(File&& other) noexcept {
  swap(other);
  return *this;
}

void File::swap(File& other) {
  std::swap(descriptor_, other.descriptor_);
  name_.swap(other.name_);
}

File File::open_for_reading(const std::string& path) {
  File file(open(path.c_str(), O_RDONLY | O_CLOEXEC), path);
  if (!file.is_open()) fail(path);
  return file;
}

File File::temporary(const std::string& directory) {
  const std::string name = "temporary file in " + directory;
#if defined(O_TMPFILE)
  File unnamed(open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), name);
  if (unnamed.is_open()) return unnamed;  // not every file system can; every one can do what follows
#endif
  std::string path = directory + "/full_w2v.XXXXXX";
  File file(make_temporary(path.data()), name);
  if (!file.is_open()) fail(name);
  unlink(path.c_str());
  return file;
}

File File::duplicate(int descriptor, const std::string& name) {
  File file(fcntl(descriptor, F_DUPFD_CLOEXEC, 0), name);
  if (!file.is_open()) fail(name);
  return file;
}

int64_t File::size() const {
  struct stat status;
  if (fstat(descriptor_, &status) != 0) fail(name_);
  return status.st_size;
}

size_t File::read_at(void* data, size_t size, int64_t offset) const {
  size_t done = 0;
  while (done < size) {
    const auto at = offset + static_cast<int64_t>(done);
    const ssize_t count = pread(descriptor_, static_cast<char*>(data) + done, size - done, at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(name_);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

void File::write_at(const void* data, size_t size, int64_t offset) const {
  size_t done = 0;
  while (done < size) {
    const auto at = offset + static_cast<int64_t>(done);
    const ssize_t count = pwrite(descriptor_, static_cast<const char*>(data) + done, size - done, at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(name_);
    done += static_cast<size_t>(count);
  }
}

}  // namespace full_w2v
