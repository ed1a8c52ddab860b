#pragma once
#include <compare>
#include <cstdint>
#include <string_view>

#include "sequence/residues.hpp"

namespace loom::sequence {

/// Identity of a query's letters: 128 bits of XXH3. Not for telling apart inputs made to collide.
struct Fingerprint {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const Fingerprint&, const Fingerprint&) = default;
};

/// Whether lower case tells two queries apart: only under -lcase_masking, where it masks.
enum class LetterCase { ignored, kept };

/// The fingerprint of the letters that BLAST+ takes from a record's raw bytes. Deflines, line breaks, white
/// space, comments and the bytes that BLAST+ drops do not count; U and T stay apart. So records of equal
/// fingerprint have the same hits, but not the same title or warnings. Pure.
Fingerprint fingerprint(std::string_view raw, Alphabet alphabet, LetterCase letter_case);

}  // namespace loom::sequence
