#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>

#include "base/result.hpp"
#include "results/tabular.hpp"

namespace loom::results {

/// The format of the file (doc/formats/hits.md). One of another version is made anew.
inline constexpr int kIndexVersion = 5;

struct IndexCounts {
  std::uint64_t queries = 0;  ///< as far as they are told: format 6 does not tell those without hits
  std::uint64_t queries_with_hits = 0;
  std::uint64_t subjects = 0;  ///< distinct
  std::uint64_t hits = 0;      ///< pairs of query and subject
  std::uint64_t hsps = 0;
};

/// Fills the front of a block; how many bytes came, 0 at the end.
using ReadBytes = std::function<Result<std::size_t>(std::span<char> into)>;

/// Those of a file from its start. Errors: those of open(2), with the path.
Result<ReadBytes> file_bytes(const std::filesystem::path& path);

/// Makes the hit index of tabular output at `target`, which appears whole or not at all (a crash may leave
/// TARGET.part). One core, at most 150 MiB whatever the size: past about 3 million distinct subjects the
/// others are stored once for each query. Blocking.
/// Errors: those of TabularReader and `read`; corrupt with line and column for a cell that is no number;
/// disk_full; cancelled once `stop` is asked for.
Result<IndexCounts> build_index(const std::filesystem::path& target, std::optional<Layout> layout,
                                const ReadBytes& read, const std::stop_token& stop = {});

/// Percent of `length` letters that the closed ranges cover, either end first, as BLAST+ prints it in qcovs:
/// rounded, but 100 only when all is covered. `ranges` is sorted by the call.
int coverage_percent(std::vector<std::pair<std::int64_t, std::int64_t>>& ranges, std::int64_t length);

/// A sum of bit scores with the digits BLAST+ would print (NCBI C++ Toolkit, CAlignFormatUtil::
/// GetScoreString).
std::string bits_text(double bits);

}  // namespace loom::results
