// A fiber is a stack and the point where it stopped: the emulator runs every CUDA thread on one.
// x86-64 switches in a few nanoseconds by a routine of its own; other machines use ucontext, and so does
// x86-64 with EMULATOR_UCONTEXT, which the tests define to try what those machines run.
#pragma once

#include <cstddef>

#if !defined(__x86_64__) && !defined(EMULATOR_UCONTEXT)
#define EMULATOR_UCONTEXT
#endif
#if defined(EMULATOR_UCONTEXT)
#include <ucontext.h>
#endif

namespace emulator {

class Fiber {
 public:
  // Prepares the fiber to run `entry` on this stack when first switched to. `entry` must call arrived() first
  // and must never return.
  void prepare(void* stack, size_t bytes, void (*entry)());

  // Leaves the running fiber, whose state `from` keeps, and continues this one.
  void resume_from(Fiber& from);

  // Tells AddressSanitizer that the first switch to this fiber is complete.
  static void arrived();

 private:
  void switch_stack(Fiber& from);

#if defined(EMULATOR_UCONTEXT)
  ucontext_t context_{};
#else
  void* stack_pointer_ = nullptr;
#endif
  const void* stack_ = nullptr;  // null for the fiber that is the OS thread itself
  size_t bytes_ = 0;
};

}  // namespace emulator
