#pragma once
#include <filesystem>
#include <optional>

#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "plan/planner.hpp"
#include "search/query_file.hpp"
#include "search/settings.hpp"

namespace loom::search {

/// Where a search keeps its tasks' files: a private temporary folder, or `blastloom-work` in the --resume
/// folder, which outlives an interrupted run and belongs to one search: the file `search` in it says which,
/// and another search is refused. Only one run at a time may use it (a lock). Blocking: on disk.
class WorkFolder {
 public:
  /// `resume`: the folder to use, made if it is missing, whose other files stay as they are; empty: a
  /// temporary one.
  /// Errors: conflict when another run uses it; those of the file system.
  static Result<WorkFolder> open(const std::filesystem::path& resume);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] bool resumable() const { return !temporary_; }

  /// Ties the folder to this search, or finds that it is tied to it already. Errors: conflict when it belongs
  /// to another search.
  Status begin(const Request& request, const std::filesystem::path& engine, const QueryFile& queries,
               const plan::Plan& plan);
  /// The search is complete: what it left goes, and the --resume folder if nothing else is in it.
  Status finish();

 private:
  std::filesystem::path path_;
  std::optional<TempDir> temporary_;
  Fd lock_;
};

}  // namespace loom::search
