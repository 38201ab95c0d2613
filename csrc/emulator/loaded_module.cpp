#include "emulator/loaded_module.h"

#include <dlfcn.h>
#include <link.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <vector>

namespace emulator {
namespace {

struct Range {
  uintptr_t first, last;
};

struct ModuleRanges {
  uintptr_t inside;  // an address of the module that is looked for
  std::vector<Range> ranges;
};

int collect_ranges(dl_phdr_info* info, size_t, void* result) {
  auto* module = static_cast<ModuleRanges*>(result);
  std::vector<Range> ranges;
  bool ours = false;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type != PT_LOAD) continue;
    const uintptr_t first = info->dlpi_addr + header.p_vaddr;
    ranges.push_back({first, first + header.p_memsz});
    ours |= module->inside >= first && module->inside < first + header.p_memsz;
  }
  if (ours) module->ranges = ranges;
  return ours ? 1 : 0;
}

const std::vector<Range>& module_ranges() {
  static const std::vector<Range> ranges = [] {
    ModuleRanges module{reinterpret_cast<uintptr_t>(&collect_ranges), {}};
    dl_iterate_phdr(&collect_ranges, &module);
    return module.ranges;
  }();
  return ranges;
}

struct Symbol {
  std::string function, source;
};

std::string line_of(FILE* stream) {
  std::string line;
  for (int c = std::fgetc(stream); c != EOF && c != '\n'; c = std::fgetc(stream))
    line += static_cast<char>(c);
  return line;
}

// What addr2line says about an offset into a file, or nothing if it cannot be run.
Symbol ask_addr2line(const char* file, uintptr_t offset) {
  char address[32];
  std::snprintf(address, sizeof address, "0x%zx", static_cast<size_t>(offset));
  const std::string command = "addr2line -f -C -e '" + std::string(file) + "' " + address + " 2>/dev/null";
  Symbol symbol;
  if (FILE* answer = popen(command.c_str(), "r")) {
    symbol.function = line_of(answer);
    symbol.source = line_of(answer);
    pclose(answer);
  }
  return symbol;
}

const Symbol& symbol_of(const void* code) {
  static std::map<const void*, Symbol> known;
  const auto found = known.find(code);
  if (found != known.end()) return found->second;
  Dl_info info{};
  Symbol symbol;
  if (dladdr(code, &info) && info.dli_fname) {
    const uintptr_t offset = reinterpret_cast<uintptr_t>(code) - reinterpret_cast<uintptr_t>(info.dli_fbase);
    symbol = ask_addr2line(info.dli_fname, offset);
    char text[32];
    std::snprintf(text, sizeof text, "+0x%zx", static_cast<size_t>(offset));
    if (symbol.source.empty() || symbol.source[0] == '?') symbol.source = std::string(info.dli_fname) + text;
  }
  return known[code] = symbol;
}

}  // namespace

bool in_this_module(const void* address) {
  const auto at = reinterpret_cast<uintptr_t>(address);
  for (const Range& range : module_ranges()) {
    if (at >= range.first && at < range.last) return true;
  }
  return false;
}

// `code` is a return address: the instruction asked about ends right before it.
std::string source_of(const void* code) { return symbol_of(static_cast<const char*>(code) - 1).source; }

std::string function_name(const void* code) { return symbol_of(code).function; }

}  // namespace emulator
