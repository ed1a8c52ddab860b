#include "blast/engine.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string>

namespace loom::blast {

namespace {

std::filesystem::path on_path(std::string_view name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  for (;;) {
    const std::size_t colon = rest.find(':');
    const std::filesystem::path folder =
        rest.empty() || colon == 0 ? "." : std::string(rest.substr(0, colon));
    std::filesystem::path candidate = folder / name;
    std::error_code ignored;
    if (::access(candidate.c_str(), X_OK) == 0 && !std::filesystem::is_directory(candidate, ignored))
      return candidate;
    if (colon == std::string_view::npos) return {};
    rest.remove_prefix(colon + 1);
  }
}

Error missing(std::string_view name) {
  return error(Code::not_found,
               "{} was not found on PATH. Install NCBI BLAST+ (Debian, Ubuntu: apt-get install ncbi-blast+), "
               "or put its "
               "bin folder on PATH.",
               name);
}

}  // namespace

Result<std::filesystem::path> find_tool(std::string_view name) {
  std::filesystem::path found = on_path(name);
  if (found.empty()) return missing(name);
  return found;
}

Result<std::filesystem::path> find_engine(Program program) {
  for (const std::string_view candidate : executable_names(program)) {
    std::filesystem::path found = on_path(candidate);
    if (!found.empty()) return found;
  }
  return missing(name(program));
}

}  // namespace loom::blast
