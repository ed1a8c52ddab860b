#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/hit_index.hpp"

namespace loom::results {

enum class ExportFormat : std::uint8_t { tsv, csv, jsonl };
/// Errors: invalid_argument, which names those there are.
Result<ExportFormat> parse_export_format(std::string_view text);

struct ExportRequest {
  ExportFormat format = ExportFormat::tsv;
  /// BLAST+'s names of columns, `std`, qtitle and coverage (percent of the query, of one HSP), with spaces or
  /// commas between them. Empty: std.
  std::string columns{};
  std::optional<bool> header{};         ///< with a first line of names; unset: in CSV only
  PageRequest rows{};                   ///< filter, query and sort
  std::vector<std::int64_t> hits{};     ///< of these hits only, in this order; empty: of all
  std::optional<std::uint64_t> most{};  ///< no more rows than that
};

/// The HSPs of an index as text, a piece at a time, in constant memory. TSV is what -outfmt 6 prints, but
/// for tabs inside a cell, which become spaces. In CSV a cell that a spreadsheet would take for a formula
/// begins with an apostrophe. JSON Lines has an object for each HSP; numbers have BLAST's digits.
/// One thread at a time. Blocking: on disk.
class HspExport {
 public:
  /// Errors: invalid_argument for columns that the index has not, or a request that pages refuse.
  static Result<std::unique_ptr<HspExport>> make(std::shared_ptr<HitIndex> index, ExportRequest request);
  /// The next piece; empty at the end. Errors: those of HitIndex::hsps.
  Result<std::string> next(Deadline deadline);

 private:
  struct Column {
    std::string name;
    int source = 0;  ///< of what is asked for; or of others
    bool number = false;
  };
  HspExport(std::shared_ptr<HitIndex> index, ExportRequest request)
      : index_(std::move(index)), request_(std::move(request)) {}
  Status choose_columns();
  void write_header(std::string& out) const;
  void write_row(const HspRow& row, std::string& out) const;
  [[nodiscard]] std::string cell(const HspRow& row, const Column& column) const;

  std::shared_ptr<HitIndex> index_;
  ExportRequest request_;
  std::vector<Column> columns_;
  std::size_t next_hit_ = 0;
  std::uint64_t written_ = 0;
  bool begun_ = false;
  bool ended_ = false;
};

/// The cell of a CSV: quoted where it must be, and no formula. A number is never taken for one.
std::string csv_cell(std::string_view text);

}  // namespace loom::results
