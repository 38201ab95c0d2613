#include "text/mapped_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <mutex>

namespace full_w2v {
namespace {

constexpr size_t kGuards = 1024;

// A mapped range as the handler sees it, which may not lock: `begin` is set last and cleared first.
struct Guard {
  std::atomic<uintptr_t> begin{0}, end{0};
  std::atomic<bool> lost{false};
};

Guard guards[kGuards];
std::mutex guards_mutex;
size_t guards_taken = 0;
bool handler_installed = false;
struct sigaction handler_before;
static_assert(std::atomic<uintptr_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

// Puts zeros into a guarded range from the page of `address` on: where one page is lost, so are
// those behind it. Only system calls: this runs within a signal handler.
bool replace_lost_pages(uintptr_t address) {
  for (Guard& guard : guards) {
    const uintptr_t begin = guard.begin.load(std::memory_order_acquire);
    const uintptr_t end = guard.end.load(std::memory_order_acquire);
    if (begin == 0 || address < begin || address >= end) continue;
    // Both are of one range only if no other has taken the place meanwhile.
    if (guard.begin.load(std::memory_order_acquire) != begin) continue;
    guard.lost.store(true, std::memory_order_release);
    const uintptr_t page = address - address % static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    void* const zeros = mmap(reinterpret_cast<void*>(page), end - page, PROT_READ,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return zeros != MAP_FAILED;
  }
  return false;
}

void call_handler_before(int number, siginfo_t* info, void* context) {
  if (handler_before.sa_flags & SA_SIGINFO) return handler_before.sa_sigaction(number, info, context);
  if (handler_before.sa_handler == SIG_IGN && info->si_code <= 0) return;
  if (handler_before.sa_handler != SIG_DFL && handler_before.sa_handler != SIG_IGN) {
    return handler_before.sa_handler(number);
  }
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  sigaction(SIGBUS, &standard, nullptr);
  if (info->si_code <= 0) raise(number);  // no instruction will raise it again
}

void on_sigbus(int number, siginfo_t* info, void* context) {
  const int error = errno;
  // A signal that a process sent has no address.
  const bool replaced = info->si_code > 0 && replace_lost_pages(reinterpret_cast<uintptr_t>(info->si_addr));
  errno = error;
  if (!replaced) call_handler_before(number, info, context);
}

void install_handler() {
  struct sigaction action = {};
  action.sa_sigaction = on_sigbus;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  handler_installed = sigaction(SIGBUS, &action, &handler_before) == 0;
}

// Not if another handler was installed since, which may call ours: it stays, and is not installed again.
void remove_handler() {
  struct sigaction current;
  if (sigaction(SIGBUS, nullptr, &current) != 0) return;
  if (!(current.sa_flags & SA_SIGINFO) || current.sa_sigaction != on_sigbus) return;
  handler_installed = sigaction(SIGBUS, &handler_before, nullptr) != 0;
}

size_t add_guard(const void* data, size_t size, const std::string& name) {
  const std::lock_guard<std::mutex> lock(guards_mutex);
  for (size_t i = 0; i < kGuards; ++i) {
    if (guards[i].begin.load() != 0) continue;
    if (guards_taken == 0 && !handler_installed) install_handler();
    ++guards_taken;
    const auto begin = reinterpret_cast<uintptr_t>(data);
    guards[i].lost.store(false);
    guards[i].end.store(begin + size);
    guards[i].begin.store(begin);
    return i;
  }
  throw FileError(name, "is one of too many files that are open at once");
}

void remove_guard(size_t guard) {
  const std::lock_guard<std::mutex> lock(guards_mutex);
  guards[guard].begin.store(0);
  if (--guards_taken == 0 && handler_installed) remove_handler();
}

}  // namespace

MappedFile::MappedFile(int descriptor, const std::string& name)
    : file_(File::duplicate(descriptor, name)), size_(static_cast<size_t>(file_.size())) {
  if (size_ == 0) throw FileError(name, "is empty");
  void* const data = mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) throw FileError(name, std::strerror(errno));
  data_ = data;
  try {
    guard_ = add_guard(data_, size_, name);
  } catch (...) {
    munmap(data_, size_);
    throw;
  }
}

MappedFile::~MappedFile() {
  // Unguarded before it is unmapped, so that a later mapping at this address is not guarded.
  remove_guard(guard_);
  munmap(data_, size_);
}

void MappedFile::release() const { madvise(data_, size_, MADV_DONTNEED); }

bool MappedFile::intact() const {
  return !guards[guard_].lost.load() && file_.size() == static_cast<int64_t>(size_);
}

}  // namespace full_w2v
