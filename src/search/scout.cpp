#include "search/scout.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "archive/merge.hpp"
#include "archive/reader.hpp"
#include "base/atomic_file.hpp"
#include "base/folder.hpp"
#include "base/mapped_file.hpp"
#include "base/text.hpp"
#include "blast/engine.hpp"
#include "blast/split_limits.hpp"
#include "catalog/alias_file.hpp"
#include "catalog/excerpt.hpp"
#include "catalog/resolve.hpp"
#include "catalog/shards.hpp"
#include "render/sink.hpp"
#include "search/engine_args.hpp"
#include "search/query_file.hpp"

namespace loom::search {

namespace fs = std::filesystem;

Result<catalog::Database> open_search_database(const blast::Options& options,
                                               std::string_view database_path) {
  const auto* names = options.find("db");
  if (names == nullptr) return error(Code::invalid_argument, "-db is needed");
  const auto molecule = blast::database_kind(options.program()) == blast::DatabaseKind::nucleotide
                            ? blast::Molecule::nucleotide
                            : blast::Molecule::protein;
  return catalog::open_database(names->text, molecule, catalog::SearchPath::with(database_path));
}

/// The engine makes room for twice a list and some more, and counts in 32 bits; a scout's list is twice as
/// long.
constexpr std::uint64_t kLongestList = 500'000'000;

std::string whole_database_because(const blast::Options& options, const blast::OutFormat& format,
                                   const std::optional<catalog::Database>& database) {
  for (const auto& limit : blast::split_limits(options)) {
    if (limit.forbids == blast::Forbids::shards || limit.forbids == blast::Forbids::both) {
      return fmt::format("{}: {}", limit.cause, limit.why);
    }
  }
  if (!database) return "it is not searched as a database";
  if (const std::string why = read_once_because(options); !why.empty()) return why;
  if (hit_list_size(options) > kLongestList)
    return "-max_target_seqs: a scout's list would be longer than the engine can count";
  const bool names_it =
      format.number == 5 || format.number == 11 || format.number == 14 || format.number == 16;
  if (names_it && !is_ascii(database->names))
    return "the format writes a name that is not ASCII in other letters, which are the engine's own";
  if (options.program() == blast::Program::psiblast)
    return "psiblast's scouts are not proven to find all subjects";
  if (format.number <= 4 && options.has("html")) return "-html: its reports are not put together";
  if (format.number <= 4 && database->parts.size() > 1) {
    return "the report's footer has a block for each of several databases, and an alias has one";
  }
  if (!list_option(options).empty() && !format.tabular())
    return fmt::format("-{}: the format shows the database without the list, and an alias has what it leaves",
                       list_option(options));
  return database->unshardable;
}

namespace {

/// In a scout's folder, once its subjects are collected: their OIDs, as 32-bit numbers of this machine, and
/// their copies.
constexpr const char* kFound = "found";
constexpr const char* kExcerpt = "excerpt";

/// The files of `folder` that make up the alias `name`.
std::vector<fs::path> files_of(const fs::path& folder, const std::string& name) {
  std::vector<fs::path> files;
  // A run here finds them anyway.
  static_cast<void>(for_entries(folder, [&](const fs::directory_entry& file) {
    if (file.path().filename().string().starts_with(name + ".")) files.push_back(file.path().filename());
  }));
  std::ranges::sort(files);
  return files;
}

/// What the sequence `oid` of `part` is in `whole`; nullopt if its volume is no part of that.
std::optional<std::uint32_t> oid_in(const catalog::Database& whole, const catalog::Database& part,
                                    std::uint32_t oid) {
  for (const catalog::Volume& volume : part.volumes) {
    if (oid - volume.first_oid >= volume.head().sequences) continue;
    const auto same = std::ranges::find(whole.volumes, volume.base, &catalog::Volume::base);
    if (same == whole.volumes.end()) return std::nullopt;
    return same->first_oid + (oid - volume.first_oid);
  }
  return std::nullopt;
}

}  // namespace

std::string Scouts::scout_name(std::size_t shard, const std::string& search) {
  return fmt::format("scout-{}-{}", shard + 1, search);
}

std::string Scouts::subset_name(const std::string& search) {
  return search + "-subjects";
}

Result<Scouts> Scouts::make(exec::ProcessRunner& runner, const blast::Options& options,
                            OnSaturation on_saturation, const fs::path& engine,
                            const catalog::Database& database, std::optional<Filtered> filtered, int shards,
                            const fs::path& folder, std::uint64_t excerpt_bytes) {
  // The copies are named by alias files.
  const bool nameable = catalog::can_name(fs::absolute(folder).string());
  Scouts scouts(runner, options, database, std::move(filtered), folder, nameable ? excerpt_bytes : 0);
  scouts.engine_ = engine;
  const blast::Options own = scout_options(options, on_saturation);
  for (const auto& range : catalog::cut_shards(database, static_cast<std::uint32_t>(shards)))
    LOOM_CHECKED(scouts.add_shard(range, own));
  return scouts;
}

Status Scouts::add_shard(const catalog::OidRange& range, const blast::Options& options) {
  const std::string name = fmt::format("shard-{}", argv_.size() + 1);
  fs::path alias;
  if (filtered_) {
    const std::vector<std::uint32_t>& oids = filtered_->oids;
    const auto first = std::ranges::lower_bound(oids, range.begin);
    const auto last = std::ranges::lower_bound(oids, range.end);
    if (first == last) return ok();
    LOOM_TRY(alias, subset(name, database_, std::span(first, last)));
  } else {
    LOOM_TRY(alias, catalog::write_shard_alias(folder_, name, database_, range, catalog::whole(database_)));
  }
  LOOM_TRY(const blast::Options own, over_alias(options, alias));
  argv_.push_back(engine_argv(engine_, own));
  ranges_.push_back(range);
  return ok();
}

Result<fs::path> Scouts::subset(const std::string& name, const catalog::Database& database,
                                std::span<const std::uint32_t> oids) const {
  return catalog::write_subset_alias(folder_, name, database, oids,
                                     filtered_ ? filtered_->pins : catalog::whole(database_));
}

EngineTask Scouts::scout(const EngineTask& search, std::size_t shard) const {
  EngineTask scout = search;
  scout.name = scout_name(shard, search.name);
  scout.argv = argv_[shard];
  scout.threads = 1;
  scout.reads = files_of(folder_, fmt::format("shard-{}", shard + 1));
  scout.working_dir = folder_;
  return scout;
}

Status Scouts::read_subjects(const fs::path& archive, Subjects& subjects) const {
  const std::uint64_t cap = scout_cap(options_);
  LOOM_TRY(archive::Reader reader, archive::Reader::open(archive));
  for (;;) {
    LOOM_TRY(const archive::Head* head, reader.next_archive());
    if (head == nullptr) return ok();
    std::uint64_t found = 0;
    std::optional<std::size_t> query;
    std::string last;
    for (;;) {
      LOOM_TRY(const archive::Alignment* alignment, reader.next_alignment());
      if (alignment == nullptr) break;
      if (query == alignment->query && last == alignment->subject.text) continue;
      found = query == alignment->query ? found + 1 : 1;
      if (found >= cap) subjects.complete = false;
      query = alignment->query;
      last = alignment->subject.text;
      if (alignment->subject.oid) {
        subjects.oids.push_back(static_cast<std::uint32_t>(*alignment->subject.oid));
      } else {
        subjects.ids.insert(last);
      }
    }
  }
}

Result<std::vector<std::uint32_t>> Scouts::oids_of(Subjects subjects, const std::string& search) const {
  std::vector<std::uint32_t> oids = std::move(subjects.oids);
  if (!subjects.ids.empty()) {
    LOOM_TRY(const auto found, look_up({subjects.ids.begin(), subjects.ids.end()}, search));
    oids.insert(oids.end(), found.begin(), found.end());
  }
  std::ranges::sort(oids);
  oids.erase(std::ranges::unique(oids).begin(), oids.end());
  return oids;
}

Status Scouts::collect(const EngineTask& search, std::size_t shard, const TaskRunner& tasks) const {
  if (excerpt_bytes_ == 0) return ok();
  const std::string scout = scout_name(shard, search.name);
  const fs::path folder = tasks.output(scout).parent_path();
  if (fs::exists(folder / kFound)) return ok();
  Subjects subjects;
  LOOM_CHECKED(read_subjects(tasks.output(scout), subjects));
  if (!subjects.complete) return ok();  // narrow() will see
  LOOM_TRY(const auto oids, oids_of(std::move(subjects), scout));
  // An id may stand for a sequence in another shard too: that one is not in memory now.
  const std::span near(std::ranges::lower_bound(oids, ranges_[shard].begin),
                       std::ranges::lower_bound(oids, ranges_[shard].end));
  if (catalog::excerpt_bytes(database_, near) > excerpt_bytes_) return ok();
  LOOM_CHECKED(catalog::write_excerpt(folder / kExcerpt, database_, near));
  if (tasks.durable()) LOOM_CHECKED(sync_all(folder));
  LOOM_TRY(AtomicFile found, AtomicFile::create(folder / kFound));
  LOOM_CHECKED(found.write(std::as_bytes(std::span(oids))));
  return found.commit();
}

Result<std::optional<std::vector<std::uint32_t>>> Scouts::subjects_of(const std::string& search,
                                                                      const TaskRunner& tasks,
                                                                      std::vector<fs::path>& excerpts) const {
  Subjects subjects;
  for (std::size_t s = 0; s < argv_.size() && subjects.complete; ++s) {
    const fs::path archive = tasks.output(scout_name(s, search));
    const fs::path folder = archive.parent_path();
    if (!fs::exists(folder / kFound)) {
      LOOM_CHECKED(read_subjects(archive, subjects));
      continue;
    }
    LOOM_TRY(const MappedFile found, MappedFile::open(folder / kFound));
    const std::size_t before = subjects.oids.size();
    subjects.oids.resize(before + found.bytes().size() / sizeof(std::uint32_t));
    std::ranges::copy(found.bytes(),
                      std::as_writable_bytes(std::span(subjects.oids).subspan(before)).begin());
    excerpts.push_back(folder / kExcerpt);
  }
  if (!subjects.complete) return std::nullopt;
  if (excerpts.size() < argv_.size()) excerpts.clear();
  LOOM_TRY(auto oids, oids_of(std::move(subjects), search));
  return oids;
}

Result<std::vector<std::optional<std::uint32_t>>> Scouts::look_up_in(const catalog::Database& database,
                                                                     const std::vector<std::string>& ids,
                                                                     const std::string& search) const {
  LOOM_TRY(const fs::path tool, blast::find_tool("blastdbcmd"));
  const fs::path list = folder_ / (search + ".ids");
  const fs::path answer = folder_ / (search + ".oids");
  LOOM_CHECKED(write_file(list, fmt::format("{}\n", fmt::join(ids, "\n"))));
  exec::ProcessSpec spec;
  spec.argv = catalog::lookup_args(database.names, database.molecule, list);
  spec.argv.insert(spec.argv.begin(), tool.string());
  spec.output = answer;
  LOOM_TRY(const exec::ProcessOutcome outcome, runner_.run(spec, Deadline::never(), {}));
  LOOM_TRY(const std::string lines, read_file(answer));
  LOOM_TRY(auto found, catalog::parse_lookup(ids, lines, outcome.stderr_text, database.sequences));
  std::error_code ignored;
  fs::remove(list, ignored);
  fs::remove(answer, ignored);
  return found;
}

Result<std::vector<std::uint32_t>> Scouts::look_up(const std::vector<std::string>& ids,
                                                   const std::string& search) const {
  std::vector<std::uint32_t> oids;
  std::vector<bool> known(ids.size());
  const auto take = [&](const catalog::Database& database) -> Status {
    LOOM_TRY(const auto found, look_up_in(database, ids, search));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto oid = found[i] ? oid_in(database_, database, *found[i]) : std::nullopt;
      if (!oid) continue;
      known[i] = true;
      oids.push_back(*oid);
    }
    return ok();
  };
  const auto parts = catalog::id_databases(database_);
  if (parts.size() == 1) {
    LOOM_CHECKED(take(database_));
  } else {
    for (const fs::path& part : parts) {
      LOOM_TRY(const auto database,
               catalog::open_database(catalog::quoted_name(part.string()), database_.molecule,
                                      catalog::SearchPath::with({})));
      LOOM_CHECKED(take(database));
    }
  }
  const auto missing = std::ranges::find(known, false);
  if (missing == known.end()) return oids;
  return error(
      Code::corrupt,
      "blastdbcmd does not find {} in {}, though a search found it there: its index of ids does not fit "
      "its sequences. Build the database again, or search it whole (--shards 1).",
      ids[static_cast<std::size_t>(missing - known.begin())], database_.names);
}

