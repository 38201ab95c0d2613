// Keeps a thread on one core for as long as an object lives.
#pragma once

#include <cstddef>
#include <memory>

namespace full_w2v {

class PinnedThread {
 public:
  // Moves the calling thread to core `number`, modulo their number, of those that it
  // may use. Throws std::system_error if the system refuses, or knows no such request.
  explicit PinnedThread(size_t number);
  // Gives the thread its cores back; called by the thread itself.
  ~PinnedThread();
  PinnedThread(const PinnedThread&) = delete;
  PinnedThread& operator=(const PinnedThread&) = delete;

 private:
  struct Cores;
  std::unique_ptr<Cores> before_;
};

}  // namespace full_w2v
