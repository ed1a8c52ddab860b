#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/server_options.hpp"
#include "app/settings.hpp"
#include "base/result.hpp"

namespace loom::app {

/// Where a value comes from; the later ones win.
enum class Origin { standard, file, environment, flag };
std::string_view name(Origin origin);

/// A value as it was given.
struct Given {
  std::string text;
  Origin origin = Origin::standard;
  std::string place;  ///< "FILE:LINE", "BLASTLOOM_CORES", "--cores"
};

struct Configuration {
  ServerOptions options;
  /// By setting; of one that is `by_name` each name's, else one.
  std::map<std::string, std::vector<Given>, std::less<>> given{};
};

/// One value of a file of settings: key and value as text, and its line.
struct FileEntry {
  std::string key;
  std::string text;
  unsigned line = 0;
};
/// TOML. The keys of a table are joined: `days` of `[retention]` is "retention-days"; those of the table of a
/// setting that is `by_name` are its names. A list is joined by ':'. Errors: invalid_argument, "line N: …".
Result<std::vector<FileEntry>> parse_settings(std::string_view text);

/// A file of settings, and whether others than its owner may read it or write to it. Errors: those of
/// reading.
Result<std::string> read_settings_file(const std::string& path, bool& others_read);

using Environment = std::map<std::string, std::string>;
/// The variables of all settings, and whatever begins with BLASTLOOM_. Takes those that hold secrets out of
/// the environment, so that children do not get them: call it before there are threads.
Environment take_environment();

/// Puts together what flags, the environment and the file of settings (--config FILE, BLASTLOOM_CONFIG) say.
/// Every value is checked, whether another one wins or not. Blocking: reads the file. Errors:
/// invalid_argument, naming the place (file and line, variable or flag) and what is allowed; an unknown
/// variable that begins with BLASTLOOM_; a file with a
/// secret that others may read; those of reading the file. No error shows a secret.
Result<Configuration> configure(std::span<const std::string> flags, const Environment& environment);

/// What single values do not tell: settings of Slurm where nobody says whether tasks run there are a mistake,
/// and nodes need an account in a file and a path from the root. Errors: invalid_argument, naming the place.
Status check_slurm(const Configuration& configuration);

}  // namespace loom::app
