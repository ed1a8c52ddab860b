#include "async/blocking_pool.hpp"

#include <mutex>

namespace loom::async {

BlockingPool::BlockingPool(std::size_t threads, std::size_t most_waiting)
    : most_waiting_(most_waiting), pool_(threads) {}

BlockingPool::~BlockingPool() {
  pool_.join();
}

void BlockingPool::settle() {
  const std::unique_lock none_left(resuming_);
}

Status BlockingPool::enter() {
  if (waiting_.fetch_add(1, std::memory_order_relaxed) < most_waiting_) return ok();
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  return error(Code::unavailable, "the server is busy: {} calls wait already; try again", most_waiting_);
}

}  // namespace loom::async
