#pragma once
#include <stop_token>
#include <string>
#include <string_view>

#include "catalog/snapshots.hpp"
#include "exec/process_runner.hpp"

namespace loom::service {

/// What blastdbcheck finds wrong with the database of that name in `folder`; empty: nothing. Blocking, for
/// long.
Result<std::string> check_database_files(exec::ProcessRunner& runner, const std::filesystem::path& folder,
                                         const std::string& name, blast::Molecule molecule,
                                         std::stop_token stop);

/// Looks whether the files of a snapshot are as they were published and whether blastdbcheck finds them
/// whole, and keeps the verdict: empty, or what is wrong. Blocking: reads every byte. Errors: not_found,
/// cancelled.
Result<std::string> verify_database(const catalog::Snapshots& snapshots, exec::ProcessRunner& runner,
                                    const catalog::Snapshot& snapshot, std::stop_token stop);

/// As BLAST+'s tools call it: prot or nucl.
std::string_view dbtype(blast::Molecule molecule);

/// BLAST+'s own words about what went wrong, without their frame.
std::string words_of(const exec::ProcessOutcome& outcome);

}  // namespace loom::service
