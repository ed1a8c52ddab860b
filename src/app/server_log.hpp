#pragma once
#include <vector>

#include "http/server.hpp"
#include "store/job.hpp"

namespace loom::app {

/// What the server's log says of requests: of those that failed here (error), of changes that were refused
/// (info), and of all others (debug). Thread-safe; never throws.
void log_exchange(const http::Exchange& exchange);

/// And of what failed here, with the reason that no client is told.
void log_failure(const http::Request& request, const Error& error);

/// And of jobs: every move (info), every task that was lost or failed (warning).
void log_events(const std::vector<store::Event>& events);

}  // namespace loom::app
