#pragma once
#include <filesystem>

#include "base/result.hpp"
#include "blast/program.hpp"

namespace loom::blast {

/// The executable of `program`: the first of executable_names() that PATH holds. Nothing is run.
/// Errors: not_found, with what to install.
Result<std::filesystem::path> find_engine(Program program);

/// The executable called `name` on PATH, for BLAST+'s helpers (blastdbcmd). Errors: as above.
Result<std::filesystem::path> find_tool(std::string_view name);

}  // namespace loom::blast
