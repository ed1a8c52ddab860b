#include "search/slots.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/guarded.hpp"

namespace loom::search {

Slots::Slots(int slots, std::vector<Job> jobs, std::stop_token stop)
    : jobs_(std::move(jobs)), free_(slots), done_(jobs_.size(), 0), on_stop_(std::move(stop), [this] {
        const MutexLock lock(mutex_);
        fail({Code::cancelled, "stopped on request"});
      }) {
  for (const Job& job : jobs_) LOOM_CHECK(job.threads >= 1 && job.threads <= slots, "a job fits the slots");
  const std::size_t threads = std::min(jobs_.size(), static_cast<std::size_t>(slots));
  for (std::size_t t = 0; t < threads; ++t) threads_.emplace_back([this] { work(); });
}

Slots::~Slots() {
  {
    const MutexLock lock(mutex_);
    if (!failure_ && next_ < jobs_.size()) fail({Code::cancelled, "nobody waits for it"});
    stopping_.request_stop();
  }
  threads_.clear();
}

void Slots::fail(Error error) {
  if (!failure_) failure_ = std::move(error);
  stopping_.request_stop();
  changed_.notify_all();
}

std::optional<std::size_t> Slots::take() {
  while (!failure_ && next_ < jobs_.size() && jobs_[next_].threads > free_) changed_.wait(mutex_);
  if (failure_ || next_ >= jobs_.size()) return std::nullopt;
  free_ -= jobs_[next_].threads;
  return next_++;
}

void Slots::work() {
  for (;;) {
    std::size_t index = 0;
    {
      const MutexLock lock(mutex_);
      const auto taken = take();
      if (!taken) return;
      index = *taken;
      changed_.notify_all();
    }
    Status status = guarded([&] { return jobs_[index].run(stopping_.get_token()); });
    const MutexLock lock(mutex_);
    free_ += jobs_[index].threads;
    if (!status) {
      fail(std::move(status.error()));
    } else {
      done_[index] = 1;
    }
    changed_.notify_all();
  }
}

Status Slots::wait(std::size_t index) {
  const MutexLock lock(mutex_);
  while (!failure_ && done_[index] == 0) changed_.wait(mutex_);
  if (failure_) return *failure_;
  return ok();
}

Status Slots::wait_all() {
  for (std::size_t index = 0; index < jobs_.size(); ++index) LOOM_CHECKED(wait(index));
  return ok();
}

}  // namespace loom::search
