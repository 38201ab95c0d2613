#include "bindings/native.h"

PYBIND11_MODULE(_native, module) {
  module.doc() = "Native parts of full_w2v: draws, the corpus path and the CPU engine.";
  full_w2v::bind_contract(module);
  full_w2v::bind_corpus(module);
  full_w2v::bind_cpu(module);
  full_w2v::bind_phrases(module);
}
