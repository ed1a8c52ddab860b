#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace loom::sched {

/// Learns from finished tasks how far the planner's predictions are off, per kind of search (program, task,
/// database). Not thread-safe. Never blocks.
class CostModel {
 public:
  /// A task predicted at `predicted` CPU seconds took `actual`.
  void learn(const std::string& kind, double predicted, double actual);
  /// What `predicted` CPU seconds of `kind` will be, as far as is known.
  [[nodiscard]] double corrected(const std::string& kind, double predicted) const;
  /// A search of `kind` with that many letters took so long: for those that have no plan yet.
  void learn_rate(const std::string& kind, std::uint64_t letters, double actual);
  /// What a search of `kind` with that many letters will take; nullopt before one was seen.
  [[nodiscard]] std::optional<double> seconds_for(const std::string& kind, std::uint64_t letters) const;
  /// The typical relative error of corrected(): 0.3 is 30 %. nullopt before anything was learnt of `kind`.
  [[nodiscard]] std::optional<double> error(const std::string& kind) const;

 private:
  /// Exponentially weighted: a new task counts a fifth.
  static constexpr double kNew = 0.2;
  struct Known {
    double ratio = 1;  // actual : predicted
    double error = 0;
    int tasks = 0;
  };
  std::map<std::string, Known> known_;
  std::map<std::string, double> rates_;  // CPU seconds per letter
};

}  // namespace loom::sched
