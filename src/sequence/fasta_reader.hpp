#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sequence/byte_source.hpp"
#include "sequence/residues.hpp"

namespace loom::sequence {

/// One query as it stands in the input. The views live until the reader's next call.
struct Record {
  /// All bytes from the defline up to the next one: blank and comment lines too. The first record also has
  /// what stands before its defline. So all records, put together, are the input byte for byte, and a file
  /// of records k..l gives BLAST+ exactly these queries.
  std::string_view raw;
  /// First word of the defline; empty if there is none.
  std::string_view id;
  std::uint64_t ordinal = 0;     ///< from 0; BLAST+ names the query Query_<ordinal + 1>
  std::uint64_t first_line = 1;  ///< line of the first byte of `raw` in the whole input, from 1
  std::uint64_t offset = 0;      ///< of `raw` in the whole (unpacked) input, bytes
  std::uint64_t letters = 0;     ///< length of the query as BLAST+ sees it
  bool has_defline = false;      ///< false only for text in front of the first defline that is a query itself
};

/// Splits FASTA into records just where BLAST+ 2.12 does for -query: before every line that starts with '>',
/// except assembly gap lines (">?" not followed by '_').
///
/// It refuses nothing that BLAST+ takes. Where it cannot be sure to see the records as BLAST+ does, or where
/// BLAST+ will stop in the middle, it goes on and `unsplittable()` says why: such an input must be given to
/// BLAST+ in one piece, and records and letters are then estimates.
///
/// Memory: one record (twice, at worst) and 64 KiB. Thread-safety: none. Blocking: as the source.
class FastaReader {
 public:
  /// Borrows `source`, which must outlive the reader.
  FastaReader(ByteSource& source, Alphabet alphabet);

  /// The next record, or nullopt after the last. An input of nothing but white space and comments has none.
  /// Errors: those of the source; invalid_argument if the first record's text cannot be sequence data, so
  /// that BLAST+ would refuse the run before it searched anything (names the line and, for FASTQ, the cause).
  Result<std::optional<Record>> next();

  /// Why the records read so far cannot be searched apart from each other; empty if they can.
  [[nodiscard]] const std::string& unsplittable() const { return unsplittable_; }

 private:
  Result<std::optional<std::string_view>> peek_line();
  Status fill();
  Status take_data_line(std::string_view line);
  void take_defline(std::string_view line);
  [[nodiscard]] std::optional<Record> finish();
  [[nodiscard]] bool has_content() const { return record_.has_defline || has_data_; }
  void set_unsplittable(std::string_view reason);

  ByteSource& source_;
  Alphabet alphabet_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;     // where in buffer_ the record being read starts
  std::size_t scan_ = 0;      // its first line not yet taken
  std::size_t searched_ = 0;  // no line feed between scan_ and here
  std::size_t end_ = 0;       // of the bytes in buffer_
  std::size_t defline_ = 0;   // distance of the defline from begin_
  bool at_end_ = false;
  bool has_data_ = false;
  std::uint64_t line_ = 1;  // number of the line at scan_
  Record record_;
  std::string unsplittable_;
};

}  // namespace loom::sequence
