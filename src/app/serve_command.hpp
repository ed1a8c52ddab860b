#pragma once
#include <span>
#include <string>

namespace loom::app {

/// `blastloom serve`: runs the job service until SIGINT or SIGTERM (doc/operator-guide.md). Returns 0 after a
/// graceful stop, 1 when it cannot start.
int serve_command(std::span<const std::string> args);

/// `blastloom token create|list|remove`: the tokens of a server's data folder.
int token_command(std::span<const std::string> args);

}  // namespace loom::app
