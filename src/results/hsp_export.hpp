#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/features.hpp"
#include "results/hsp_rows.hpp"

namespace loom::results {

enum class ExportFormat : std::uint8_t { tsv, csv, jsonl, gff3, bed, sam };
/// Errors: invalid_argument, which names those there are.
Result<ExportFormat> parse_export_format(std::string_view text);

struct ExportRequest {
  ExportFormat format = ExportFormat::tsv;
  /// BLAST+'s names of columns, `std`, qtitle and coverage (percent of the query, of one HSP), with spaces or
  /// commas between them. Empty: std.
  std::string columns{};
  std::optional<bool> header{};  ///< with a first line of names; unset: in CSV only
  RowsRequest rows{};
  FeatureStyle style{};  ///< of gff3, bed and sam
};

/// The HSPs of an index as text, a piece at a time, in constant memory. TSV is what -outfmt 6 prints, but
/// for tabs inside a cell, which become spaces. In CSV a cell that a spreadsheet would take for a formula
/// begins with an apostrophe. JSON Lines has an object for each HSP; numbers have BLAST's digits. GFF3, BED
/// and SAM are those of features.hpp; columns are not for them. One thread at a time. Blocking: on disk.
class HspExport {
 public:
  /// Errors: invalid_argument for columns that the index has not, a request that pages refuse, and SAM of
  /// another program than blastn.
  static Result<std::unique_ptr<HspExport>> make(std::shared_ptr<HitIndex> index, ExportRequest request);
  /// The next piece; empty at the end. Errors: those of HitIndex::hsps.
  Result<std::string> next(Deadline deadline);

 private:
  struct Column {
    std::string name;
    int source = 0;  ///< of what is asked for; or of others
    bool number = false;
  };
  HspExport(HspRows rows, ExportRequest request) : rows_(std::move(rows)), request_(std::move(request)) {}
  static Status choose_columns(const HitIndex& index, const std::string& asked, std::vector<Column>& into);
  Status write_header(std::string& out, Deadline deadline);
  Status write_row(const HspRow& row, std::string& out);
  void write_cells(const HspRow& row, std::string& out) const;
  [[nodiscard]] std::string cell(const HspRow& row, const Column& column) const;

  HspRows rows_;
  ExportRequest request_;
  std::vector<Column> columns_;
  SamRows sam_;
  /// SAM names all subjects first, so its rows are read twice.
  enum class Stage : std::uint8_t { begin, subjects, rows } stage_ = Stage::begin;
};

/// The cell of a CSV: quoted where it must be, and no formula. A number is never taken for one.
std::string csv_cell(std::string_view text);

}  // namespace loom::results