Result<blast::Options> Scouts::over_alias(blast::Options options, const fs::path& alias) {
  options = without_list(std::move(options));  // the alias has what it leaves
  LOOM_CHECKED(options.set("db", catalog::quoted_name(alias.string())));
  // The run's working folder is not the user's (catalog/shards.hpp), so files must be named in full.
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& entry : options.entries()) {
    const bool file =
        entry.spec->type == blast::Type::input_file || entry.spec->refers == blast::Refers::file;
    if (file && fs::exists(entry.text))
      files.emplace_back(entry.spec->name, fs::absolute(entry.text).string());
  }
  for (const auto& [name, path] : files) LOOM_CHECKED(options.set(name, path));
  return options;
}

Status Scouts::merge(EngineTask& search, const TaskRunner& tasks) const {
  if (tasks.finished(search.name)) return ok();
  std::vector<archive::Shard> shards;
  for (std::size_t s = 0; s < argv_.size(); ++s) {
    const fs::path part = tasks.output(scout_name(s, search.name));
    LOOM_TRY(archive::Pull pull, archive::pull_file(part));
    shards.push_back({.pull = std::move(pull), .name = fmt::format("shard {}", s + 1)});
  }
  archive::MergeSpec spec;
  spec.max_subjects = hit_list_size(options_);
  spec.database = database_.names;
  const fs::path merged = folder_ / (search.name + ".archive");
  LOOM_TRY(AtomicFile file, AtomicFile::create(merged));
  render::Sink out(file);
  const auto write = [&out](std::string_view bytes) { return out.write(bytes); };
  // No OIDs are looked up: shards come in ascending order of OIDs, which is all that ties need.
  LOOM_CHECKED(archive::merge_shards(std::move(shards), spec, write));
  LOOM_CHECKED(out.flush());
  LOOM_CHECKED(file.commit());
  LOOM_TRY(const fs::path formatter, blast::find_tool("blast_formatter"));
  search.argv = {formatter.string(),
                 "-archive",
                 merged.string(),
                 "-outfmt",
                 options_.find("outfmt")->text,
                 "-max_target_seqs",
                 fmt::format("{}", spec.max_subjects)};
  search.takes_queries = false;
  search.threads = 1;
  search.reads = {merged.filename()};
  for (std::size_t s = 0; s < argv_.size(); ++s) tasks.discard(scout_name(s, search.name));
  return ok();
}

