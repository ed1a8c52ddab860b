#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.hpp"
#include "results/filter.hpp"
#include "results/page_sql.hpp"

namespace loom::results {

/// What is kept of one index for the requests that follow, for it took long to find. Keys tell what it is of.
/// Thread-safe. Memory: at most 10 MiB, and a bit of each subject for each of 32 sets.
class PageMemory {
 public:
  /// So many rows behind a page are worth to be kept.
  static constexpr std::size_t kRowsAhead = 5000;

  /// How many rows a listing has; nullopt within if they could not be counted in time.
  std::optional<std::optional<std::uint64_t>> total(const std::string& key) EXCLUDES(mutex_);
  void keep_total(const std::string& key, std::optional<std::uint64_t> total) EXCLUDES(mutex_);

  /// The `limit` rows behind `after` in one sort, if they are known.
  std::optional<std::vector<PageCursor>> rows(const std::string& key, Sort sort, const PageCursor& after,
                                              std::size_t limit) EXCLUDES(mutex_);
  /// Whether any of that sort are kept.
  bool knows_rows(const std::string& key, Sort sort) EXCLUDES(mutex_);
  void forget_rows(const std::string& key, Sort sort) EXCLUDES(mutex_);
  /// `whole`: there are no more behind them.
  void keep_rows(const std::string& key, Sort sort, const PageCursor& after, std::vector<PageCursor> rows,
                 bool whole) EXCLUDES(mutex_);

  std::shared_ptr<const SubjectSet> subjects(const std::string& key) EXCLUDES(mutex_);
  void keep_subjects(std::shared_ptr<const SubjectSet> subjects) EXCLUDES(mutex_);

 private:
  struct Ahead {
    PageCursor after;
    std::vector<PageCursor> rows;
    bool whole = false;
  };
  Mutex mutex_;
  std::map<std::string, std::optional<std::uint64_t>> totals_ GUARDED_BY(mutex_);
  std::map<std::pair<std::string, Sort>, std::shared_ptr<const Ahead>> ahead_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<const SubjectSet>> sets_ GUARDED_BY(mutex_);
};

}  // namespace loom::results
