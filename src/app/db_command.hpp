#pragma once
#include <span>
#include <string>

namespace loom::app {

/// `blastloom db build|list|info|verify|rollback|remove`: the databases that a server keeps in its data
/// folder, changed in place; a server that runs on the folder sees it. Exit codes: 0 done, 1 wrong request, 2
/// the database is damaged, 255 other.
int db_command(std::span<const std::string> args);

}  // namespace loom::app
