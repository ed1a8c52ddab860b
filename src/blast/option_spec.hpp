#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "blast/program.hpp"

namespace loom::blast {

/// What a value is, as BLAST+ parses it. `integer` is 32 bits, `integer64` 64; `boolean` takes true/false,
/// t/f, yes/no, y/n, 1/0 in any case. A flag takes no value.
enum class Type : std::uint8_t { flag, integer, integer64, real, boolean, text, input_file, output_file };

/// The headings of -help. `program` is -h, -help and what -help does not show.
enum class Group : std::uint8_t {
  program,
  input,
  general,
  subject,
  format,
  filter,
  restriction,
  discontiguous,
  statistics,
  strategy,
  extension,
  misc,
  psi_tblastn,
  psi,
  pssm,
  delta,
  phi
};

/// What a text value refers to on the engine's machine. input_file and output_file always refer to a file.
enum class Refers : std::uint8_t { nothing, file, database };

/// What an option rules out: searching the database in shards, the queries in batches, or both.
enum class Forbids : std::uint8_t { nothing, shards, batches, both };

/// The numbers allowed. Without a bound: all.
struct Range {
  std::optional<double> min = {};
  std::optional<double> max = {};
  bool exclusive = false;  ///< the bounds themselves are not allowed
};

/// One option of one or several programs. A name that differs between programs (another default, say) has
/// several rows, of disjoint program sets.
/// The fields stand in the order in which a row reads best.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct OptionSpec {
  std::string_view name = {};  ///< without the dash
  Programs programs = {};
  Type type = Type::flag;
  Group group = Group::misc;
  std::string_view description = {};    ///< BLAST+'s own words, on one line
  std::string_view default_value = {};  ///< as -help prints it; empty: none is stated
  Range range = {};
  std::span<const std::string_view> choices = {};   ///< if not empty, the only values
  std::span<const std::string_view> needs = {};     ///< options that must be given too
  std::span<const std::string_view> excludes = {};  ///< options that must not be given; may name itself, or
                                                    ///< options of other programs: neither means anything
  Refers refers = Refers::nothing;
  Forbids forbids = Forbids::nothing;
  std::string_view why = {};                  ///< if it forbids something: the reason, one line
  std::optional<std::int64_t> harmless = {};  ///< with this number (false is 0) it forbids nothing
  bool one_thread = false;                    ///< with threads the engine's answer changes from run to run
  bool hidden = false;                        ///< accepted, but not in -help
};

/// Every option of every program, in the order of -help. Static data: valid for the life of the process.
std::span<const OptionSpec> option_table();

/// The row of `name` (no dash) for `program`, or null.
const OptionSpec* find_option(Program program, std::string_view name);

/// The programs that have an option of this name.
Programs programs_with(std::string_view name);

/// The rows of `program`, in order of the table.
std::vector<const OptionSpec*> options_of(Program program);

/// Spelt as above.
std::string_view name(Type type);
/// The heading -help prints.
std::string_view title(Group group);

}  // namespace loom::blast
