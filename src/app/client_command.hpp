#pragma once
#include <span>
#include <string>
#include <string_view>

namespace loom::app {

/// Whether `command` is one of the client's: submit, list, status, watch, wait, results, cancel, retry,
/// explain, delete, import.
bool is_client_command(std::string_view command);

/// Runs it against the server that Session::open finds. Exit codes: 0 done; 1 the request or a flag is wrong,
/// or there is no such job; 2 the job failed or was cancelled; 3 the server cannot be reached or is busy; 255
/// other.
int client_command(std::string_view command, std::span<const std::string> args);

}  // namespace loom::app
