#include "app/config_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "app/configuration.hpp"
#include "base/json_writer.hpp"

namespace loom::app {

namespace {

constexpr std::string_view kConfigUsage = R"(usage: blastloom config [--json] [flags of 'blastloom serve']

Prints every setting of the server with its value and where it comes from: a flag, an environment variable, the file
that --config FILE or BLASTLOOM_CONFIG names, or nowhere (default). Secrets are not shown. --markdown prints what all
settings are.
)";

/// A URL without a password and a signature.
std::string without_secrets(std::string text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const std::size_t host = scheme + 3;
  if (const std::size_t query = text.find_first_of("?#", host); query != std::string::npos)
    text.replace(query + 1, std::string::npos, "…");
  const std::size_t user = text.rfind('@', text.find('/', host));
  if (user != std::string::npos && user >= host) text.replace(host, user - host, "…");
  return text;
}

std::string shown(const Setting& setting, const Given& given) {
  return setting.secret ? "(secret, set)" : without_secrets(given.text);
}

void print_text(const Configuration& configuration) {
  for (const Setting& setting : settings()) {
    const auto given = configuration.given.find(setting.name);
    if (given == configuration.given.end()) {
      fmt::print("{:<22} {:<32} default\n", setting.name, setting.otherwise);
      continue;
    }
    for (const Given& one : given->second)
      fmt::print("{:<22} {:<32} {}\n", setting.name, shown(setting, one), one.place);
  }
}

void write_setting(JsonWriter& json, const Setting& setting, const Given* given) {
  json.open_object();
  json.member("name", setting.name);
  json.member("value", given == nullptr ? std::string(setting.otherwise) : shown(setting, *given));
  json.member("origin", name(given == nullptr ? Origin::standard : given->origin));
  json.member("place", given == nullptr ? std::string() : given->place);
  json.member("secret", setting.secret);
  json.member("type", name(setting.kind));
  json.member("default", setting.otherwise);
  json.member("allowed", setting.allowed);
  json.member("variable", variable_of(setting));
  json.member("is", setting.about);
  json.close_object();
}

void print_json(const Configuration& configuration) {
  std::string out;
  JsonWriter json(out);
  json.open_array();
  for (const Setting& setting : settings()) {
    const auto given = configuration.given.find(setting.name);
    if (given == configuration.given.end()) {
      write_setting(json, setting, nullptr);
      continue;
    }
    for (const Given& one : given->second) write_setting(json, setting, &one);
  }
  json.close_array();
  fmt::print("{}\n", out);
}

}  // namespace

int config_command(std::span<const std::string> args) {
  std::vector<std::string> flags(args.begin(), args.end());
  const auto has = [&](std::string_view flag) { return std::erase(flags, flag) > 0; };
  if (has("--help") || has("-h")) {
    fmt::print("{}", kConfigUsage);
    return 0;
  }
  if (has("--markdown")) {
    fmt::print("{}", settings_table());
    return 0;
  }
  const bool json = has("--json");
  const auto configuration = configure(flags, take_environment());
  const Status fits = configuration ? check_slurm(*configuration) : Status(configuration.error());
  if (!fits) {
    fmt::print(stderr, "blastloom: {}\n", fits.error().message);
    return 1;
  }
  json ? print_json(*configuration) : print_text(*configuration);
  return 0;
}

}  // namespace loom::app
