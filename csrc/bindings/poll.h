// Python's part in what native threads do without it.
#pragma once

#include <pybind11/pybind11.h>

#include "text/block_queue.h"

namespace full_w2v {

// Lets Python handle signals and report progress while native threads work. `progress` is None or a callable
// that takes `done()`; it must outlive the poll, as the poll may run without the GIL.
template <class Done>
Poll make_poll(const pybind11::object& progress, Done done) {
  return [&progress, done] {
    const pybind11::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
    if (!progress.is_none()) progress(done());
  };
}

}  // namespace full_w2v
