#include "catalog/snapshots.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <memory>
#include <set>

#include "base/atomic_file.hpp"
#include "base/folder.hpp"
#include "base/random.hpp"
#include "base/time_text.hpp"
#include "catalog/database.hpp"

namespace loom::catalog {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr const char* kManifest = "manifest.json";
constexpr const char* kCurrent = "current";
constexpr const char* kRemoved = ".removed-";
constexpr const char* kStaging = ".staging";

std::string rfc3339_now() {
  return time_text(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

/// "20260131T235959123Z-" and eight digits of chance.
std::string new_id() {
  std::string id = time_text(std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()));
  std::erase_if(id, [](char c) { return c == '-' || c == ':' || c == '.'; });
  return id + "-" + random_token().substr(0, 8);
}

bool is_id(std::string_view text) {
  constexpr std::size_t kLength = 28;
  return text.size() == kLength && text[8] == 'T' && text[18] == 'Z' && text[19] == '-';
}

Status move(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error(errno, to.string());
  return ok();
}

/// Regular files of the snapshot, without the manifest, by name.
Result<std::vector<fs::path>> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  LOOM_CHECKED(for_entries(folder, [&](const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    std::error_code gone;
    if (entry.is_regular_file(gone) && name != kManifest && !name.starts_with('.'))
      files.push_back(entry.path());
  }));
  std::ranges::sort(files);
  return files;
}

std::string text_in(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string manifest_of(const Snapshot& snapshot) {
  return json::serialize(json::object{{"database", snapshot.database},
                                      {"id", snapshot.id},
                                      {"molecule", blast::name(snapshot.molecule)},
                                      {"title", snapshot.title},
                                      {"sequences", snapshot.sequences},
                                      {"letters", snapshot.letters},
                                      {"bytes", snapshot.bytes},
                                      {"created", snapshot.created},
                                      {"source", snapshot.source},
                                      {"fingerprint", snapshot.fingerprint},
                                      {"verified", snapshot.verified},
                                      {"fault", snapshot.fault}}) +
         "\n";
}

std::optional<Snapshot> parse_manifest(const std::string& text) {
  boost::system::error_code failed;
  const json::value value = json::parse(text, failed);
  if (failed || !value.is_object()) return std::nullopt;
  const json::object& object = value.get_object();
  const auto text_of = [&](const char* key) {
    const json::value* found = object.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
  };
  const auto number_of = [&](const char* key) {
    const json::value* found = object.if_contains(key);
    boost::system::error_code wrong;
    const auto number = found == nullptr ? 0 : found->to_number<std::uint64_t>(wrong);
    return wrong ? 0 : number;
  };
  return Snapshot{.database = text_of("database"),
                  .id = text_of("id"),
                  .folder = {},
                  .molecule = text_of("molecule") == blast::name(blast::Molecule::nucleotide)
                                  ? blast::Molecule::nucleotide
                                  : blast::Molecule::protein,
                  .title = text_of("title"),
                  .sequences = number_of("sequences"),
                  .letters = number_of("letters"),
                  .bytes = number_of("bytes"),
                  .created = text_of("created"),
                  .source = text_of("source"),
                  .fingerprint = text_of("fingerprint"),
                  .verified = text_of("verified"),
                  .fault = text_of("fault")};
}

Status write_manifest(const Snapshot& snapshot) {
  LOOM_TRY(AtomicFile file, AtomicFile::create(snapshot.folder / kManifest));
  LOOM_CHECKED(file.write(manifest_of(snapshot)));
  return file.commit();
}

std::string joined(const std::vector<std::string>& words) {
  return words.empty() ? "none" : fmt::format("{}", fmt::join(words, ", "));
}

/// Adds one file's name, size and bytes.
Status add_file(XXH3_state_t& state, const fs::path& path, std::vector<char>& block) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error(errno, path.string());
  std::error_code failed;
  const std::uintmax_t size = fs::file_size(path, failed);
  if (failed) return system_error(failed.value(), path.string());
  const std::string head = fmt::format("{}\n{}\n", path.filename().string(), size);
  XXH3_128bits_update(&state, head.data(), head.size());
  for (;;) {
    const ssize_t got = ::read(fd.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, path.string());
    if (got == 0) return ok();
    XXH3_128bits_update(&state, block.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

Status check_database_name(std::string_view name) {
  constexpr std::size_t kLongest = 100;
  const auto is_alnum = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const auto allowed = [&](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; };
  const bool good = !name.empty() && name.size() <= kLongest && is_alnum(name.front()) &&
                    std::ranges::all_of(name, allowed);
  if (!good)
    return error(
        Code::invalid_argument,
        "'{}' cannot be the name of a database: 1 to {} letters, digits, '.', '_' and '-' are needed, a "
        "letter or digit first",
        name.substr(0, kLongest), kLongest);
  const std::size_t dot = name.rfind('.');
  const bool numbered =
      dot != std::string_view::npos && dot + 1 < name.size() &&
      std::ranges::all_of(name.substr(dot + 1), [](char c) { return c >= '0' && c <= '9'; });
  if (numbered)
    return error(Code::invalid_argument,
                 "'{}' cannot be the name of a database: BLAST+ takes '{}' for a volume's number", name,
                 name.substr(dot));
  return ok();
}

Result<Snapshots> Snapshots::open(fs::path root) {
  std::error_code failed;
  fs::create_directories(root / kStaging, failed);
  if (failed) return system_error(failed.value(), root.string());
  root = fs::canonical(root, failed);
  if (failed) return system_error(failed.value(), root.string());
  Snapshots snapshots(std::move(root));
  LOOM_TRY(const Fd held, snapshots.lock());
  // What a kill left of removals costs only room.
  static_cast<void>(for_entries(snapshots.root_, [](const fs::directory_entry& entry) {
    std::error_code ignored;
    if (entry.path().filename().string().starts_with(kRemoved)) fs::remove_all(entry.path(), ignored);
  }));
  return snapshots;
}

Result<Snapshots> Snapshots::open_reading(const fs::path& root) {
  std::error_code failed;
  fs::path place = fs::canonical(root, failed);
  if (failed) return system_error(failed.value(), root.string());
  return Snapshots(std::move(place));
}

Result<Fd> Snapshots::lock() const {
  Fd fd(::open((root_ / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return system_error(errno, (root_ / ".lock").string());
  while (::flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) return system_error(errno, (root_ / ".lock").string());
  return fd;
}

std::vector<std::string> Snapshots::names() const {
  std::vector<std::string> names;
  static_cast<void>(for_entries(root_, [&](const fs::directory_entry& entry) {
    std::string name = entry.path().filename().string();
    std::error_code gone;
    if (entry.is_directory(gone) && check_database_name(name)) names.push_back(std::move(name));
  }));
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> Snapshots::ids(const std::string& database) const {
  std::vector<std::string> ids;
  static_cast<void>(for_entries(root_ / database, [&](const fs::directory_entry& entry) {
    std::string id = entry.path().filename().string();
    if (is_id(id)) ids.push_back(std::move(id));
  }));
  std::ranges::sort(ids, std::greater<>());
  return ids;
}

Result<Snapshot> Snapshots::read(const std::string& database, const std::string& id) const {
  const fs::path folder = root_ / database / id;
  auto snapshot = parse_manifest(text_in(folder / kManifest));
  if (!snapshot || snapshot->database != database || snapshot->id != id)
    return error(Code::corrupt, "{}: the manifest cannot be read; remove this snapshot and build it again",
                 folder.string());
  snapshot->folder = folder;
  return *std::move(snapshot);
}

std::vector<Snapshot> Snapshots::list() const {
  std::vector<Snapshot> all;
  for (const std::string& name : names())
    for (const std::string& id : ids(name))
      if (auto one = read(name, id)) all.push_back(*std::move(one));
  return all;
}

Result<Snapshot> Snapshots::get(const std::string& database, const std::string& id) const {
  LOOM_CHECKED(check_database_name(database));
  const auto known = ids(database);
  if (std::ranges::find(known, id) == known.end())
    return error(Code::not_found, "there is no snapshot '{}' of {}; there are: {}", id.substr(0, 100),
                 database, joined(known));
  return read(database, id);
}

std::string Snapshots::current_id(const std::string& database) const {
  if (!check_database_name(database)) return {};
  std::string id = text_in(root_ / database / kCurrent);
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return is_id(id) ? id : std::string();
}

Result<Snapshot> Snapshots::current(const std::string& database) const {
  const std::string id = current_id(database);
  if (id.empty())
    return error(Code::not_found, "there is no database '{}' here; there are: {}", database.substr(0, 100),
                 joined(names()));
  return read(database, id);
}

Result<Staging> Snapshots::begin(const std::string& database) const {
  LOOM_CHECKED(check_database_name(database));
  LOOM_TRY(TempDir folder, TempDir::create(root_ / kStaging));
  return Staging{database, std::move(folder)};
}

Result<std::string> Snapshots::fingerprint(const fs::path& folder) {
  LOOM_TRY(const auto files, files_of(folder));
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              &XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::vector<char> block(std::size_t{1} << 20U);
  for (const fs::path& file : files) LOOM_CHECKED(add_file(*state, file, block));
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

Result<Snapshot> Snapshots::publish(Staging staging, Snapshot about) const {
  const fs::path from = staging.folder.path();
  // BLASTDB of no folder but this: what is published must stand by itself.
  LOOM_TRY(const Database database,
           open_database('"' + (from / staging.database).string() + '"', about.molecule, SearchPath{{from}}));
  LOOM_TRY(const auto files, files_of(from));
  about.database = staging.database;
  about.id = new_id();
  about.folder = from;
  if (about.title.empty()) about.title = database.title;
  about.sequences = database.shown.sequences;
  about.letters = database.shown.letters;
  about.bytes = 0;
  std::error_code failed;
  for (const fs::path& file : files) {
    about.bytes += fs::file_size(file, failed);
    if (failed) return system_error(failed.value(), file.string());
  }
  about.created = rfc3339_now();
  LOOM_TRY(about.fingerprint, fingerprint(from));
  for (const fs::path& file : files) LOOM_CHECKED(sync_path(file));
  LOOM_CHECKED(write_manifest(about));
  LOOM_TRY(const Fd held, lock());
  const fs::path home = root_ / staging.database;
  fs::create_directory(home, failed);
  if (failed) return system_error(failed.value(), home.string());
  fs::permissions(from,
                  fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                      fs::perms::others_read | fs::perms::others_exec,
                  failed);
  about.folder = home / about.id;
  LOOM_CHECKED(move(from, about.folder));
  fs::remove(about.folder / ".lock", failed);  // the staging folder's; only now, or it looks abandoned
  LOOM_CHECKED(sync_path(home));
  LOOM_CHECKED(sync_path(root_));
  LOOM_CHECKED(write_current(staging.database, about.id));
  return about;
}

Status Snapshots::write_current(const std::string& database, const std::string& id) const {
  LOOM_TRY(AtomicFile file, AtomicFile::create(root_ / database / kCurrent));
  LOOM_CHECKED(file.write(id + "\n"));
  return file.commit();
}

Result<Snapshot> Snapshots::switch_to(const std::string& database, const std::string& id) const {
  LOOM_TRY(const Fd held, lock());
  LOOM_TRY(Snapshot snapshot, get(database, id));
  LOOM_CHECKED(write_current(database, id));
  return snapshot;
}

Status Snapshots::discard(const fs::path& folder) const {
  const fs::path away = root_ / (kRemoved + new_id());
  LOOM_CHECKED(move(folder, away));
  LOOM_CHECKED(sync_path(folder.parent_path()));
  std::error_code failed;
  fs::remove_all(away, failed);
  if (failed) return system_error(failed.value(), "remove " + away.string());
  return ok();
}

Status Snapshots::remove(const std::string& database, const std::string& id) const {
  LOOM_TRY(const Fd held, lock());
  LOOM_CHECKED(get(database, id));
  if (current_id(database) == id)
    return error(Code::conflict,
                 "snapshot {} is the current one of {}; switch to another first, or remove the database", id,
                 database);
  return discard(root_ / database / id);
}

Status Snapshots::remove_all(const std::string& database) const {
  LOOM_TRY(const Fd held, lock());
  const auto known = names();
  if (std::ranges::find(known, database) == known.end())
    return error(Code::not_found, "there is no database '{}' here; there are: {}", database.substr(0, 100),
                 joined(known));
  return discard(root_ / database);
}

Status Snapshots::keep_verdict(const Snapshot& snapshot, const std::string& fault) const {
  LOOM_TRY(const Fd held, lock());
  LOOM_TRY(Snapshot now, get(snapshot.database, snapshot.id));
  now.verified = rfc3339_now();
  now.fault = fault;
  return write_manifest(now);
}

}  // namespace loom::catalog