void Scouts::forget(const EngineTask& search) const {
  std::error_code ignored;
  for (const fs::path& file : files_of(folder_, subset_name(search.name)))
    fs::remove_all(folder_ / file, ignored);
}

Status Scouts::narrow(EngineTask& search, const TaskRunner& tasks) const {
  if (tasks.finished(search.name)) return ok();
  std::vector<fs::path> excerpts;
  LOOM_TRY(auto subjects, subjects_of(search.name, tasks, excerpts));
  if (subjects) {
    // An alias of no sequence is no database to the engine.
    if (subjects->empty()) subjects->push_back(filtered_ ? filtered_->oids.front() : 0);
    const std::string name = subset_name(search.name);
    fs::path alias;
    if (excerpts.empty()) {
      LOOM_TRY(alias, subset(name, database_, *subjects));
    } else {
      forget(search);  // of a run that was interrupted
      LOOM_TRY(const auto copies,
               catalog::lay_out_excerpts(folder_ / (name + ".volumes"), database_, *subjects, excerpts));
      LOOM_TRY(alias, subset(name, copies, *subjects));
    }
    LOOM_TRY(const blast::Options options, over_alias(task_options(options_, 1), alias));
    search.argv = engine_argv(engine_, options);
    search.threads = 1;
    search.reads = files_of(folder_, alias.filename().string());
    search.working_dir = folder_;
  }
  for (std::size_t s = 0; s < argv_.size(); ++s) tasks.discard(scout_name(s, search.name));
  return ok();
}

}  // namespace loom::search
