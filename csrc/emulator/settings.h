// What can be chosen about the emulated device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace emulator {

struct Settings {
  uint64_t seed = 0;                       // of the schedule of warps and streams; 0 runs them in order
  int resident_blocks = 4;                 // blocks in flight at a time
  bool check = false;                      // bounds of every access, races in shared memory
  bool count = false;                      // traffic and instructions per kernel
  int devices = 1;                         // 0 acts as a machine without a device
  int capability = 86;                     // compute capability, 75 for 7.5
  size_t memory_bytes = size_t{4} << 30;   // of the device
  size_t shared_bytes = size_t{99} << 10;  // a block may ask for at most, as on sm_86
  int64_t fail_after_launches = -1;        // the launch with this number faults; -1 never

  // Settings from "name=value,name=value"; throws std::invalid_argument for what is not a setting.
  static Settings parse(const std::string& text);
};

// The settings in force: at first those of the environment variable FULL_W2V_EMULATOR.
Settings& settings();

}  // namespace emulator
