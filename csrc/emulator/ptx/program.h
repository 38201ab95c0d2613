// PTX, the compiler's instructions for a virtual device, read into what warp.cpp runs.
//
// Every operand becomes a register: constants and special values (%tid.x ...) get registers of their own, so
// that an instruction is a function over register numbers. Addresses within shared, local and parameter
// memory count from the beginning of each.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace emulator::ptx {

constexpr int kLanes = 32;

struct Instruction;
class WarpState;

// Runs an instruction for the lanes of `mask`.
using Action = void (*)(WarpState& warp, const Instruction& instruction, uint32_t mask);

// What the machine does with an instruction, for counting.
enum class Class { fp32, integer, select, special, shuffle, shared, global, atomic, control, other, matrix };
constexpr int kClasses = 11;
const char* name(Class kind);

enum class Flow { next, branch, exit, block_barrier };

struct Instruction {
  Action action = nullptr;
  Class kind = Class::other;
  Flow flow = Flow::next;
  bool meets = false;    // waits for all lanes of the warp
  bool negated = false;  // of the guard
  int guard = -1;        // predicate, or none
  int target = 0;        // of a branch
  int32_t offset = 0;    // of an address
  std::vector<int> to;   // registers or predicates, as the opcode has it; -1 where the result is dropped
  std::vector<int> from;
  int line = 0;  // in the text, for errors
  std::string opcode;
};

struct Constant {
  int target;
  uint64_t bits;
};

enum class Special { thread, block, threads, blocks, lane };
struct SpecialRegister {
  int target;
  Special value;
};

struct Kernel {
  std::string name;
  int64_t parameter_bytes = 0, local_bytes = 0;
  int registers = 0, predicates = 0;
  std::vector<Constant> constants;
  std::vector<SpecialRegister> specials;
  std::vector<Instruction> instructions;
  std::vector<bool> leads;  // whether a branch may go there
};

// The kernels of a PTX text, by their demangled names. Throws std::invalid_argument, with the line, for what
// is not understood.
std::map<std::string, Kernel> parse(const std::string& text);

// The opcode's action and class; throws std::invalid_argument if it is not known.
struct Meaning {
  Action action;
  Class kind;
};
Meaning meaning_of(const std::string& opcode);

}  // namespace emulator::ptx
