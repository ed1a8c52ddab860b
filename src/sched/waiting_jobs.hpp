#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sched/active_job.hpp"

namespace loom::sched {

/// The jobs of which nothing has begun, however many: every operation costs about the logarithm of their
/// number. Not thread-safe. Never blocks.
class WaitingJobs {
 public:
  /// `job` has its number, which is no other's.
  void add(const ActivePtr& job);
  /// Does nothing when it is not there.
  void remove(const ActivePtr& job);

  /// Of that owner, the first of each priority and database: no other can be next, for among these the oldest
  /// goes first.
  [[nodiscard]] std::vector<ActivePtr> heads(std::string_view owner) const;
  /// Those who have jobs here.
  [[nodiscard]] std::vector<std::string_view> owners() const;
  /// Those that may ride with a job of `company`, which is not empty, the oldest first.
  [[nodiscard]] const std::map<std::uint64_t, ActivePtr>& riders(const std::string& company) const;
  /// From 1, among its owner's: those of a greater priority and the older ones go first. Counts them one by
  /// one.
  [[nodiscard]] std::uint64_t place(const ActiveJob& job) const;
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  using Queue = std::map<std::uint64_t, ActivePtr>;   // by number
  using Name = std::pair<std::int64_t, std::string>;  // priority negated, database
  [[nodiscard]] static Name name_of(const ActiveJob& job) {
    return {-std::int64_t{job.job.request.priority}, job.job.request.database};
  }

  std::map<std::string, std::map<Name, Queue>, std::less<>> queues_;  // by owner
  std::map<std::string, Queue> companies_;                            // without those that go alone
  std::size_t size_ = 0;
};

}  // namespace loom::sched
