#pragma once
#include <span>
#include <string>

namespace loom::app {

/// `blastloom config`: every setting of the server with its value and where that comes from. Returns the exit
/// code.
int config_command(std::span<const std::string> args);

}  // namespace loom::app
