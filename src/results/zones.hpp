#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include "results/sqlite_file.hpp"

namespace loom::results {

/// Rows of hit or hsp stand in BLAST's order, in which those that a filter wants are together: the best of
/// each query. So of each run of this many rows the least and the greatest of what is mostly asked for is
/// kept, and runs in which no row can be wanted are passed over.
inline constexpr std::int64_t kZoneRows = 128;
inline constexpr std::array<std::string_view, 5> kZoned{"evalue", "bits", "pident", "length", "coverage"};

/// Fills table hit_zone or hsp_zone. One thread.
class ZoneWriter {
 public:
  /// `insert` takes the id of the first row, and of each of kZoned the least and the greatest.
  explicit ZoneWriter(SqliteStatement insert) : insert_(std::move(insert)) { clear(); }

  /// The next row, whose values are those of kZoned.
  Status add(const std::array<double, kZoned.size()>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      least_[i] = std::min(least_[i], values[i]);
      greatest_[i] = std::max(greatest_[i], values[i]);
    }
    return ++rows_ % kZoneRows == 0 ? write() : ok();
  }
  /// What is left.
  Status finish() { return rows_ % kZoneRows == 0 ? ok() : write(); }

 private:
  void clear() {
    least_.fill(std::numeric_limits<double>::infinity());
    greatest_.fill(-std::numeric_limits<double>::infinity());
  }
  Status write() {
    insert_.integer(1, (rows_ - 1) / kZoneRows * kZoneRows + 1);
    for (std::size_t i = 0; i < kZoned.size(); ++i) {
      insert_.real(static_cast<int>(2 * i + 2), least_[i]);
      insert_.real(static_cast<int>(2 * i + 3), greatest_[i]);
    }
    clear();
    return insert_.run();
  }

  SqliteStatement insert_;
  std::int64_t rows_ = 0;
  std::array<double, kZoned.size()> least_{};
  std::array<double, kZoned.size()> greatest_{};
};

}  // namespace loom::results
