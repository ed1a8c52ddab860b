#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.hpp"
#include "blast/options.hpp"
#include "exec/process_runner.hpp"
#include "service/databases.hpp"
#include "service/job_service.hpp"
#include "taxonomy/taxonomy.hpp"

namespace loom::service {

/// Where an imported taxonomy lies in a server's data folder.
std::filesystem::path taxonomy_file(const std::filesystem::path& data);

/// Organisms by NCBI's taxonomy, as an admin imported it. Thread-safe. Blocking: on disk; taxids() on
/// blastdbcmd.
class Organisms {
 public:
  /// References are borrowed. `file` may come later, or be replaced: who reads the old one keeps it.
  Organisms(std::filesystem::path file, exec::ProcessRunner& runner, DatabaseList& databases)
      : file_(std::move(file)), runner_(runner), databases_(databases) {}

  /// Errors: not_found before an import, which says how to; corrupt.
  Result<std::shared_ptr<const taxonomy::Taxonomy>> taxonomy() EXCLUDES(mutex_);

  /// The taxids of a database's sequences, ascending, without 0; found once for each version of it. Errors:
  /// those of DatabaseList::open; of the runner.
  Result<std::vector<taxonomy::TaxId>> taxids(const std::string& database, Deadline deadline)
      EXCLUDES(mutex_);

  /// Puts BLAST+'s option (taxids, negative_taxids) for the request's organisms in their place: those with
  /// all their descendants that the database has. Errors: those of taxonomy() and taxids(); invalid_argument
  /// for a taxid that is none, for organisms of which the database has no sequence, and beside options that
  /// choose sequences too.
  Status settle(SubmitRequest& request, Deadline deadline);

  /// What a user should be told of the taxids that `options` choose or leave out: those that `database`
  /// lacks; empty when it has all, or cannot be asked by `deadline`.
  std::string warning_of(const std::string& database, const blast::Options& options, Deadline deadline);

 private:
  const std::filesystem::path file_;
  exec::ProcessRunner& runner_;
  DatabaseList& databases_;
  Mutex mutex_;
  std::shared_ptr<const taxonomy::Taxonomy> open_ GUARDED_BY(mutex_);
  std::filesystem::file_time_type opened_ GUARDED_BY(mutex_);
  std::map<std::string, std::vector<taxonomy::TaxId>> known_ GUARDED_BY(mutex_);  // by database and version
};

}  // namespace loom::service
