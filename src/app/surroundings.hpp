#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "api/context.hpp"
#include "app/server_options.hpp"
#include "base/result.hpp"
#include "service/access.hpp"

namespace loom::app {

bool is_loopback(const std::string& host);
/// "http://HOST:PORT", an IPv6 address in brackets.
std::string address_of(const std::string& host, std::uint16_t port);
/// Whom --listen lets in. Errors: invalid_argument where others could reach it and there is no token.
Status check_reach(const ServerOptions& options, service::Tokens& tokens);

/// Which programs of BLAST+ and folders of databases are missing. Blocking: on disk.
void look_around(const std::string& db_path, api::ReadyState& state);
/// Says so in the log.
void log_surroundings(const std::string& db_path);
/// In Prometheus' text format: how many clauses tell of what does not work.
std::string degraded_metric(std::size_t clauses);

}  // namespace loom::app
