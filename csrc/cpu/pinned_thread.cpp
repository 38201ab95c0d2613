#include "cpu/pinned_thread.h"

#include <cerrno>
#include <system_error>

#if defined(__linux__)
#include <sched.h>
#endif

namespace full_w2v {

#if defined(__linux__)

struct PinnedThread::Cores {
  cpu_set_t set;
};

PinnedThread::PinnedThread(size_t number) : before_(std::make_unique<Cores>()) {
  const auto check = [](int result) {
    if (result != 0)
      throw std::system_error(errno, std::generic_category(), "threads cannot be pinned to cores");
  };
  check(sched_getaffinity(0, sizeof before_->set, &before_->set));
  size_t skip = number % static_cast<size_t>(CPU_COUNT(&before_->set));
  int core = 0;
  while (!CPU_ISSET(core, &before_->set) || skip-- > 0) ++core;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  check(sched_setaffinity(0, sizeof one, &one));
}

PinnedThread::~PinnedThread() { sched_setaffinity(0, sizeof before_->set, &before_->set); }

#else

struct PinnedThread::Cores {};

PinnedThread::PinnedThread(size_t) {
  throw std::system_error(ENOTSUP, std::generic_category(), "threads cannot be pinned to cores");
}

PinnedThread::~PinnedThread() = default;

#endif

}  // namespace full_w2v
