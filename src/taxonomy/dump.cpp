#include "taxonomy/dump.hpp"

#include <algorithm>
#include <limits>
#include <span>

#include "base/check.hpp"
#include "base/number.hpp"

namespace loom::taxonomy {
namespace {

constexpr std::size_t kMaxRowBytes = std::size_t{64} << 10U;
constexpr std::size_t kMaxRows = std::size_t{1} << 31U;
constexpr std::size_t kMaxTextBytes = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kMaxRanks = 10'000;  // NCBI has 46

constexpr std::array<std::string_view, kNameKinds> kKindNames{
    "scientific name", "genbank common name", "common name", "synonym", "equivalent name",
    "acronym",         "blast name",          "misspelling"};

std::optional<NameKind> kind_of(std::string_view text) {
  if (text.starts_with("genbank ") && text != kKindNames[1]) text.remove_prefix(8);
  const auto* const found = std::ranges::find(kKindNames, text);
  if (found == kKindNames.end()) return std::nullopt;
  return static_cast<NameKind>(found - kKindNames.begin());
}

/// The first fields of a row; nullopt if it has fewer.
template <std::size_t kCount>
std::optional<std::array<std::string_view, kCount>> fields_of(std::string_view row) {
  std::array<std::string_view, kCount> fields;
  for (std::string_view& field : fields) {
    const std::size_t end = row.find("\t|");
    if (end == std::string_view::npos) return std::nullopt;
    field = row.substr(0, end);
    row.remove_prefix(end + 2);
    if (row.starts_with('\t')) row.remove_prefix(1);
  }
  return fields;
}

Result<TaxId> taxid_of(std::string_view text) {
  const auto id = number_of<TaxId>(text);
  if (!id || *id == 0 || *id > std::uint32_t{std::numeric_limits<std::int32_t>::max()})
    return error(Code::corrupt, "'{}' is no taxid", text.substr(0, 40));
  return *id;
}

Error too_few_fields(std::size_t needed) {
  return error(Code::corrupt, "the row has fewer than {} fields ended by \"\\t|\"", needed);
}

}  // namespace

std::string_view name(NameKind kind) {
  return kKindNames.at(static_cast<std::size_t>(kind));
}

std::string_view name(DumpFile file) {
  switch (file) {
    case DumpFile::nodes:
      return "nodes.dmp";
    case DumpFile::names:
      return "names.dmp";
    case DumpFile::merged:
      return "merged.dmp";
    case DumpFile::deleted:
      return "delnodes.dmp";
  }
  LOOM_CHECK(false, "a DumpFile outside its enumerators");
}

Status DumpParser::add(DumpFile file, std::string_view bytes) {
  std::string& carry = place(file).carry;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const bool whole = end != std::string_view::npos;
    const std::string_view part = bytes.substr(0, end);
    bytes.remove_prefix(whole ? end + 1 : bytes.size());
    if (carry.size() + part.size() > kMaxRowBytes) {
      return error(Code::too_large, "{}: line {} has more than {} bytes", name(file), place(file).line + 1,
                   kMaxRowBytes);
    }
    if (whole && carry.empty()) {
      LOOM_CHECKED(row(file, part));
      continue;
    }
    carry += part;
    if (whole) {
      LOOM_CHECKED(row(file, carry));
      carry.clear();
    }
  }
  return ok();
}

Status DumpParser::end(DumpFile file) {
  const std::string last = std::exchange(place(file).carry, {});
  return last.empty() ? ok() : row(file, last);
}

Status DumpParser::row(DumpFile file, std::string_view line) {
  const std::uint64_t number = ++place(file).line;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return ok();
  Status parsed = number > kMaxRows ? error(Code::too_large, "too many rows") : parse(file, line);
  if (!parsed) return std::move(parsed.error()).at(fmt::format("{}: line {}", name(file), number));
  return ok();
}

Status DumpParser::parse(DumpFile file, std::string_view line) {
  if (file == DumpFile::nodes) return parse_node(line);
  if (file == DumpFile::names) return parse_name(line);
  if (file == DumpFile::merged) {
    const auto fields = fields_of<2>(line);
    if (!fields) return too_few_fields(2);
    LOOM_TRY(const TaxId from, taxid_of((*fields)[0]));
    LOOM_TRY(const TaxId into, taxid_of((*fields)[1]));
    dump_.merged.emplace_back(from, into);
    return ok();
  }
  const auto fields = fields_of<1>(line);
  if (!fields) return too_few_fields(1);
  LOOM_TRY(const TaxId id, taxid_of((*fields)[0]));
  dump_.deleted.push_back(id);
  return ok();
}

Status DumpParser::parse_node(std::string_view line) {
  const auto fields = fields_of<3>(line);
  if (!fields) return too_few_fields(3);
  LOOM_TRY(const TaxId id, taxid_of((*fields)[0]));
  LOOM_TRY(const TaxId parent, taxid_of((*fields)[1]));
  const std::string_view text = (*fields)[2];
  auto rank = std::ranges::find(dump_.ranks, text);
  if (rank == dump_.ranks.end()) {
    if (dump_.ranks.size() >= kMaxRanks) return error(Code::too_large, "more than {} ranks", kMaxRanks);
    rank = dump_.ranks.insert(rank, std::string(text));
  }
  dump_.nodes.push_back(
      {.id = id, .parent = parent, .rank = static_cast<std::uint32_t>(rank - dump_.ranks.begin())});
  return ok();
}

Status DumpParser::parse_name(std::string_view line) {
  const auto fields = fields_of<4>(line);
  if (!fields) return too_few_fields(4);
  LOOM_TRY(const TaxId id, taxid_of((*fields)[0]));
  const std::string_view text = (*fields)[1];
  const auto kind = kind_of((*fields)[3]);
  if (!kind) return ok();
  if (text.empty() || text.size() > std::numeric_limits<std::uint16_t>::max())
    return error(Code::corrupt, "taxid {} has a name of {} bytes", id, text.size());
  if (dump_.text.size() + text.size() > kMaxTextBytes)
    return error(Code::too_large, "the names have more than 4 GiB");
  dump_.names.push_back({.id = id,
                         .start = static_cast<std::uint32_t>(dump_.text.size()),
                         .bytes = static_cast<std::uint16_t>(text.size()),
                         .kind = *kind});
  dump_.text += text;
  return ok();
}

}  // namespace loom::taxonomy
