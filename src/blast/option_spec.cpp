#include "blast/option_spec.hpp"

#include "base/check.hpp"

namespace loom::blast {

const OptionSpec* find_option(Program program, std::string_view name) {
  for (const OptionSpec& spec : option_table())
    if (spec.name == name && spec.programs.has(program)) return &spec;
  return nullptr;
}

Programs programs_with(std::string_view name) {
  Programs programs;
  for (const OptionSpec& spec : option_table())
    if (spec.name == name) programs = programs | spec.programs;
  return programs;
}

std::vector<const OptionSpec*> options_of(Program program) {
  std::vector<const OptionSpec*> specs;
  for (const OptionSpec& spec : option_table())
    if (spec.programs.has(program)) specs.push_back(&spec);
  return specs;
}

std::string_view name(Type type) {
  switch (type) {
    case Type::flag:
      return "flag";
    case Type::integer:
      return "integer";
    case Type::integer64:
      return "integer64";
    case Type::real:
      return "real";
    case Type::boolean:
      return "boolean";
    case Type::text:
      return "text";
    case Type::input_file:
      return "input_file";
    case Type::output_file:
      return "output_file";
  }
  LOOM_CHECK(false, "a Type outside its enumerators");
}

std::string_view title(Group group) {
  switch (group) {
    case Group::program:
      return "Optional arguments";
    case Group::input:
      return "Input query options";
    case Group::general:
      return "General search options";
    case Group::subject:
      return "BLAST-2-Sequences options";
    case Group::format:
      return "Formatting options";
    case Group::filter:
      return "Query filtering options";
    case Group::restriction:
      return "Restrict search or results";
    case Group::discontiguous:
      return "Discontiguous MegaBLAST options";
    case Group::statistics:
      return "Statistical options";
    case Group::strategy:
      return "Search strategy options";
    case Group::extension:
      return "Extension options";
    case Group::misc:
      return "Miscellaneous options";
    case Group::psi_tblastn:
      return "PSI-TBLASTN options";
    case Group::psi:
      return "PSI-BLAST options";
    case Group::pssm:
      return "PSSM engine options";
    case Group::delta:
      return "DELTA-BLAST options";
    case Group::phi:
      return "PHI-BLAST options";
  }
  LOOM_CHECK(false, "a Group outside its enumerators");
}

}  // namespace loom::blast
