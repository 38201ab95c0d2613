// What -fsanitize=thread calls before every load and store of the kernels: here it tells the observer.
// libtsan is not linked.
#include <cstddef>
#include <cstdint>

#include "emulator/fibers/observer.h"

namespace {

using emulator::Access;

inline void tell(const void* address, uint32_t bytes, Access kind, const void* code) {
  if (emulator::observing) emulator::observer().access(address, bytes, kind, code);
}

}  // namespace

#define HOOK extern "C" __attribute__((visibility("hidden"))) void
#define HOOKS_OF_SIZE(bytes)                                                                                \
  HOOK __tsan_read##bytes(void* p) { tell(p, bytes, Access::load, __builtin_return_address(0)); }           \
  HOOK __tsan_write##bytes(void* p) { tell(p, bytes, Access::store, __builtin_return_address(0)); }         \
  HOOK __tsan_unaligned_read##bytes(void* p) { tell(p, bytes, Access::load, __builtin_return_address(0)); } \
  HOOK __tsan_unaligned_write##bytes(void* p) {                                                             \
    tell(p, bytes, Access::store, __builtin_return_address(0));                                             \
  }                                                                                                         \
  HOOK __tsan_volatile_read##bytes(void* p) { tell(p, bytes, Access::load, __builtin_return_address(0)); }  \
  HOOK __tsan_volatile_write##bytes(void* p) { tell(p, bytes, Access::store, __builtin_return_address(0)); }

HOOKS_OF_SIZE(1)
HOOKS_OF_SIZE(2)
HOOKS_OF_SIZE(4)
HOOKS_OF_SIZE(8)
HOOKS_OF_SIZE(16)

HOOK __tsan_read_range(void* p, size_t bytes) {
  tell(p, static_cast<uint32_t>(bytes), Access::load, __builtin_return_address(0));
}
HOOK __tsan_write_range(void* p, size_t bytes) {
  tell(p, static_cast<uint32_t>(bytes), Access::store, __builtin_return_address(0));
}
HOOK __tsan_init() {}
HOOK __tsan_func_entry(void*) {}
HOOK __tsan_func_exit() {}
HOOK __tsan_vptr_update(void**, void*) {}
HOOK __tsan_vptr_read(void**) {}
