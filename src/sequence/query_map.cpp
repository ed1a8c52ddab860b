#include "sequence/query_map.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/text.hpp"

namespace loom::sequence {
namespace {

constexpr std::array kBatchLetters{
    std::pair<std::string_view, std::uint32_t>{"blastp", 10'000},
    std::pair<std::string_view, std::uint32_t>{"blastx", 10'002},
    std::pair<std::string_view, std::uint32_t>{"tblastn", 20'000},
    std::pair<std::string_view, std::uint32_t>{"tblastx", 10'002},
    std::pair<std::string_view, std::uint32_t>{"rpsblast", 10'000},
    std::pair<std::string_view, std::uint32_t>{"rpstblastn", 10'000},
};

/// Of a record, which may have blank lines and comments in front.
std::string_view defline_of(std::string_view raw) {
  raw.remove_prefix(std::min(raw.find('>'), raw.size()));
  return raw.substr(0, raw.find('\n'));
}

}  // namespace

std::optional<std::uint32_t> internal_batch_letters(std::string_view program) {
  const auto* found = std::find_if(kBatchLetters.begin(), kBatchLetters.end(),
                                   [&](const auto& entry) { return entry.first == program; });
  if (found == kBatchLetters.end()) return std::nullopt;
  return found->second;
}

Result<QueryMap> map_queries(ByteSource& source, Alphabet alphabet, std::uint64_t unit_letters) {
  FastaReader reader(source, alphabet);
  QueryMap map;
  for (;;) {
    LOOM_TRY(const auto record, reader.next());
    if (!record) break;
    if (record->letters > std::numeric_limits<std::uint32_t>::max()) {
      return error(Code::too_large, "line {}: a query of {} letters; BLAST+ takes at most {}",
                   record->first_line, record->letters, std::numeric_limits<std::uint32_t>::max());
    }
    if (map.units.empty() || map.units.back().letters >= unit_letters) {
      map.units.push_back(
          {.first_record = record->ordinal, .offset = record->offset, .first_line = record->first_line});
    }
    Unit& unit = map.units.back();
    ++unit.records;
    unit.letters += record->letters;
    unit.bytes += record->raw.size();
    ++map.records;
    map.letters += record->letters;
    if (record->id.empty()) ++map.unnamed_records;
    if (record->letters == 0) ++map.empty_records;
    map.ascii_titles = map.ascii_titles && is_ascii(defline_of(record->raw));
  }
  map.why_not_splittable = reader.unsplittable();
  return map;
}

void join_short_end(QueryMap& map, std::uint64_t letters) {
  if (map.units.size() < 2 || map.units.back().letters >= letters) return;
  const Unit last = map.units.back();
  map.units.pop_back();
  map.units.back().records += last.records;
  map.units.back().letters += last.letters;
  map.units.back().bytes += last.bytes;
}

}  // namespace loom::sequence
