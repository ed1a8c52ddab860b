#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "blast/options.hpp"
#include "blast/program.hpp"
#include "sequence/byte_source.hpp"

namespace loom::service {

/// What the letters of queries look like, from the first of them.
struct QueryLook {
  std::uint64_t records = 0;
  std::uint64_t letters = 0;
  std::uint64_t longest = 0;  ///< letters of one record
  /// Of the first record with letters enough to tell: nucleotide when more than nine in ten of them, N, X
  /// and gaps left out, are A, C, G, T or U.
  std::optional<blast::Molecule> molecule;
  bool mixed = false;  ///< another record looks like the other molecule
  bool whole = true;   ///< false: only the first kLookedAt bytes were read, and there were more

  static constexpr std::size_t kLookedAt = std::size_t{1} << 20U;
  static constexpr std::uint64_t kEnoughLetters = 10;
};

/// Reads FASTA text. Errors: those of the source.
Result<QueryLook> look_at_query(sequence::ByteSource& source);
QueryLook look_at_text(std::string_view text);

/// The program that searches the same databases with queries of the other molecule: blastx for blastp.
blast::Program counterpart(blast::Program program);

/// The task for queries so short that the usual one finds little: "blastp-short", "blastn-short"; empty if
/// there is none, or no need.
std::string short_task(blast::Program program, std::uint64_t longest);

/// What a user should be told before he searches with these queries; empty if nothing.
std::vector<std::string> query_warnings(const QueryLook& look, const blast::Options& options);

}  // namespace loom::service
