#include "catalog/display.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <boost/json.hpp>
#include <ctime>
#include <fstream>
#include <set>
#include <system_error>
#include <vector>

#include "base/json_writer.hpp"
#include "base/number.hpp"
#include "base/text.hpp"
#include "catalog/database_files.hpp"

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// What the metadata adds; nothing in it is trusted to be there, or of the right type.
struct Metadata {
  std::string description;
  std::optional<std::string> updated;
  std::optional<std::uint64_t> bytes_to_cache;
  std::string source;
  std::optional<std::string> source_version;
  std::optional<std::string> downloaded;
  std::vector<std::string> warnings;
};

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(trimmed({value->get_string().data(), value->get_string().size()}));
}

/// A count, written as a number or as a text with commas.
std::optional<std::uint64_t> count_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
  std::string digits = text_of(object, key);
  std::erase(digits, ',');
  return number_of<std::uint64_t>(digits);
}

void compare_count(const json::object& object, std::string_view key, std::uint64_t own, Metadata& found) {
  if (object.contains(key) && !count_of(object, key)) {
    found.warnings.push_back(fmt::format("the metadata's {} is no count", key));
  } else if (const auto stated = count_of(object, key); stated && *stated != own) {
    found.warnings.push_back(fmt::format(
        "the metadata's {} is {}, the database's is {}: they are of different versions", key, *stated, own));
  }
}

/// Where the metadata come from.
enum class Keeper {
  ncbi,      ///< they lie beside the database
  operator_  ///< they are in the object storage, and may also say where the database is from
};

void read_source(const json::object& object, Metadata& found) {
  found.source = text_of(object, "source");
  if (std::string version = text_of(object, "source_version"); !version.empty())
    found.source_version = std::move(version);
  if (const std::string when = text_of(object, "downloaded_at"); !when.empty()) {
    found.downloaded = iso_date(when.substr(0, when.find_last_not_of('Z') + 1));
    if (!found.downloaded)
      found.warnings.push_back(fmt::format("the metadata's downloaded_at is no date: '{}'", when));
  }
}

Metadata read_object(const json::object& object, const Database& database, Keeper keeper) {
  Metadata found;
  const std::string type = text_of(object, "dbtype");
  const bool protein = database.molecule == Molecule::protein;
  if (!type.empty() && type != (protein ? "Protein" : "Nucleotide")) {
    found.warnings.push_back(fmt::format("the metadata is not used: it is of a database of type '{}'", type));
    return found;
  }
  found.description = text_of(object, "description");
  if (found.description.empty()) found.description = text_of(object, "title");
  found.bytes_to_cache = count_of(object, "bytes-to-cache");
  if (const std::string updated = text_of(object, "last-updated"); !updated.empty()) {
    found.updated = iso_date(updated);
    if (!found.updated) {
      found.warnings.push_back(fmt::format("the metadata's last-updated is no date: '{}'", updated));
    }
  }
  if (keeper == Keeper::operator_) read_source(object, found);
  compare_count(object, "number-of-sequences", database.shown.sequences, found);
  compare_count(object, "number-of-letters", database.shown.letters, found);
  return found;
}

Metadata read_metadata(std::string_view text, const Database& database, Keeper keeper) {
  const auto unusable = [](std::string why) {
    Metadata none;
    none.warnings.push_back("the metadata is not used: " + std::move(why));
    return none;
  };
  if (text.size() > kMaxMetadataBytes)
    return unusable(fmt::format("it has {} bytes, more than {}", text.size(), kMaxMetadataBytes));
  json::error_code failed;
  const json::value value = json::parse(text, failed);
  if (failed) return unusable("it is no JSON: " + failed.message());
  if (!value.is_object()) return unusable("it is no JSON object");
  return read_object(value.get_object(), database, keeper);
}

/// What `first`, an operator's, does not say is as `second`, NCBI's, says.
Metadata merged(Metadata first, Metadata second) {
  if (first.description.empty()) first.description = std::move(second.description);
  if (!first.updated) first.updated = std::move(second.updated);
  if (!first.bytes_to_cache) first.bytes_to_cache = second.bytes_to_cache;
  for (std::string& warning : second.warnings) first.warnings.push_back(std::move(warning));
  return first;
}

