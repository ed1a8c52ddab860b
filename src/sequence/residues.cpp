#include "sequence/residues.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/text.hpp"

namespace loom::sequence {
namespace {

constexpr std::string_view kProtein = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*";
constexpr std::string_view kNucleotide = "ABCDGHKMNRSTUVWYabcdghkmnrstuvwy";
constexpr std::string_view kSpace = " \t\n\v\f\r";
/// Bytes that may change how the rest of their line is read.
constexpr std::string_view kSpecial = ";!#>\r";

/// Per byte: 1 if it is a letter, kSpecialUnit if it is special, so that one sum over a line counts both.
constexpr std::uint64_t kSpecialUnit = std::uint64_t{1} << 48;
using Weights = std::array<std::uint64_t, 256>;

constexpr std::size_t index_of(char byte) {
  return static_cast<unsigned char>(byte);
}

constexpr Weights weights_of(std::string_view letters) {
  Weights weights{};
  for (const char letter : letters) weights.at(index_of(letter)) = 1;
  for (const char special : kSpecial) weights.at(index_of(special)) = kSpecialUnit;
  return weights;
}

constexpr Weights kProteinWeights = weights_of(kProtein);
constexpr Weights kNucleotideWeights = weights_of(kNucleotide);

const Weights& weights(Alphabet alphabet) {
  return alphabet == Alphabet::protein ? kProteinWeights : kNucleotideWeights;
}

bool is_comment(std::string_view part) {
  return !part.empty() && (part[0] == '!' || part[0] == '#' || part[0] == ';');
}

std::uint64_t weigh(std::string_view bytes, const Weights& table) {
  std::uint64_t sum = 0;
  for (const char byte : bytes) sum += table[index_of(byte)];  // NOLINT(*-constant-array-index)
  return sum;
}

}  // namespace

bool is_defline(std::string_view line) {
  return line.starts_with('>') && (!line.starts_with(">?") || line.starts_with(">?_"));
}

std::string_view data_part(std::string_view line) {
  const std::string_view part = trimmed(line, kSpace);
  return is_comment(part) ? std::string_view{} : part.substr(0, part.find(';'));
}

bool is_letter(char byte, Alphabet alphabet) {
  return weights(alphabet)[index_of(byte)] == 1;
}

LineLetters count_letters(std::string_view line, Alphabet alphabet) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const Weights& table = weights(alphabet);
  const std::uint64_t sum = weigh(line, table);
  if (sum < kSpecialUnit) return {sum, false, false};
  const std::string_view part = data_part(line);
  return {weigh(part, table) % kSpecialUnit, line.find('\r') != std::string_view::npos,
          part.starts_with(">?")};
}

bool is_plausible(std::string_view line) {
  constexpr std::size_t kLooksAt = 70;
  const std::string_view part = trimmed(line, kSpace);
  if (part.empty() || is_comment(part) || part.starts_with(">?")) return true;
  const std::string_view head = part.substr(0, kLooksAt);
  if (weigh(head, kProteinWeights) == head.size()) return true;  // most lines: letters only
  std::size_t good = 0;
  std::size_t bad = 0;
  for (const char byte : head.substr(0, head.find(';'))) {
    const bool neutral = byte == '-' || (byte >= '0' && byte <= '9') || kSpace.find(byte) != kSpace.npos;
    if (is_letter(byte, Alphabet::protein))
      ++good;
    else if (!neutral)
      ++bad;
  }
  return !(bad >= good / 3 && (head.size() > 3 || good == 0 || bad > good));
}

}  // namespace loom::sequence
