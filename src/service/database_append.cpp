#include "service/database_append.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/atomic_file.hpp"
#include "base/folder.hpp"
#include "base/temp_dir.hpp"
#include "blast/engine.hpp"
#include "catalog/alias_file.hpp"
#include "catalog/database.hpp"
#include "catalog/resolve.hpp"
#include "service/database_check.hpp"

namespace loom::service {

namespace {

namespace fs = std::filesystem;

/// The volumes that make up the database NAME in `folder`.
Result<std::vector<std::string>> volumes_in(const fs::path& folder, const std::string& name,
                                            blast::Molecule molecule) {
  const fs::path file = folder / (name + catalog::extension(molecule, "al"));
  if (std::error_code unknown; !fs::exists(file, unknown)) return std::vector{name};
  std::ifstream in(file, std::ios::binary);
  const auto values = catalog::parse_alias(std::string(std::istreambuf_iterator<char>(in), {}));
  for (const auto& [key, value] : values)
    if (key != "TITLE" && key != "DBLIST" && key != "NSEQ" && key != "LENGTH")
      return error(Code::invalid_argument,
                   "{}: its alias file says {}, so it is not just the sum of its volumes and nothing can be "
                   "appended; build it anew",
                   name, key);
  const auto list = values.find("DBLIST");
  return list == values.end() ? std::vector<std::string>{} : catalog::split_names(list->second);
}

/// Metadata and alias say what it was without the addition.
bool goes_along(const fs::path& file) {
  const std::string ending = file.extension().string();
  return ending != ".pal" && ending != ".nal" && ending != ".pjs" && ending != ".njs" && ending != ".json" &&
         !file.filename().string().starts_with('.');
}

Status link_files(const fs::path& from, const fs::path& to, const std::string& alias) {
  return for_entries(from, [&](const fs::directory_entry& entry) -> Status {
    const std::string name = entry.path().filename().string();
    // Alias files of volumes go along; only that of the database is written anew.
    const bool inner =
        (entry.path().extension() == ".pal" || entry.path().extension() == ".nal") && name != alias;
    std::error_code no_link;
    if (!entry.is_regular_file(no_link) || (!inner && !goes_along(entry.path()))) return ok();
    fs::create_hard_link(entry.path(), to / name, no_link);
    if (!no_link) return ok();
    std::error_code no_copy;
    if (!fs::copy_file(entry.path(), to / name, no_copy)) return system_error(no_copy.value(), name);
    return ok();
  });
}

Result<std::string> free_name(const std::string& name, const fs::path& folder) {
  constexpr int kMostAdditions = 999;
  std::vector<std::string> there;
  LOOM_CHECKED(for_entries(
      folder, [&](const fs::directory_entry& entry) { there.push_back(entry.path().filename().string()); }));
  for (int number = 1; number <= kMostAdditions; ++number) {
    std::string addition = fmt::format("{}.add{:03}", name, number);
    const bool taken =
        std::ranges::any_of(there, [&](const std::string& file) { return file.starts_with(addition + "."); });
    if (!taken) return addition;
  }
  return error(Code::invalid_argument, "{} was appended to {} times; build it anew", name, kMostAdditions);
}

Result<std::string> printed(exec::ProcessRunner& runner, std::vector<std::string> argv,
                            const fs::path& output, std::stop_token stop) {
  LOOM_TRY(const fs::path tool, blast::find_tool("blastdbcmd"));
  argv.insert(argv.begin(), tool.string());
  exec::ProcessSpec spec;
  spec.argv = std::move(argv);
  spec.output = output;
  LOOM_TRY(const exec::ProcessOutcome outcome, runner.run(spec, Deadline::never(), std::move(stop)));
  if (outcome.signal != 0) return error(Code::internal, "blastdbcmd: {}", words_of(outcome));
  std::ifstream file(output, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

Result<Base> take_over(const catalog::Snapshots& snapshots, const std::string& name,
                       std::optional<blast::Molecule> molecule, const fs::path& folder) {
  Base base;
  LOOM_TRY(base.snapshot, snapshots.current(name));
  const catalog::Snapshot& there = base.snapshot;
  if (molecule && *molecule != there.molecule)
    return error(Code::invalid_argument, "{} is a {} database; {} sequences cannot be appended to it", name,
                 blast::name(there.molecule), blast::name(*molecule));
  LOOM_TRY(const catalog::Database database,
           catalog::open_database('"' + (there.folder / name).string() + '"', there.molecule,
                                  catalog::SearchPath{{there.folder}}));
  base.has_ids = database.has_ids;
  base.version = database.version;
  LOOM_TRY(base.volumes, volumes_in(there.folder, name, there.molecule));
  LOOM_CHECKED(link_files(there.folder, folder, name + catalog::extension(there.molecule, "al")));
  LOOM_TRY(base.addition, free_name(name, folder));
  return base;
}

Status check_new_ids(exec::ProcessRunner& runner, const Base& base, const fs::path& folder,
                     std::stop_token stop) {
  if (!base.has_ids) return ok();
  const catalog::Snapshot& there = base.snapshot;
  LOOM_TRY(const TempDir scratch, TempDir::create());
  const fs::path ids = scratch.path() / "ids";
  LOOM_TRY(const std::string all,
           printed(runner,
                   {"-db", (folder / base.addition).string(), "-dbtype", std::string(dbtype(there.molecule)),
                    "-entry", "all", "-outfmt", "%a"},
                   ids, stop));
  if (all.empty()) return error(Code::corrupt, "blastdbcmd lists no ids of what was made");
  auto argv = catalog::lookup_args((there.folder / there.database).string(), there.molecule, ids);
  argv.back() = "%a";
  LOOM_TRY(const std::string known,
           printed(runner, std::move(argv), scratch.path() / "known", std::move(stop)));
  const auto count = std::ranges::count(known, '\n');
  if (count == 0) return ok();
  constexpr std::size_t kShown = 200;
  std::string first = known.substr(0, known.rfind('\n', kShown));
  for (std::size_t at = 0; (at = first.find('\n', at)) != std::string::npos;) first.replace(at, 1, ", ");
  return error(Code::invalid_argument,
               "{} of its ids are in {} already: {}{}; leave them out, or build the database anew", count,
               there.database, first, first.size() + 1 < known.size() ? ", …" : "");
}

Status write_alias(const Base& base, const std::string& title, const fs::path& folder) {
  std::string line = title;
  std::ranges::replace_if(line, [](unsigned char c) { return c < ' '; }, ' ');
  std::string text = "TITLE " + line + "\nDBLIST";
  for (const std::string& volume : base.volumes) text += ' ' + catalog::quoted_name(volume);
  text += ' ' + base.addition + '\n';
  const catalog::Snapshot& there = base.snapshot;
  LOOM_TRY(AtomicFile file,
           AtomicFile::create(folder / (there.database + catalog::extension(there.molecule, "al"))));
  LOOM_CHECKED(file.write(text));
  return file.commit();
}

}  // namespace loom::service
