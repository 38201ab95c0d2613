// Facts about the library that the emulator and the kernels are linked into.
#pragma once

#include <string>

namespace emulator {

// True if the address lies in the code or static data of this library.
bool in_this_module(const void* address);

// "file:line" of an address in its code, or the offset where addr2line or debug information is missing.
std::string source_of(const void* code);

// The name of the function that begins at this address, as far as it can be found.
std::string function_name(const void* code);

}  // namespace emulator
