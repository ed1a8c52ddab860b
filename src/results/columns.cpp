#include "results/columns.hpp"

#include <fmt/format.h>

namespace loom::results {
namespace {

constexpr std::size_t kColumns = kZoned.size() + 1;

template <class T>
std::string_view bytes_of(const std::vector<T>& cells) {
  return {reinterpret_cast<const char*>(cells.data()), cells.size() * sizeof(T)};
}

template <class T>
Status write(SqliteStatement& insert, std::int64_t id, std::vector<T>& cells) {
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

std::string zones_table(PageTable table, std::size_t column) {
  return fmt::format("{}_zones_{}", table_name(table), kZoned[column]);
}

Result<ColumnWriter> ColumnWriter::create(SqliteFile& file, PageTable table) {
  std::vector<SqliteStatement> blocks;
  std::vector<SqliteStatement> zones;
  for (std::size_t column = 0; column < kColumns; ++column) {
    LOOM_TRY(SqliteStatement insert, make_table(file, blocks_table(table, column)));
    blocks.push_back(std::move(insert));
  }
  for (std::size_t column = 0; column < kZoned.size(); ++column) {
    LOOM_TRY(SqliteStatement insert, make_table(file, zones_table(table, column)));
    zones.push_back(std::move(insert));
  }
  return ColumnWriter(std::move(blocks), std::move(zones));
}

Status ColumnWriter::add(std::uint32_t subject, const std::array<double, kZoned.size()>& values) {
  const bool fresh = rows_ % kZoneRows == 0;
  for (std::size_t i = 0; i < kZoned.size(); ++i) {
    numbers_[i].push_back(values[i]);
    if (fresh) zones_[i].push_back({values[i], values[i]});
    ZoneBounds& zone = zones_[i].back();
    zone = {std::min(zone.least, values[i]), std::max(zone.greatest, values[i])};
  }
  subjects_.push_back(subject);
  ++rows_;
  if (rows_ % kBlockRows == 0) LOOM_CHECKED(write_block());
  return rows_ % kRunRows == 0 ? write_run() : ok();
}

Status ColumnWriter::finish() {
  if (rows_ % kBlockRows != 0) LOOM_CHECKED(write_block());
  return rows_ % kRunRows == 0 ? ok() : write_run();
}

Status ColumnWriter::write_block() {
  const std::int64_t id = (rows_ - 1) / kBlockRows * kBlockRows + 1;
  for (std::size_t i = 0; i < kZoned.size(); ++i) LOOM_CHECKED(write(to_blocks_[i], id, numbers_[i]));
  return write(to_blocks_.back(), id, subjects_);
}

Status ColumnWriter::write_run() {
  const std::int64_t id = (rows_ - 1) / kRunRows * kRunRows + 1;
  for (std::size_t i = 0; i < kZoned.size(); ++i) LOOM_CHECKED(write(to_zones_[i], id, zones_[i]));
  return ok();
}

}  // namespace loom::results
