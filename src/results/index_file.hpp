#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "results/filter.hpp"
#include "results/index_builder.hpp"
#include "results/sqlite_file.hpp"

namespace loom::results {

/// A connection to the file of a hit index; its SQL may say chosen(subject, set). One thread at a time.
struct IndexReader {
  explicit IndexReader(SqliteFile opened);
  /// `values` are bound to the parameters from `first` on, and borrowed as text is.
  Result<SqliteStatement> prepare(std::string_view sql, const std::vector<Bound>& values = {}, int first = 1);

  SqliteFile file;
  Deadline until = Deadline::never();  ///< what still runs then ends with timed_out
};

/// The file of a hit index: what it tells of itself, and as many connections as there are calls at once.
/// Thread-safe. Blocking: on disk. Memory: 8 MiB for each connection.
class IndexFile {
 public:
  /// Errors: not_found; corrupt, also for one of another version.
  static Result<std::unique_ptr<IndexFile>> open(const std::filesystem::path& path);

  // As in HitIndex.
  [[nodiscard]] const IndexCounts& counts() const { return counts_; }
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  [[nodiscard]] const std::vector<std::string>& others() const { return others_; }
  [[nodiscard]] const std::string& histograms() const { return histograms_; }
  [[nodiscard]] bool holds(Field field) const;
  [[nodiscard]] bool covers() const;

  struct Give {
    IndexFile* owner;
    void operator()(IndexReader* reader) const;
  };
  using Borrowed = std::unique_ptr<IndexReader, Give>;
  /// A connection for one call, which ends at `deadline`.
  Result<Borrowed> borrow(Deadline deadline) EXCLUDES(mutex_);

 private:
  explicit IndexFile(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
  IndexCounts counts_;
  std::vector<std::string> columns_;
  std::vector<std::string> others_;
  std::string histograms_;
  Mutex mutex_;
  std::vector<std::unique_ptr<IndexReader>> idle_ GUARDED_BY(mutex_);
};

}  // namespace loom::results
