#pragma once
#include <span>
#include <string>

namespace loom::app {

/// `blastloom search …`: the whole command, args without "search". Returns the exit code: BLAST+'s own where
/// it ran or would have refused; doc/user-guide.md lists them.
int search_command(std::span<const std::string> args);

}  // namespace loom::app
