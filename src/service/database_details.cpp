#include "service/database_details.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <optional>

#include "catalog/display.hpp"

namespace loom::service {

namespace {

constexpr std::string_view kAccount = "local";

/// The text of NAME.pjs or NAME.njs beside the database.
std::optional<std::string> metadata_beside(const catalog::Database& database) {
  if (database.parts.size() != 1) return std::nullopt;
  const std::string path = database.parts.front().base.string() + catalog::extension(database.molecule, "js");
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  if (none || size > catalog::kMaxMetadataBytes) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The object of that database; nullopt if there is none. One that is too large is left to be complained of.
Result<std::optional<std::string>> stored_metadata(storage::ObjectStore& objects,
                                                   const std::string& database) {
  const auto key = storage::ObjectKey::parse(metadata_key(database));
  if (!key) return std::nullopt;  // an odd name of BLASTDB's
  const auto bytes = objects.get(*key, catalog::kMaxMetadataBytes, Deadline::in(std::chrono::seconds(10)));
  if (bytes) return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  if (bytes.error().code == Code::not_found) return std::nullopt;
  if (bytes.error().code == Code::too_large) return std::string(catalog::kMaxMetadataBytes + 1, ' ');
  return bytes.error();
}

}  // namespace

std::string metadata_key(const std::string& database) {
  return "databases/" + database + "-metadata.json";
}

Result<std::string> DatabaseDetails::load(const std::string& database, const std::string& id) {
  LOOM_TRY(const OpenDatabase opened, databases_.open(database, id));
  std::string source = "local";
  if (!opened.folders.empty()) {
    const auto& kept = databases_.kept();
    LOOM_TRY(const catalog::Snapshot snapshot, id.empty() ? kept.current(database) : kept.get(database, id));
    source = snapshot.source;
  }
  const auto beside = metadata_beside(opened.database);
  std::optional<std::string> stored;
  if (objects_ != nullptr) {
    LOOM_TRY(stored, stored_metadata(*objects_, database));
  }
  catalog::DisplayOrigin origin{.name = database, .source = source, .metadata = {}, .stored = {}};
  if (beside) origin.metadata = *beside;
  if (stored) origin.stored = *stored;
  return catalog::display_json(opened.database, origin);
}

Result<catalog::DisplayText> DatabaseDetails::metadata(const std::string& database, const std::string& id,
                                                       Deadline deadline) {
  LOOM_TRY(const std::string name, databases_.version_of(database, id));
  return cache_.get({kAccount, name}, [&] { return load(database, id); }, deadline);
}

Result<catalog::Residency> DatabaseDetails::residency(const std::string& database, const std::string& id) {
  LOOM_TRY(const OpenDatabase opened, databases_.open(database, id));
  return catalog::residency(opened.database);
}

Result<std::size_t> DatabaseDetails::forget(const std::string& database, const std::string& id) {
  if (tell_) tell_(database, id);
  return forget_here(database, id);
}

Result<std::size_t> DatabaseDetails::forget_here(const std::string& database, const std::string& id) {
  if (database.empty()) return cache_.clear();
  LOOM_TRY(const std::string name, databases_.version_of(database, id));
  return cache_.invalidate({kAccount, name});
}

}  // namespace loom::service
