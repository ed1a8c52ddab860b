#include "app/surroundings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "base/log.hpp"
#include "blast/engine.hpp"
#include "catalog/search_path.hpp"

namespace loom::app {

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string address_of(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("http://{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

Status check_reach(const ServerOptions& options, service::Tokens& tokens) {
  LOOM_TRY(const auto known, tokens.list());
  if (is_loopback(options.host) || !known.empty()) return ok();
  return error(Code::invalid_argument,
               "--listen {}: others could reach it, and there is no token yet. First: blastloom "
               "token create NAME --role admin --data {}",
               options.host, options.data.string());
}

void look_around(const std::string& db_path, api::ReadyState& state) {
  std::vector<std::string> missing;
  for (const blast::Program program : blast::kPrograms)
    if (!blast::find_engine(program)) missing.emplace_back(blast::name(program));
  if (missing.size() == blast::kPrograms.size())
    state.lacking.emplace_back("BLAST+ was not found on PATH");
  else if (!missing.empty())
    state.degraded.push_back(fmt::format("BLAST+ lacks {}", fmt::join(missing, ", ")));
  for (const auto& folder : catalog::split_folders(db_path))
    if (::access(folder.c_str(), R_OK | X_OK) != 0)
      state.degraded.push_back(fmt::format("databases: cannot read {}", folder.string()));
}

void log_surroundings(const std::string& db_path) {
  api::ReadyState around;
  look_around(db_path, around);
  around.lacking.insert(around.lacking.end(), around.degraded.begin(), around.degraded.end());
  for (const std::string& clause : around.lacking)
    log::write(log::Level::warning, "server.lacks", {{"reason", clause}});
}

std::string degraded_metric(std::size_t clauses) {
  return fmt::format(
      "# HELP blastloom_degraded What does not work, though the server can go on: peers, room on the disk.\n"
      "# TYPE blastloom_degraded gauge\n"
      "blastloom_degraded {}\n",
      clauses);
}

}  // namespace loom::app
