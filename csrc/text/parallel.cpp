#include "text/parallel.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace full_w2v {

void run_threads(int count, const std::function<void()>& work, const std::function<void()>& stop,
                 const Poll& poll) {
  std::mutex mutex;
  std::condition_variable returned;
  std::exception_ptr error;
  int working = count;
  std::vector<std::thread> threads;
  const auto guarded = [&](const std::function<void()>& action) {
    try {
      action();
      return true;
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!error) error = std::current_exception();
      return false;
    }
  };
  const auto body = [&] {
    if (!guarded(work)) stop();
    const std::lock_guard<std::mutex> lock(mutex);
    --working;
    returned.notify_all();
  };
  const auto start = [&] {
    while (static_cast<int>(threads.size()) < count) threads.emplace_back(body);
  };
  if (!guarded(start)) {  // the system gives no more threads
    stop();
    const std::lock_guard<std::mutex> lock(mutex);
    working -= count - static_cast<int>(threads.size());
  }
  std::unique_lock<std::mutex> lock(mutex);
  while (!returned.wait_for(lock, kPollInterval, [&] { return working == 0; })) {
    lock.unlock();
    if (!guarded(poll)) stop();
    lock.lock();
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace full_w2v
