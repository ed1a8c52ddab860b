#include "app/configuration.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "app/flags.hpp"
#include "blast/nearest.hpp"

namespace loom::app {

namespace {

constexpr const char* kFileVariable = "BLASTLOOM_CONFIG";
constexpr std::string_view kFileFlag = "--config";
constexpr std::string_view kOurs = "BLASTLOOM_";
/// Of the client, and kFileVariable.
constexpr std::array<std::string_view, 3> kOthers{"SERVER", "TOKEN", "CONFIG"};

class Layers {
 public:
  /// `text` is one value of `setting`. Errors: invalid_argument, without the place.
  Status take(const Setting& setting, const std::string& text, Origin origin, const std::string& place) {
    if (const Status set = setting.set(done_.options, text); !set) {
      if (setting.secret) return error(Code::invalid_argument, "not a value that can be");
      return set.error();
    }
    std::vector<Given>& given = done_.given[std::string(setting.name)];
    const auto same = [&](const Given& other) {
      return setting.kind != Kind::by_name || name_in(other.text) == name_in(text);
    };
    std::erase_if(given, same);
    given.push_back({text, origin, place});
    return ok();
  }
  Configuration result() { return std::move(done_); }

 private:
  static std::string name_in(const std::string& text) { return text.substr(0, text.rfind('=')); }

  Configuration done_;
};

Status take_file(Layers& layers, const std::string& path) {
  bool others_read = false;
  LOOM_TRY(const std::string text, read_settings_file(path, others_read));
  const auto entries = parse_settings(text);
  if (!entries) return entries.error().at(path);
  for (const FileEntry& entry : *entries) {
    const std::string place = fmt::format("{}:{}", path, entry.line);
    const auto setting = find_setting(entry.key);
    if (!setting) return setting.error().at(place);
    if ((*setting)->secret && others_read)
      return error(Code::invalid_argument,
                   "{}: others may read the file, and {} is a secret; first: chmod 600 {}", place, entry.key,
                   path);
    if (const Status taken = layers.take(**setting, entry.text, Origin::file, place); !taken)
      return taken.error().at(entry.key).at(place);
  }
  return ok();
}

/// A misspelt variable is a mistake, as a misspelt key is. Others are not ours: where a service is called
/// blastloom, Kubernetes sets BLASTLOOM_PORT and more.
Status check_variables(const Environment& environment) {
  std::vector<std::string> all;
  for (const Setting& setting : settings()) all.push_back(variable_of(setting).substr(kOurs.size()));
  std::vector<std::string_view> names(all.begin(), all.end());
  names.insert(names.end(), kOthers.begin(), kOthers.end());
  for (const auto& [variable, value] : environment) {
    if (!variable.starts_with(kOurs) || value.empty()) continue;
    const auto near = blast::nearest(std::string_view(variable).substr(kOurs.size()), names);
    if (!near || variable == fmt::format("{}{}", kOurs, *near)) continue;
    return error(Code::invalid_argument, "{}: there is no such variable; did you mean {}{}?", variable, kOurs,
                 *near);
  }
  return ok();
}

Status take_variables(Layers& layers, const Environment& environment) {
  for (const Setting& setting : settings()) {
    const std::string variable = variable_of(setting);
    const auto found = environment.find(variable);
    if (found == environment.end() || found->second.empty()) continue;
    std::string_view rest = found->second;
    while (!rest.empty()) {
      const std::size_t end = setting.kind == Kind::by_name ? rest.find(',') : std::string_view::npos;
      const Status taken =
          layers.take(setting, std::string(rest.substr(0, end)), Origin::environment, variable);
      if (!taken) return taken.error().at(variable);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
  }
  return ok();
}

/// One flag of the command line.
struct Flag {
  const Setting* setting = nullptr;  ///< null: --config
  std::string name;
  std::string text;
};

/// "--no-NAME" of a setting that is yes or no.
const Setting* denied(const std::string& flag) {
  constexpr std::string_view kNo = "--no-";
  if (!flag.starts_with(kNo)) return nullptr;
  const auto setting = find_setting(std::string_view(flag).substr(kNo.size()));
  return setting && (*setting)->kind == Kind::yes_no ? *setting : nullptr;
}

Result<Flag> read_flag(std::span<const std::string> args, std::size_t& at) {
  const std::size_t equals = args[at].find('=');
  Flag flag{.name = args[at].substr(0, equals), .text = {}};
  if (const Setting* off = denied(flag.name); off != nullptr && equals == std::string::npos) {
    flag.setting = off;
    flag.text = "no";
    return flag;
  }
  if (flag.name != kFileFlag) {
    if (!flag.name.starts_with("--"))
      return error(Code::invalid_argument, "serve has no flag '{}'; see blastloom serve --help", flag.name);
    const std::string_view name = std::string_view(flag.name).substr(2);
    const auto setting = find_setting(name);
    if (!setting) {
      std::vector<std::string_view> names;
      for (const Setting& one : settings()) names.push_back(one.name);
      return unknown_flag("serve", name, names);
    }
    flag.setting = *setting;
    if (flag.setting->secret)
      return error(Code::invalid_argument,
                   "{}: a secret in a flag is seen by others; set {} in the environment", flag.name,
                   variable_of(*flag.setting));
  }
  if (equals != std::string::npos) {
    flag.text = args[at].substr(equals + 1);
  } else if (flag.setting != nullptr && flag.setting->kind == Kind::yes_no) {
    flag.text = "yes";
  } else if (at + 1 < args.size()) {
    flag.text = args[++at];
  } else {
    return error(Code::invalid_argument, "{}: a value is needed; see blastloom serve --help", flag.name);
  }
  return flag;
}

}  // namespace

std::string_view name(Origin origin) {
  constexpr std::array<std::string_view, 4> kNames{"default", "file", "environment", "flag"};
  return kNames.at(static_cast<std::size_t>(origin));
}

Environment take_environment() {
  Environment all;
  const auto take = [&](const std::string& variable) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet.
    if (const char* value = std::getenv(variable.c_str()); value != nullptr) all[variable] = value;
  };
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.starts_with(kOurs)) take(std::string(text.substr(0, text.find('='))));
  }
  for (const Setting& setting : settings()) {
    take(variable_of(setting));
    if (setting.secret) ::unsetenv(variable_of(setting).c_str());
  }
  return all;
}

