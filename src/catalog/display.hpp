#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "catalog/database.hpp"

namespace loom::catalog {

/// What display_json cannot read off the database itself. The texts are borrowed.
struct DisplayOrigin {
  std::string_view name;    ///< as its users call it
  std::string_view source;  ///< where it comes from, for people: "local", "NCBI"
  /// The text of NCBI's JSON about it: NAME.njs, NAME.pjs, NAME-nucl-metadata.json or NAME-prot-metadata.json
  /// (schemas 1.1 and 1.2). makeblastdb writes none before BLAST+ 2.13.
  std::optional<std::string_view> metadata;
  /// The text of JSON that an operator keeps in the object storage: the same members, and source,
  /// source_version and downloaded_at. What it says counts before `metadata`.
  std::optional<std::string_view> stored = {};
};

/// Longer metadata texts are not read, and the value says so.
inline constexpr std::size_t kMaxMetadataBytes = std::size_t{4} << 20U;

/// All that is shown of a database, as one JSON object on one line (doc/formats/display.md). What the
/// database says of itself counts; metadata add the description, the day of the update, the bytes to cache,
/// and, those stored only, which version of what source it is. Broken metadata, or metadata of another
/// database, costs nothing but a text under "warnings". Thread-safe. Blocking: on disk, a few bytes.
std::string display_json(const Database& database, const DisplayOrigin& origin);

/// Whether any of its sequences has a taxid (other than 0, which stands for none). nullopt if that cannot be
/// told: format 4 keeps taxids in the headers only. Format: blastdbv5_files.txt of the NCBI C++ toolkit.
/// Blocking: on disk, a few bytes.
std::optional<bool> has_taxonomy(const Database& database);

/// "2026-11-24T14:14" of makeblastdb's "Nov 24, 2026  2:14 PM" (local time of the machine that made it) and
/// of NCBI's "2026-11-24T14:14:00"; "2026-11-24" of that alone. nullopt for any other text.
std::optional<std::string> iso_date(const std::string& text);

}  // namespace loom::catalog
