#include "sequence/query_map.hpp"

namespace loom::sequence {

Result<QueryMap> map_queries(ByteSource& source, Alphabet alphabet, std::uint64_t unit_letters) {
  FastaReader reader(source, alphabet);
  QueryMap map;
  for (;;) {
    LOOM_TRY(const auto record, reader.next());
    if (!record) break;
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
