#include "emulator/fibers/fiber.h"

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulator {

#if defined(__SANITIZE_ADDRESS__)
namespace {

// AddressSanitizer must know each stack that it runs on. Those of the OS thread become known each time the
// thread's own stack is left, to the fiber that it is left for.
const void* os_stack = nullptr;
size_t os_stack_bytes = 0;
bool leaving_os_stack = false;

void after_switch(void* fake_stack) {
  const void* left = nullptr;
  size_t bytes = 0;
  __sanitizer_finish_switch_fiber(fake_stack, &left, &bytes);
  if (leaving_os_stack) {
    os_stack = left;
    os_stack_bytes = bytes;
  }
  leaving_os_stack = false;
}

// A fiber never returns: the frames that it ended in remain guarded on its stack.
void forget_frames(void* stack, size_t bytes) { __asan_unpoison_memory_region(stack, bytes); }

}  // namespace

void Fiber::arrived() { after_switch(nullptr); }

void Fiber::resume_from(Fiber& from) {
  void* fake_stack = nullptr;
  leaving_os_stack = from.stack_ == nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, stack_ ? stack_ : os_stack, stack_ ? bytes_ : os_stack_bytes);
  switch_stack(from);
  after_switch(fake_stack);
}

#else

static void forget_frames(void*, size_t) {}

void Fiber::arrived() {}

void Fiber::resume_from(Fiber& from) { switch_stack(from); }

#endif

#if defined(EMULATOR_UCONTEXT)

void Fiber::prepare(void* stack, size_t bytes, void (*entry)()) {
  forget_frames(stack, bytes);
  stack_ = stack;
  bytes_ = bytes;
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack;
  context_.uc_stack.ss_size = bytes;
  context_.uc_link = nullptr;
  makecontext(&context_, entry, 0);
}

void Fiber::switch_stack(Fiber& from) { swapcontext(&from.context_, &context_); }

#else

// Saves the six registers that the System V ABI lets a callee keep, then the stack pointer, and takes them
// from the other stack. Argument 1: where to keep the old stack pointer; argument 2: the new one.
extern "C" void full_w2v_switch_stack(void** save, void* load);
asm(R"(
.pushsection .text
.hidden full_w2v_switch_stack
.globl full_w2v_switch_stack
.type full_w2v_switch_stack, @function
full_w2v_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size full_w2v_switch_stack, . - full_w2v_switch_stack
.popsection
)");

void Fiber::prepare(void* stack, size_t bytes, void (*entry)()) {
  constexpr int kSavedRegisters = 6;
  forget_frames(stack, bytes);
  stack_ = stack;
  bytes_ = bytes;
  auto* slot = reinterpret_cast<void**>((reinterpret_cast<uintptr_t>(stack) + bytes) & ~uintptr_t{15});
  *--slot = nullptr;  // the return address of `entry`, which never returns; keeps the stack aligned
  *--slot = reinterpret_cast<void*>(entry);
  for (int i = 0; i < kSavedRegisters; ++i) *--slot = nullptr;
  stack_pointer_ = slot;
}

void Fiber::switch_stack(Fiber& from) { full_w2v_switch_stack(&from.stack_pointer_, stack_pointer_); }

#endif

}  // namespace emulator
