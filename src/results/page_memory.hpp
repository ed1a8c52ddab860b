#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.hpp"
#include "results/filter.hpp"
#include "results/page_sql.hpp"

namespace loom::results {

/// One text for each statement with its values: a digest, for the taxids of a clade may be many.
std::string key_of(const Sql& sql);

/// What is kept of one index for the requests that follow, for it took long to find. Keys tell what
/// it is of. Thread-safe. Memory: at most 10 MiB, and a bit of each subject for each of 32 sets.
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
  /// They are joined to those kept that end there, or else take the place of what is kept from the
  /// start of the list, or of what is kept from inside it. `whole`: there are no more behind them.
  void keep_rows(const std::string& key, Sort sort, const PageCursor& after, std::vector<PageCursor> rows,
                 bool whole) EXCLUDES(mutex_);

  /// Whether a quick look at the columns was in vain.
  bool was_in_vain(const std::string& key, Sort sort) EXCLUDES(mutex_);
  void keep_in_vain(const std::string& key, Sort sort) EXCLUDES(mutex_);

  std::shared_ptr<const SubjectSet> subjects(const std::string& key) EXCLUDES(mutex_);
  void keep_subjects(std::shared_ptr<const SubjectSet> subjects) EXCLUDES(mutex_);

 private:
  struct Ahead {
    PageCursor after;
    std::vector<PageCursor> rows;
    bool whole = false;
    /// Where the row behind `cursor` stands, if it does.
    [[nodiscard]] std::optional<std::size_t> place_behind(const PageCursor& cursor) const;
  };
  // From the start of the list, and from inside it.
  using Kept = std::array<std::shared_ptr<const Ahead>, 2>;
  Mutex mutex_;
  std::map<std::string, std::optional<std::uint64_t>> totals_ GUARDED_BY(mutex_);
  std::map<std::pair<std::string, Sort>, Kept> ahead_ GUARDED_BY(mutex_);
  std::set<std::pair<std::string, Sort>> in_vain_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<const SubjectSet>> sets_ GUARDED_BY(mutex_);
};

}  // namespace loom::results
