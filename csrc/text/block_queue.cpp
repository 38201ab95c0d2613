#include "text/block_queue.h"

#include <utility>

namespace full_w2v {

template <class Condition>
void BlockQueue::wait(std::unique_lock<std::mutex>& lock, const Poll& poll, Condition condition) {
  while (!changed_.wait_for(lock, kPollInterval, condition)) {
    lock.unlock();
    poll();
    lock.lock();
    polled_ = Clock::now();
  }
}

void BlockQueue::rethrow_failure(std::unique_lock<std::mutex>& lock, const Poll& poll) {
  if (!error_) return;
  wait(lock, poll, [this] { return blocks_.empty() && in_work_ == 0; });
  std::rethrow_exception(error_);
}

void BlockQueue::push(Block block, const Poll& poll) {
  // Blocks that are counted faster than kPollInterval would otherwise never let a wait last that long.
  if (Clock::now() - polled_ >= kPollInterval) {
    poll();
    polled_ = Clock::now();
  }
  std::unique_lock<std::mutex> lock(mutex_);
  wait(lock, poll, [this] { return blocks_.size() < capacity_ || error_; });
  rethrow_failure(lock, poll);
  blocks_.push_back(std::move(block));
  changed_.notify_all();
}

void BlockQueue::wait_until_done(const Poll& poll) {
  std::unique_lock<std::mutex> lock(mutex_);
  wait(lock, poll, [this] { return blocks_.empty() && in_work_ == 0; });
  rethrow_failure(lock, poll);
}

bool BlockQueue::pop(Block& block) {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopped_ || !blocks_.empty(); });
    if (stopped_) return false;
    block = std::move(blocks_.front());
    blocks_.pop_front();
    changed_.notify_all();
    if (block.sequence < failed_) break;
  }
  ++in_work_;
  return true;
}

void BlockQueue::done() {
  const std::lock_guard<std::mutex> lock(mutex_);
  --in_work_;
  changed_.notify_all();
}

void BlockQueue::fail(uint64_t sequence, std::exception_ptr error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  --in_work_;
  if (sequence < failed_) {
    failed_ = sequence;
    error_ = std::move(error);
  }
  changed_.notify_all();
}

void BlockQueue::stop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  stopped_ = true;
  blocks_.clear();
  changed_.notify_all();
}

}  // namespace full_w2v
