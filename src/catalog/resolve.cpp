#include "catalog/resolve.hpp"

#include <algorithm>

#include "base/lines.hpp"
#include "base/number.hpp"

namespace loom::catalog {
namespace {

constexpr std::string_view kSkipped = "Error: [blastdbcmd] Skipped ";

std::vector<std::string_view> skipped_ids(std::string_view err) {
  std::vector<std::string_view> ids;
  while (!err.empty()) {
    const auto line = take_line(err);
    if (line.starts_with(kSkipped)) ids.push_back(line.substr(kSkipped.size()));
  }
  return ids;
}

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, upper, upper);
}

/// blastdbcmd names "NP_1" for "ref|NP_1|", "gb|AAA|NP_1" and "np_1".
bool names(std::string_view skipped, std::string_view id) {
  if (same_letters(skipped, id)) return true;
  for (std::size_t bar = id.find('|'); bar != std::string_view::npos; bar = id.find('|', bar + 1)) {
    const auto field = id.substr(bar + 1);
    if (same_letters(field.substr(0, field.find('|')), skipped)) return true;
  }
  return false;
}

}  // namespace

std::optional<std::uint32_t> made_up_oid(std::string_view id) {
  for (const std::string_view prefix : {"gnl|BL_ORD_ID|", "BL_ORD_ID:"}) {
    if (id.starts_with(prefix)) return number_of<std::uint32_t>(id.substr(prefix.size()));
  }
  return std::nullopt;
}

std::vector<std::filesystem::path> id_databases(const Database& database) {
  std::vector<std::filesystem::path> names;
  for (const Volume& volume : database.volumes) {
    // Format 4 has an index for each volume.
    const std::string& shared = volume.head().id_database;
    names.push_back(shared.empty() ? volume.base
                                   : volume.base.parent_path() / shared.substr(0, shared.rfind('.')));
  }
  std::ranges::sort(names);
  const auto again = std::ranges::unique(names);
  names.erase(again.begin(), again.end());
  return names;
}

std::vector<std::string> lookup_args(std::string_view names, Molecule molecule,
                                     const std::filesystem::path& batch) {
  return {"-db",          std::string(names), "-dbtype", molecule == Molecule::protein ? "prot" : "nucl",
          "-entry_batch", batch.string(),     "-outfmt", "%o"};
}

Result<std::vector<std::optional<std::uint32_t>>> parse_lookup(std::span<const std::string> ids,
                                                               std::string_view out, std::string_view err,
                                                               std::uint32_t sequences) {
  const auto skipped = skipped_ids(err);
  std::vector<std::optional<std::uint32_t>> oids;
  std::size_t missing = 0;
  for (const auto& id : ids) {
    if (missing < skipped.size() && names(skipped[missing], id)) {
      oids.emplace_back();
      ++missing;
      continue;
    }
    const auto line = take_line(out);
    const auto oid = number_of<std::uint32_t>(line);
    if (!oid || *oid >= sequences) {
      return error(Code::corrupt, "blastdbcmd gave '{}' for the id '{}' where an OID below {} was expected",
                   line, id, sequences);
    }
    oids.emplace_back(oid);
  }
  if (!out.empty() || missing != skipped.size()) {
    return error(Code::corrupt, "blastdbcmd answered for more than the {} ids it was asked for", ids.size());
  }
  return oids;
}

}  // namespace loom::catalog