Result<std::string> read_settings_file(const std::string& path, bool& others_read) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return system_error(errno, "read the settings in " + path);
  others_read = (found.st_mode & (S_IRWXG | S_IRWXO)) != 0;
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return error(Code::not_found, "cannot read the settings in {}", path);
  return text;
}

Result<Configuration> configure(std::span<const std::string> args, const Environment& environment) {
  std::vector<Flag> flags;
  std::string file;
  if (const auto named = environment.find(kFileVariable); named != environment.end()) file = named->second;
  for (std::size_t i = 0; i < args.size(); ++i) {
    LOOM_TRY(Flag flag, read_flag(args, i));
    if (flag.setting == nullptr) {
      file = std::move(flag.text);
      continue;
    }
    const auto same = std::ranges::find(flags, flag.setting, &Flag::setting);
    if (flag.setting->kind == Kind::paths && same != flags.end()) {
      same->text += ":" + flag.text;
    } else {
      flags.push_back(std::move(flag));
    }
  }
  Layers layers;
  if (!file.empty()) LOOM_CHECKED(take_file(layers, file));
  LOOM_CHECKED(check_variables(environment));
  LOOM_CHECKED(take_variables(layers, environment));
  for (const Flag& flag : flags)
    if (const Status taken = layers.take(*flag.setting, flag.text, Origin::flag, flag.name); !taken)
      return taken.error().at(flag.name);
  return layers.result();
}

Status check_slurm(const Configuration& configuration) {
  const ServerOptions& options = configuration.options;
  if (options.slurm.on && options.objects.starts_with("azure:") && options.azure_account_file.empty())
    return error(Code::invalid_argument,
                 "--slurm: nodes read the account of --objects {} from a file, and from nothing else; give "
                 "--azure-account-file FILE, under the same path on each node",
                 options.objects);
  if (options.slurm.on && options.slurm.stage.is_relative() && !options.slurm.stage.empty())
    return error(Code::invalid_argument, "{}: a path from the root is needed, not '{}'",
                 configuration.given.at("slurm-stage").back().place, options.slurm.stage.string());
  if (configuration.given.contains("slurm")) return ok();
  for (const auto& [name, given] : configuration.given)
    if (name.starts_with("slurm-") && !given.empty())
      return error(
          Code::invalid_argument,
          "{}: without --slurm tasks run on this machine, and {} does nothing; add --slurm, leave it "
          "out, or say --no-slurm",
          given.back().place, name);
  return ok();
}

}  // namespace loom::app
