// Finds equal word ids: a hash table that costs nothing to clear.
#pragma once

#include <cstdint>

#include "cpu/simd/vector.h"

namespace full_w2v {

// Open addressing; an entry is there if it has the table's stamp.
struct IdTable {
  struct Entry {
    uint32_t stamp;
    uint32_t id;
    int32_t index;
  };
  Entry* entries;
  uint32_t mask, stamp;
};

// Index of `id` among those added since the table was cleared; `next` is taken for a new one.
KERNEL_INLINE int32_t find_or_add(IdTable& table, uint32_t id, int32_t next) {
  uint32_t at = id * 2654435761u;
  for (at &= table.mask;; at = (at + 1) & table.mask) {
    IdTable::Entry& entry = table.entries[at];
    if (entry.stamp != table.stamp) {
      entry = {table.stamp, id, next};
      return next;
    }
    if (entry.id == id) return entry.index;
  }
}

KERNEL_INLINE void clear(IdTable& table) {
  if (++table.stamp != 0) return;
  // Stamps begin again after 2^32 tiles: entries of that long ago must not look new.
  for (uint32_t at = 0; at <= table.mask; ++at) table.entries[at].stamp = 0;
  table.stamp = 1;
}

}  // namespace full_w2v
