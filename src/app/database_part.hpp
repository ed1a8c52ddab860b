#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"
#include "catalog/database.hpp"
#include "catalog/database_files.hpp"
#include "catalog/shards.hpp"
#include "exec/process_runner.hpp"

namespace loom::app {

/// What a run of BLAST+ reads of a database.
struct DatabasePart {
  catalog::Database database;
  catalog::OidRange range;  ///< a shard, or all of it
  bool few = false;         ///< only subjects that were found before, here and there
};

/// What `spec` reads, by its -db. Errors: not_found when it searches no database, or one of profiles; those
/// of open_database. Blocking: on disk.
Result<DatabasePart> part_of(const exec::ProcessSpec& spec);

/// What the files of a database are known by, 32 hexadecimal digits: by paths, sizes and times, so that it is
/// another one when a file was replaced. Errors: those of stat; invalid_argument when two files have one
/// name. Blocking: on disk.
Result<std::string> files_key(const std::vector<catalog::DatabaseFile>& files);

/// A name of the part, the same for all runs that read it, "KEY-FIRST-END"; empty when it has none: nothing
/// large is read, or it is not known. Blocking: on disk.
std::string part_name(const exec::ProcessSpec& spec);

}  // namespace loom::app
