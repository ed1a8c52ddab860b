#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "archive/asn_text.hpp"
#include "base/result.hpp"

namespace loom::archive {

/// The name of a sequence in an archive.
struct SeqId {
  /// As FASTA headers spell it, one of a kind within its database: "lcl|Query_1", "sp|P12345.1|FOO_BAR",
  /// "gnl|BL_ORD_ID|17". `blastdbcmd -entry` finds it, in a database that was made with -parse_seqids.
  std::string text;
  /// Set for "gnl|BL_ORD_ID|N", the id of a sequence in a database made without -parse_seqids. blastdbcmd
  /// does not find those by id; N is the OID in the whole database.
  std::optional<std::uint64_t> oid;
};

/// Reads a Seq-id (NCBI-Seqloc), whose choice is the next token. Errors: corrupt.
Result<SeqId> read_seq_id(Scanner& scanner);

}  // namespace loom::archive
