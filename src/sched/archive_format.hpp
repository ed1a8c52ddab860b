#pragma once
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "exec/process_runner.hpp"

namespace loom::sched {

/// JobSpec::imported of such a file.
inline constexpr std::string_view kImportedArchive = "archive";

/// The database that the archives (-outfmt 11) of a file were searched in, as they call it; empty if they
/// name none. Errors: corrupt for what is no archive; invalid_argument if they name several. Blocking: reads
/// it all.
Result<std::string> database_of_archive(const std::filesystem::path& archive);

/// What blast_formatter makes of `archive` in `outfmt`, with all hits that it holds: a file in `folder`,
/// which exists. The sequences come from the database that the archive names. Blocking.
/// Errors: conflict if that database is not here; invalid_argument, in blast_formatter's words, for an
/// archive that is damaged or a format that its program lacks; those of `runner`.
Result<std::filesystem::path> format_archive(exec::ProcessRunner& runner,
                                             const std::filesystem::path& archive, const std::string& outfmt,
                                             const std::filesystem::path& folder,
                                             const std::stop_token& stop = {});

}  // namespace loom::sched
