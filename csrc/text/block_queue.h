// Hands blocks to counting threads, and their failures back.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>

#include "text/block.h"

namespace full_w2v {

// Called about every 50 ms by the thread that pushes or waits; what it throws is thrown on.
using Poll = std::function<void()>;
constexpr std::chrono::milliseconds kPollInterval{50};

class BlockQueue {
 public:
  explicit BlockQueue(size_t capacity) : capacity_(capacity) {}

  // Adds a block; waits while the queue is full. Throws what counting an earlier block has thrown. Only one
  // thread may push.
  void push(Block block, const Poll& poll);

  // Waits until every block is done. Throws as push() does.
  void wait_until_done(const Poll& poll);

  // Takes the next block; waits for one. False when the queue was stopped.
  bool pop(Block& block);
  void done();

  // Reports that block `sequence` failed. Blocks behind it are dropped, so that the error that is thrown is
  // that of the first faulty block, whichever thread finds one first.
  void fail(uint64_t sequence, std::exception_ptr error);

  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  template <class Condition>
  void wait(std::unique_lock<std::mutex>& lock, const Poll& poll, Condition condition);
  void rethrow_failure(std::unique_lock<std::mutex>& lock, const Poll& poll);

  const size_t capacity_;
  Clock::time_point polled_ = Clock::now();  // of the pushing thread alone
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block> blocks_;
  size_t in_work_ = 0;
  bool stopped_ = false;
  uint64_t failed_ = std::numeric_limits<uint64_t>::max();
  std::exception_ptr error_;
};

}  // namespace full_w2v
