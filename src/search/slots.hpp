#pragma once
#include <functional>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/mutex.hpp"
#include "base/result.hpp"

namespace loom::search {

/// One piece of work for Slots.
struct Job {
  int threads = 1;                             ///< slots it holds while it runs, 1 to all
  std::function<Status(std::stop_token)> run;  ///< blocking; called once, on a thread of Slots
};

/// Runs jobs, started in their order, on a fixed number of slots. A job that needs more slots than are free
/// waits, and those behind it wait too. The first failure asks all running jobs to stop and starts no more.
/// Thread-safety: wait() from one thread. The destructor stops what runs and joins.
class Slots {
 public:
  /// Starts at once. `stop` ends everything, as a failure would.
  Slots(int slots, std::vector<Job> jobs, std::stop_token stop);
  ~Slots();
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  /// Blocks until job `index` has ended well. Errors: that of the first job that failed, whichever it is;
  /// cancelled after `stop`.
  Status wait(std::size_t index);
  /// wait() for all.
  Status wait_all();

 private:
  void work();
  std::optional<std::size_t> take() REQUIRES(mutex_);
  void fail(Error error) REQUIRES(mutex_);

  std::vector<Job> jobs_;
  std::stop_source stopping_;
  Mutex mutex_;
  CondVar changed_;
  std::size_t next_ GUARDED_BY(mutex_) = 0;
  int free_ GUARDED_BY(mutex_);
  std::vector<char> done_ GUARDED_BY(mutex_);
  std::optional<Error> failure_ GUARDED_BY(mutex_);
  std::stop_callback<std::function<void()>> on_stop_;
  std::vector<std::jthread> threads_;
};

}  // namespace loom::search
