#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/mapped_file.hpp"
#include "base/result.hpp"
#include "taxonomy/dump.hpp"

namespace loom::taxonomy {

/// What BLAST+ prints for a taxid. The texts live as long as the TaxDb they come from.
struct TaxDbNames {
  std::string_view scientific;  ///< ssciname, blastdbcmd's %S
  std::string_view common;      ///< scomname, %L; the scientific name if there is none
  std::string_view blast;       ///< sblastname, %B
  std::string_view kingdom;     ///< sskingdom, %K
};

/// The names that BLAST+ itself looks up: taxdb.bti and taxdb.btd, which NCBI packs beside its databases. It
/// knows no ranks, parents or names to look for. Format (seqdbtax.cpp of the NCBI C++ toolkit): .bti is
/// 32-bit big-endian numbers: 0x8739, the number of taxids, four reserved, then by taxid pairs of the taxid
/// and where its names begin in .btd; they end where the next begin, and are four texts with tabs between.
/// Thread-safe. Blocking: page faults on first touch.
class TaxDb {
 public:
  /// `index`: the .bti file; the .btd file stands beside it. Errors: not_found for either; corrupt, with the
  /// path, where BLAST+ would take it for missing.
  static Result<TaxDb> open(const std::filesystem::path& index);

  /// Over the bytes of both files, borrowed. Errors: corrupt.
  static Result<TaxDb> over(std::span<const std::byte> index, std::span<const std::byte> data);

  [[nodiscard]] std::size_t size() const { return count_; }  ///< in taxids

  /// nullopt for a taxid that it has not, or whose names are broken, as in BLAST+.
  [[nodiscard]] std::optional<TaxDbNames> find(TaxId id) const;

 private:
  TaxDb() = default;
  [[nodiscard]] std::uint32_t number(std::size_t place) const;

  std::vector<MappedFile> files_;  // if opened
  std::span<const std::byte> index_;
  std::span<const std::byte> data_;
  std::size_t count_ = 0;
};

}  // namespace loom::taxonomy
