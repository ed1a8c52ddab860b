#include "app/database_part.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>

#include "blast/program.hpp"
#include "catalog/alias_file.hpp"

namespace loom::app {
namespace {

namespace fs = std::filesystem;

std::uint32_t number_in(const catalog::AliasValues& values, std::string_view name, std::uint32_t otherwise) {
  const auto found = values.find(name);
  std::uint32_t number = otherwise;
  if (found != values.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  return number;
}

/// Of an alias that we wrote for this search (catalog/shards.hpp).
void read_own_alias(const fs::path& base, DatabasePart& part) {
  std::ifstream in(base.string() + catalog::extension(part.database.molecule, "al"), std::ios::binary);
  const auto values = catalog::parse_alias(std::string(std::istreambuf_iterator<char>(in), {}));
  part.few = !values.contains("FIRST_OID");
  part.range.begin = std::max(number_in(values, "FIRST_OID", 1), 1U) - 1;
  part.range.end = number_in(values, "LAST_OID", part.database.sequences);
}

}  // namespace

Result<DatabasePart> part_of(const exec::ProcessSpec& spec) {
  const auto flag = std::ranges::find(spec.argv, "-db");
  if (flag == spec.argv.end() || flag + 1 == spec.argv.end())
    return error(Code::not_found, "it searches no database");
  LOOM_TRY(const auto program, blast::parse_program(fs::path(spec.argv.front()).filename().string()));
  const bool profiles = program == blast::Program::rpsblast || program == blast::Program::rpstblastn ||
                        program == blast::Program::deltablast;
  if (profiles) return error(Code::not_found, "databases of profiles are not copied");
  const auto molecule = blast::database_kind(program) == blast::DatabaseKind::nucleotide
                            ? blast::Molecule::nucleotide
                            : blast::Molecule::protein;
  constexpr std::string_view kPath = "BLASTDB=";
  const auto path =
      std::ranges::find_if(spec.environment, [&](const auto& one) { return one.starts_with(kPath); });
  const std::string& names = *(flag + 1);
  DatabasePart part;
  LOOM_TRY(part.database, catalog::open_database(
                              names, molecule,
                              catalog::SearchPath::with(path == spec.environment.end()
                                                            ? std::string_view()
                                                            : std::string_view(*path).substr(kPath.size()))));
  part.range.end = part.database.sequences;
  const auto bases = catalog::split_names(names);
  const bool own =
      spec.portable && bases.size() == 1 && bases.front().starts_with(spec.portable->folder.string() + "/");
  if (own) read_own_alias(bases.front(), part);
  return part;
}

Result<std::string> files_key(const std::vector<catalog::DatabaseFile>& files) {
  std::string text;
  std::set<fs::path> names;
  for (const catalog::DatabaseFile& file : files) {
    struct stat found{};
    if (::stat(file.path.c_str(), &found) != 0) return system_error(errno, file.path.string());
    text += fmt::format("{} {} {}.{}\n", file.path.string(), found.st_size, found.st_mtim.tv_sec,
                        found.st_mtim.tv_nsec);
    if (!names.insert(file.path.filename()).second)
      return error(Code::invalid_argument, "two of its files are called {}", file.path.filename().string());
  }
  return fmt::format("{:016x}{:016x}", std::hash<std::string>{}(text),
                     std::hash<std::string>{}("loom\n" + text));
}

std::string part_name(const exec::ProcessSpec& spec) {
  const auto part = part_of(spec);
  if (!part || part->few) return {};
  const auto key = files_key(catalog::files_of(part->database));
  return key ? fmt::format("{}-{}-{}", *key, part->range.begin, part->range.end) : std::string();
}

}  // namespace loom::app
