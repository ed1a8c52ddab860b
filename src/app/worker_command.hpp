#pragma once
#include <span>
#include <string>

namespace loom::app {

/// `blastloom worker --objects … TOKEN`: one element of an array job that a server submitted. The exit code:
/// 0 when the task has its end in the store, or there is nothing to do.
int worker_command(std::span<const std::string> args);

}  // namespace loom::app
