#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.hpp"

namespace loom::blast {

/// The BLAST+ search programs. Spelt as on the command line and on the wire.
enum class Program : std::uint8_t {
  blastn,
  blastp,
  blastx,
  tblastn,
  tblastx,
  psiblast,
  deltablast,
  rpsblast,
  rpstblastn
};

inline constexpr std::array kPrograms{Program::blastn,     Program::blastp,   Program::blastx,
                                      Program::tblastn,    Program::tblastx,  Program::psiblast,
                                      Program::deltablast, Program::rpsblast, Program::rpstblastn};

enum class Molecule : std::uint8_t { nucleotide, protein };
enum class DatabaseKind : std::uint8_t { nucleotide, protein, profile };

std::string_view name(Program program);
std::string_view name(Molecule molecule);
std::string_view name(DatabaseKind kind);

/// The program called `text`, exactly, or whose executable is (rpsblast+). Errors: invalid_argument, with the
/// nearest name.
Result<Program> parse_program(std::string_view text);

/// What the query sequences are made of.
Molecule query_molecule(Program program);

/// What -db must hold: `profile` is a set of position-specific matrices (an RPS-BLAST database).
DatabaseKind database_kind(Program program);

/// The names to look for on PATH, best first. Debian installs a legacy wrapper as `rpsblast` and NCBI's
/// program as `rpsblast+`; NCBI's own packages call it `rpsblast`.
std::span<const std::string_view> executable_names(Program program);

/// A set of programs, as a value.
class Programs {
 public:
  constexpr Programs() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): one program is a set of one.
  constexpr Programs(Program program) : bits_(bit(program)) {}

  [[nodiscard]] constexpr bool has(Program program) const { return (bits_ & bit(program)) != 0; }
  [[nodiscard]] constexpr bool overlaps(Programs other) const { return (bits_ & other.bits_) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }

  friend constexpr Programs operator|(Programs a, Programs b) { return from(a.bits_ | b.bits_); }
  /// The programs of `a` that are not in `b`.
  friend constexpr Programs operator-(Programs a, Programs b) { return from(a.bits_ & ~unsigned{b.bits_}); }
  friend constexpr bool operator==(Programs, Programs) = default;

 private:
  static constexpr std::uint16_t bit(Program program) {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(program));
  }
  static constexpr Programs from(unsigned bits) {
    Programs set;
    set.bits_ = static_cast<std::uint16_t>(bits);
    return set;
  }
  std::uint16_t bits_ = 0;
};

constexpr Programs operator|(Program a, Program b) {
  return Programs(a) | Programs(b);
}

}  // namespace loom::blast
