// Runs one function on several threads while the caller waits.
#pragma once

#include <functional>

#include "text/block_queue.h"

namespace full_w2v {

// Runs `work` on `count` threads until all have returned. Calls `stop`, which must make them return, when one
// of them or `poll` throws; throws the first such exception when all have returned.
void run_threads(int count, const std::function<void()>& work, const std::function<void()>& stop,
                 const Poll& poll);

}  // namespace full_w2v
