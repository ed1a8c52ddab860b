#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "results/columns.hpp"
#include "results/filter.hpp"
#include "results/page_sql.hpp"
#include "results/sqlite_file.hpp"

namespace loom::results {

/// How many rows of a zone pass a test.
enum class Verdict : std::uint8_t { none, some, all };

/// Of zones of hit or hsp, or of runs as the larger zones that they are, what their least and
/// greatest values tell. They are asked for by pieces of kTogether zones. One thread. Errors: those
/// of SQLite; corrupt where something is missing.
class Zones {
 public:
  /// `rows` of a zone: kZoneRows or kRunRows.
  Zones(SqliteFile& file, PageTable table, std::int64_t rows);

  [[nodiscard]] std::int64_t zone_rows() const { return rows_; }
  [[nodiscard]] std::int64_t piece_rows() const { return rows_ * static_cast<std::int64_t>(kTogether); }
  /// The first row of the piece that row `id` stands in.
  [[nodiscard]] std::int64_t piece_of(std::int64_t id) const {
    return (id - 1) / piece_rows() * piece_rows() + 1;
  }
  using Verdicts = std::array<Verdict, kTogether>;
  /// Of the piece that begins with row `piece`; what is told of rows behind the last one means
  /// nothing.
  Result<Verdicts> judge(std::int64_t piece, const ColumnTest& test);
  /// As judge(); valid until another piece is asked for.
  Result<const Bounds*> bounds(std::int64_t piece, std::size_t column) { return columns_[column].at(piece); }
  /// In the piece of the first row of `ids`, those among `ids` that may pass, in order.
  Result<std::vector<IdRange>> passing(const IdRange& ids, const ColumnTest& test);

 private:
  std::int64_t rows_;
  std::vector<ColumnReader<Bounds>> columns_;  // one for each of kZoned
};

}  // namespace loom::results
