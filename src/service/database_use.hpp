#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "store/job_store.hpp"

namespace loom::service {

/// Jobs that are not final, with the folders of the snapshots that they were submitted with.
class DatabaseUse {
 public:
  /// As it is now. Blocking: on disk, all unfinished jobs are read. Errors: those of the store.
  static Result<DatabaseUse> look(store::JobStore& jobs);

  /// Ids of those that need a snapshot in `folder` or below it.
  [[nodiscard]] std::vector<std::string> of(const std::filesystem::path& folder) const;
  /// conflict when there are any, naming some.
  [[nodiscard]] Status check_unused(const std::filesystem::path& folder) const;

 private:
  struct User {
    std::string job;
    std::string folders;  // each between two ':'
  };
  std::vector<User> users_;
};

}  // namespace loom::service