/// All metadata there are, in their order.
Metadata read_all(const Database& database, const DisplayOrigin& origin) {
  Metadata found = origin.metadata ? read_metadata(*origin.metadata, database, Keeper::ncbi) : Metadata{};
  if (!origin.stored) return found;
  Metadata stored = read_metadata(*origin.stored, database, Keeper::operator_);
  for (std::string& warning : stored.warnings) warning += " (in the object storage)";
  return merged(std::move(stored), std::move(found));
}

template <class Number>
std::optional<Number> little_endian_at(std::ifstream& file, std::uint64_t offset) {
  static_assert(std::endian::native == std::endian::little, "as the files are");
  std::array<char, sizeof(Number)> bytes{};
  file.seekg(static_cast<std::streamoff>(offset));
  if (!file.read(bytes.data(), bytes.size())) return std::nullopt;
  return std::bit_cast<Number>(bytes);
}

/// One file NAME.pto holds for each taxid how many OIDs have it, and which; NAME.pot for each OID its taxids.
/// So .pto is longer than one group of all OIDs if there are several taxids; else the first OID has the one.
std::optional<bool> has_taxonomy(const fs::path& shared, Molecule molecule) {
  std::ifstream taxids(shared.string() + extension(molecule, "ot"), std::ios::binary);
  const auto sequences = little_endian_at<std::uint64_t>(taxids, 0);
  std::error_code failed;
  const std::uint64_t group_bytes = fs::file_size(shared.string() + extension(molecule, "to"), failed);
  if (!sequences || failed) return std::nullopt;
  if (group_bytes > 4 * (*sequences + 1)) return true;
  const auto first = little_endian_at<std::uint32_t>(taxids, 8 + 8 * *sequences);
  return first.value_or(0) != 0;
}

template <class T>
void optional_member(JsonWriter& writer, std::string_view name, const std::optional<T>& value) {
  writer.key(name);
  if (value) {
    writer.value(*value);
  } else {
    writer.raw("null");
  }
}

}  // namespace

std::optional<bool> has_taxonomy(const Database& database) {
  std::set<fs::path> seen;
  bool all_known = true;
  for (const Volume& volume : database.volumes) {
    const auto shared = shared_base(volume);
    if (!shared) {
      all_known = false;
    } else if (seen.insert(*shared).second) {
      const auto one = has_taxonomy(*shared, database.molecule);
      if (one && *one) return true;
      all_known = all_known && one;
    }
  }
  return all_known ? std::optional(false) : std::nullopt;
}

std::optional<std::string> iso_date(const std::string& text) {
  const struct {
    const char* read;
    const char* write;
  } forms[]{{"%b %d, %Y %I:%M %p", "%Y-%m-%dT%H:%M"},
            {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"},
            {"%Y-%m-%d", "%Y-%m-%d"}};
  for (const auto& form : forms) {
    std::tm when{};
    const char* end = ::strptime(text.c_str(), form.read, &when);
    if (end == nullptr || *end != '\0') continue;
    std::array<char, 32> iso{};
    return std::string(iso.data(), std::strftime(iso.data(), iso.size(), form.write, &when));
  }
  return std::nullopt;
}

std::string display_json(const Database& database, const DisplayOrigin& origin) {
  const Metadata metadata = read_all(database, origin);
  std::string out;
  JsonWriter writer(out);
  writer.open_object();
  writer.member("name", origin.name);
  writer.member("title", database.title);
  writer.member("description", metadata.description.empty() ? database.title : metadata.description);
  writer.member("molecule", name(database.molecule));
  writer.member("sequences", database.shown.sequences);
  writer.member("letters", database.shown.letters);
  writer.member("longest", database.longest);
  optional_member(writer, "date", iso_date(database.date));
  optional_member(writer, "updated", metadata.updated);
  writer.member("format_version", database.version);
  optional_member(writer, "has_taxonomy", has_taxonomy(database));
  writer.member("has_ids", database.has_ids);
  writer.member("volumes", database.volumes.size());
  writer.member("bytes", database.bytes);
  optional_member(writer, "bytes_to_cache", metadata.bytes_to_cache);
  writer.member("source", metadata.source.empty() ? origin.source : metadata.source);
  optional_member(writer, "source_version", metadata.source_version);
  optional_member(writer, "downloaded", metadata.downloaded);
  writer.key("warnings");
  writer.open_array();
  for (const auto& warning : metadata.warnings) writer.value(warning);
  writer.close_array();
  writer.close_object();
  return out;
}

}  // namespace loom::catalog
