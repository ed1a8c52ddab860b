#include "sequence/fingerprint.hpp"

// The implementation is in the header: the library on the system may be another version.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace loom::sequence {
namespace {

/// Per byte: the letter it counts as, or 0 if BLAST+ drops it.
using Letters = std::array<char, 256>;

Letters letters_of(Alphabet alphabet, LetterCase letter_case) {
  Letters letters{};
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const char byte = static_cast<char>(i);
    const bool to_upper = letter_case == LetterCase::ignored && byte >= 'a' && byte <= 'z';
    if (is_letter(byte, alphabet)) letters.at(i) = to_upper ? static_cast<char>(byte - 'a' + 'A') : byte;
  }
  return letters;
}

const Letters& letters(Alphabet alphabet, LetterCase letter_case) {
  using enum LetterCase;
  static const std::array kTables{letters_of(Alphabet::protein, ignored), letters_of(Alphabet::protein, kept),
                                  letters_of(Alphabet::nucleotide, ignored),
                                  letters_of(Alphabet::nucleotide, kept)};
  return kTables.at((alphabet == Alphabet::nucleotide ? 2U : 0U) + (letter_case == kept ? 1U : 0U));
}

/// Hashes letters as they come, through a small buffer: lines are shorter than XXH3 likes.
class LetterHash {
 public:
  LetterHash() { XXH3_128bits_reset(&state_); }

  /// Adds what `table` makes of the bytes.
  void add(std::string_view bytes, const Letters& table) {
    for (const char byte : bytes) {
      if (used_ == buffer_.size()) flush();
      const char letter = table[static_cast<unsigned char>(byte)];  // NOLINT(*-constant-array-index)
      buffer_[used_] = letter;                                      // NOLINT(*-constant-array-index)
      used_ += letter != 0 ? 1 : 0;
    }
  }

  /// Adds the bytes as they are.
  void add(std::string_view bytes) {
    flush();
    XXH3_128bits_update(&state_, bytes.data(), bytes.size());
  }

  Fingerprint finish() {
    flush();
    const XXH128_hash_t hash = XXH3_128bits_digest(&state_);
    return {hash.high64, hash.low64};
  }

 private:
  void flush() {
    XXH3_128bits_update(&state_, buffer_.data(), used_);
    used_ = 0;
  }

  XXH3_state_t state_;  // large: zeroing it and the buffer for every query would cost more than hashing
  std::array<char, 4096> buffer_;
  std::size_t used_ = 0;
};

}  // namespace

Fingerprint fingerprint(std::string_view raw, Alphabet alphabet, LetterCase letter_case) {
  const Letters& table = letters(alphabet, letter_case);
  LetterHash hash;
  while (!raw.empty()) {
    const std::size_t length = std::min(raw.find('\n'), raw.size());
    const std::string_view line = raw.substr(0, length);
    raw.remove_prefix(std::min(length + 1, raw.size()));
    if (is_defline(line)) continue;
    const std::string_view part = data_part(line);
    if (part.starts_with(">?"))
      hash.add(part);  // an assembly gap stands for letters
    else
      hash.add(part, table);
  }
  return hash.finish();
}

}  // namespace loom::sequence
