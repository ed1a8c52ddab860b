#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/mapped_file.hpp"
#include "base/result.hpp"
#include "blast/program.hpp"

namespace loom::catalog {

using blast::Molecule;

/// What a volume's index file (.pin, .nin; format 4 or 5) says in front of its offset tables.
struct IndexHead {
  std::uint32_t version = 0;  ///< 4 or 5
  Molecule molecule = Molecule::protein;
  std::string title;
  std::string id_database;  ///< format 5: the file of its ids, "nt.ndb", which all volumes share; else empty
  std::string date;         ///< as makeblastdb wrote it: "Nov 24, 2026  8:15 AM"
  std::uint32_t sequences = 0;
  std::uint64_t letters = 0;
  std::uint32_t longest = 0;       ///< letters
  std::size_t sequence_table = 0;  ///< where in the file the offsets of the sequences start

  /// Where the offsets of the headers start, and where those of the ambiguities do (nucleotides).
  [[nodiscard]] std::size_t header_table() const { return sequence_table - table_bytes(); }
  [[nodiscard]] std::size_t ambiguity_table() const { return sequence_table + table_bytes(); }
  [[nodiscard]] std::size_t table_bytes() const { return 4 * (std::size_t{sequences} + 1); }
};

/// Reads the head and checks that the tables fit into `bytes`. Format: every number big-endian, 32 bits, but
/// the letters: 64 bits, little-endian; texts with their length in front; then offset tables of headers,
/// sequences and (nucleotides) ambiguities, sequences + 1 entries each.
/// Errors: corrupt; invalid_argument for a version other than 4 and 5.
Result<IndexHead> parse_index(std::span<const std::byte> bytes);

/// Bytes `begin` to `end - 1` of a file.
struct ByteRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// One volume's index, mapped read-only. Thread-safe. Blocking: page faults on first touch.
class VolumeIndex {
 public:
  /// Opens `base` + .pin or .nin. Errors: those of parse_index and not_found, with the file's path; corrupt
  /// if it holds the other kind of molecule.
  static Result<std::shared_ptr<const VolumeIndex>> open(const std::filesystem::path& base,
                                                         Molecule molecule);

  [[nodiscard]] const IndexHead& head() const { return head_; }

  /// Letters of the first `oid` sequences: exact for proteins; for nucleotides an estimate from the packed
  /// bytes, which grows with `oid` and is exact for all sequences. 0 <= oid <= head().sequences.
  [[nodiscard]] std::uint64_t letters_before(std::uint32_t oid) const;

  /// The length that BLAST+ adds up for this sequence when a filter makes it count: exact for proteins; for
  /// nucleotides from the number of packed bytes, with the last two bits of the OID (in this volume) for the
  /// letters in the last byte. oid < head().sequences.
  [[nodiscard]] std::uint32_t scanned_letters(std::uint32_t oid) const;

  /// Where the sequence, its ambiguities included, stands in .psq or .nsq, and its header in .phr or .nhr, as
  /// the index says: not checked against those files. oid < head().sequences.
  [[nodiscard]] ByteRange sequence_range(std::uint32_t oid) const;
  [[nodiscard]] ByteRange header_range(std::uint32_t oid) const;
  /// Where its ambiguities start in .nsq: within sequence_range(), at the end of it for proteins.
  [[nodiscard]] std::uint64_t ambiguities_begin(std::uint32_t oid) const;

  /// The whole file.
  [[nodiscard]] std::span<const std::byte> bytes() const { return file_.bytes(); }

 private:
  explicit VolumeIndex(MappedFile file) : file_(std::move(file)) {}
  [[nodiscard]] std::uint64_t number_at(std::size_t position) const;
  [[nodiscard]] std::uint64_t offset(std::uint64_t entry) const;  // of the table of sequences, and on

  MappedFile file_;
  IndexHead head_;
};

/// The file extension of `kind` ("in", "sq", "al", …) for the molecule: ".pin", ".nin".
std::string extension(Molecule molecule, std::string_view kind);

}  // namespace loom::catalog
