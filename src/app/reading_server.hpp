#pragma once
#include "app/server_options.hpp"
#include "app/signals.hpp"
#include "base/result.hpp"

namespace loom::app {

/// `serve --read-only`: shows what another server keeps in `options.data`, until a signal. It opens the job
/// store, the objects and the databases for reading, takes no lock, and runs nothing but what somebody asked
/// to see: results in other formats and hit indexes, which lie in a temporary folder of its own. Errors:
/// not_found where no server was yet; those of opening the parts and of listening.
Status serve_reading(const ServerOptions& options, const Signals& signals);

}  // namespace loom::app
