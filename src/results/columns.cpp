#include "results/columns.hpp"

#include <fmt/format.h>

namespace loom::results {
namespace {

template <class T>
std::string_view bytes_of(const std::vector<T>& cells) {
  return {reinterpret_cast<const char*>(cells.data()), cells.size() * sizeof(T)};
}

template <class T>
Status write_cells(SqliteStatement& insert, std::int64_t id, std::vector<T>& cells) {
  insert.integer(1, id);
  insert.text(2, bytes_of(cells));
  LOOM_CHECKED(insert.run());
  cells.clear();
  return ok();
}

Result<SqliteStatement> make_table(SqliteFile& file, const std::string& name) {
  LOOM_CHECKED(file.script(fmt::format("CREATE TABLE {}(id INTEGER PRIMARY KEY, cells BLOB)", name).c_str()));
  return file.prepare(fmt::format("INSERT INTO {} VALUES(?,?)", name));
}

}  // namespace

std::string blocks_table(PageTable table, std::size_t column) {
  return fmt::format("{}_column_{}", table_name(table), column == kZoned.size() ? "subject" : kZoned[column]);
}

std::string bounds_table(PageTable table, std::int64_t rows, std::size_t column) {
  return fmt::format("{}_{}_{}", table_name(table), rows == kZoneRows ? "zones" : "runs", kZoned[column]);
}

Result<BoundsWriter> BoundsWriter::create(SqliteFile& file, PageTable table, std::int64_t rows) {
  std::vector<SqliteStatement> inserts;
  for (std::size_t column = 0; column < kZoned.size(); ++column) {
    LOOM_TRY(SqliteStatement insert, make_table(file, bounds_table(table, rows, column)));
    inserts.push_back(std::move(insert));
  }
  return BoundsWriter(rows, std::move(inserts));
}

Status BoundsWriter::add(const std::array<double, kZoned.size()>& values) {
  if (rows_ % zone_rows_ == 0) {
    if (bounds_[0].size() == kTogether) LOOM_CHECKED(finish());
    for (std::size_t i = 0; i < kZoned.size(); ++i) bounds_[i].push_back({values[i], values[i]});
  }
  ++rows_;
  for (std::size_t i = 0; i < kZoned.size(); ++i) {
    Bounds& zone = bounds_[i].back();
    zone = {std::min(zone.least, values[i]), std::max(zone.greatest, values[i])};
  }
  return ok();
}

Status BoundsWriter::finish() {
  if (rows_ == written_) return ok();
  for (std::size_t i = 0; i < kZoned.size(); ++i)
    LOOM_CHECKED(write_cells(inserts_[i], written_ + 1, bounds_[i]));
  written_ = rows_;
  return ok();
}

Result<ColumnWriter> ColumnWriter::create(SqliteFile& file, PageTable table) {
  std::vector<SqliteStatement> inserts;
  for (std::size_t column = 0; column <= kZoned.size(); ++column) {
    LOOM_TRY(SqliteStatement insert, make_table(file, blocks_table(table, column)));
    inserts.push_back(std::move(insert));
  }
  LOOM_TRY(BoundsWriter zones, BoundsWriter::create(file, table, kZoneRows));
  LOOM_TRY(BoundsWriter runs, BoundsWriter::create(file, table, kRunRows));
  return ColumnWriter(std::move(inserts), std::move(zones), std::move(runs));
}

Status ColumnWriter::add(std::uint32_t subject, const std::array<double, kZoned.size()>& values) {
  for (std::size_t i = 0; i < kZoned.size(); ++i) numbers_[i].push_back(values[i]);
  subjects_.push_back(subject);
  LOOM_CHECKED(zones_.add(values));
  LOOM_CHECKED(runs_.add(values));
  return std::ssize(subjects_) == kBlockRows ? write() : ok();
}

Status ColumnWriter::finish() {
  if (!subjects_.empty()) LOOM_CHECKED(write());
  LOOM_CHECKED(zones_.finish());
  return runs_.finish();
}

Status ColumnWriter::write() {
  const std::int64_t id = written_ + 1;
  written_ += std::ssize(subjects_);
  for (std::size_t i = 0; i < kZoned.size(); ++i) LOOM_CHECKED(write_cells(inserts_[i], id, numbers_[i]));
  return write_cells(inserts_.back(), id, subjects_);
}

}  // namespace loom::results
