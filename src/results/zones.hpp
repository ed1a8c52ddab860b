#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "results/columns.hpp"
#include "results/filter.hpp"
#include "results/sqlite_file.hpp"

namespace loom::results {

/// How many rows of a zone pass a test.
enum class Verdict : std::uint8_t { none, some, all };
using Verdicts = std::array<Verdict, kRunZones>;

using IdRange = std::pair<std::int64_t, std::int64_t>;  ///< first and last, as in the file

/// Tells by the least and the greatest values of zones which rows of hit or hsp need not be looked at. One
/// thread. Errors: those of SQLite; corrupt where something is missing.
class Zones {
 public:
  Zones(SqliteFile& file, PageTable table);

  /// The first row of the run of zones that row `id` stands in.
  static std::int64_t run_of(std::int64_t id) { return (id - 1) / kRunRows * kRunRows + 1; }
  /// Of the run that begins with row `run`; what is told of rows behind the last one means nothing.
  Result<Verdicts> judge(std::int64_t run, const ColumnTest& test);
  /// As judge(); valid until the next call.
  Result<const ZoneBounds*> bounds(std::int64_t run, std::size_t column);
  /// In the run of the first row of `ids`, those among `ids` that may pass, in order.
  Result<std::vector<IdRange>> passing(const IdRange& ids, const ColumnTest& test);

 private:
  std::vector<ColumnReader<ZoneBounds>> columns_;  // one for each of kZoned
};

}  // namespace loom::results
