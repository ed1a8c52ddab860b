#include "blast/program.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/check.hpp"
#include "blast/nearest.hpp"

namespace loom::blast {
namespace {
constexpr std::string_view kRpsblastNames[] = {"rpsblast+", "rpsblast"};

constexpr std::array<std::string_view, kPrograms.size()> kNames{
    "blastn", "blastp", "blastx", "tblastn", "tblastx", "psiblast", "deltablast", "rpsblast", "rpstblastn"};

const std::string_view& stored_name(Program program) {
  const auto index = static_cast<std::size_t>(program);
  LOOM_CHECK(index < kNames.size(), "a Program outside its enumerators");
  return kNames.at(index);
}
}  // namespace

std::string_view name(Program program) {
  return stored_name(program);
}

std::string_view name(Molecule molecule) {
  return molecule == Molecule::nucleotide ? "nucleotide" : "protein";
}

std::string_view name(DatabaseKind kind) {
  switch (kind) {
    case DatabaseKind::nucleotide:
      return "nucleotide";
    case DatabaseKind::protein:
      return "protein";
    case DatabaseKind::profile:
      return "profile";
  }
  LOOM_CHECK(false, "a DatabaseKind outside its enumerators");
}

Result<Program> parse_program(std::string_view text) {
  for (const Program program : kPrograms)
    if (const auto names = executable_names(program); std::ranges::find(names, text) != names.end())
      return program;
  if (const auto near = nearest(text, kNames))
    return error(Code::invalid_argument, "unknown program '{}'; did you mean {}?", text, *near);
  return error(Code::invalid_argument, "unknown program '{}'; the programs are {}", text,
               fmt::join(kNames, ", "));
}

Molecule query_molecule(Program program) {
  using enum Program;
  constexpr Programs kNucleotide = Programs(blastn) | blastx | tblastx | rpstblastn;
  return kNucleotide.has(program) ? Molecule::nucleotide : Molecule::protein;
}

DatabaseKind database_kind(Program program) {
  using enum Program;
  constexpr Programs kNucleotide = Programs(blastn) | tblastn | tblastx;
  constexpr Programs kProfile = rpsblast | rpstblastn;
  if (kNucleotide.has(program)) return DatabaseKind::nucleotide;
  return kProfile.has(program) ? DatabaseKind::profile : DatabaseKind::protein;
}

std::span<const std::string_view> executable_names(Program program) {
  if (program == Program::rpsblast) return kRpsblastNames;
  return {&stored_name(program), 1};
}

}  // namespace loom::blast
