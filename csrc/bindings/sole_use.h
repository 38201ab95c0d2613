// One call at a time on an object whose calls release the GIL.
#pragma once

#include <atomic>
#include <stdexcept>
#include <string>

namespace full_w2v {

// One call's use of an object. While it goes on without the GIL another thread's call may come, and so may
// one of a callback or a signal's handler that it runs itself: that would change or free what this call works
// on. It is an error of the caller, not something to wait for. Made and ended with the GIL.
class SoleUse {
 public:
  // Throws std::runtime_error if the object, `what` in the message, is in use already.
  SoleUse(std::atomic<bool>& busy, const std::string& what) : busy_(busy) {
    if (busy_.exchange(true)) {
      throw std::runtime_error("the " + what +
                               " is in use by another thread, or by a call that this one is made from; give "
                               "each thread a " +
                               what + " of its own");
    }
  }
  ~SoleUse() { busy_ = false; }
  SoleUse(const SoleUse&) = delete;
  SoleUse& operator=(const SoleUse&) = delete;

 private:
  std::atomic<bool>& busy_;
};

}  // namespace full_w2v
