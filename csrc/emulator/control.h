// How tests and benchmarks steer the emulated device and read what it counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "emulator/fibers/observer.h"
#include "emulator/loaded_module.h"
#include "emulator/settings.h"

namespace emulator {

// Takes new settings; a device lost to a fault is usable again.
void configure(const Settings& chosen);

// Counted since the last reset, by the kernel's name.
std::map<std::string, KernelCounters> counters();
void reset_counters();

// The most launches that were enqueued and not yet done at a time, since the last configure().
int64_t most_launches_in_flight();
// The most blocks of a launch that ran at a time, since the last configure().
int64_t most_blocks_resident();

}  // namespace emulator
