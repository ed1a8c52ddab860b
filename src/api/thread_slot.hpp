#pragma once
#include <atomic>
#include <cstddef>

namespace loom::api {

/// A small number of the calling thread, from 0 in the order of first calls: picks a shard so that the few io
/// threads of a server do not meet.
inline std::size_t thread_slot() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

}  // namespace loom::api
