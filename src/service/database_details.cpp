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

}  // namespace

Result<std::string> DatabaseDetails::key_of(const std::string& database, const std::string& id) {
  const std::string snapshot = id.empty() ? databases_.kept().current_id(database) : id;
  if (!snapshot.empty()) return fmt::format("{}@{}", database, snapshot);
  LOOM_TRY(const std::uint64_t changes, databases_.changes());
  return fmt::format("{}@scan {}", database, changes);
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
  catalog::DisplayOrigin origin{.name = database, .source = source, .metadata = {}};
  if (beside) origin.metadata = *beside;
  return catalog::display_json(opened.database, origin);
}

Result<catalog::DisplayText> DatabaseDetails::metadata(const std::string& database, const std::string& id,
                                                       Deadline deadline) {
  LOOM_TRY(const std::string name, key_of(database, id));
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
  LOOM_TRY(const std::string name, key_of(database, id));
  return cache_.invalidate({kAccount, name});
}

}  // namespace loom::service
