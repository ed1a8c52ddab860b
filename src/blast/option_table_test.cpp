#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "blast/engine_under_test.hpp"
#include "blast/options.hpp"

// Compares the option table with the -help of the installed programs, in both directions, so that it cannot
// rot.
namespace loom::blast {
namespace {
using Set = std::set<std::string, std::less<>>;

/// One option as -help prints it.
struct Printed {
  std::string type = "flag";
  std::string constraint;
  std::string default_value;
  std::string description;  ///< without white space, since -help breaks even words
  std::string group;
  Set needs;
  Set excludes;
};

std::string without_space(std::string_view text) {
  std::string dense;
  std::ranges::copy_if(text, std::back_inserter(dense),
                       [](char c) { return c != ' ' && c != '\t' && c != '\n'; });
  return dense;
}

Set split_names(const std::string& list) {
  Set names;
  static const std::regex kName("\\w+");
  for (std::sregex_iterator it(list.begin(), list.end(), kName), end; it != end; ++it)
    names.insert(it->str());
  return names;
}

void read_head(const std::string& head, Printed& option) {
  static const std::regex kTyped(R"(<(\w+)(?:, ([\s\S]*))?>)");
  std::smatch match;
  if (!std::regex_search(head, match, kTyped)) return;
  option.type = match[1];
  option.constraint = match[2];
}

/// The lines below the head: description, default, and the lists, each of which may run over several lines.
void read_body(const std::vector<std::string>& lines, Printed& option) {
  static const std::regex kDefault(R"(^   Default = `([\s\S]*)'$)");
  std::string needs;
  std::string excludes;
  std::string description;
  std::string* open = &description;
  for (const auto& line : lines) {
    std::smatch match;
    if (std::regex_match(line, match, kDefault)) {
      option.default_value = match[1];
      continue;
    }
    auto text = line;
    if (const auto at = line.find("    * Requires:"); at == 0) open = &needs, text = line.substr(15);
    if (const auto at = line.find("    * Incompatible with:"); at == 0)
      open = &excludes, text = line.substr(24);
    *open += text + "\n";
  }
  option.description = without_space(description);
  option.needs = split_names(needs);
  option.excludes = split_names(excludes);
}

std::map<std::string, Printed, std::less<>> read_help(const std::string& help) {
  static const std::regex kHead(R"(^ -(\w+).*)");
  std::map<std::string, Printed, std::less<>> options;
  std::istringstream in(help);
  std::string group;
  std::string name;
  std::vector<std::string> body;
  const auto close = [&] {
    if (!name.empty()) read_body(body, options[name]);
    name.clear();
    body.clear();
  };
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (line.starts_with(" *** ")) {
      close();
      group = line.substr(5);
    } else if (std::regex_match(line, match, kHead)) {
      close();
      name = match[1];
      for (std::string more;
           line.find('<') != std::string::npos && !line.ends_with('>') && std::getline(in, more);)
        line += "\n" + more;
      options[name].group = group;
      read_head(line, options[name]);
    } else if (line.empty()) {
      close();
    } else {
      body.push_back(line);
    }
  }
  close();
  return options;
}

std::string_view printed_type(Type type) {
  switch (type) {
    case Type::flag:
      return "flag";
    case Type::integer:
      return "Integer";
    case Type::integer64:
      return "Int8";
    case Type::real:
      return "Real";
    case Type::boolean:
      return "Boolean";
    case Type::text:
      return "String";
    case Type::input_file:
      return "File_In";
    case Type::output_file:
      return "File_Out";
  }
  return "?";
}

/// The values in "Permissible values: 'a' 'b'", "`a', `b'" and "values between: 1-3, 9".
Set printed_choices(const std::string& constraint) {
  Set choices;
  if (constraint.starts_with("values between:")) {
    static const std::regex kSpan(R"((\d+)(?:-(\d+))?)");
    for (std::sregex_iterator it(constraint.begin(), constraint.end(), kSpan), end; it != end; ++it) {
      const int first = std::stoi((*it)[1]);
      const int last = (*it)[2].matched ? std::stoi((*it)[2]) : first;
      for (int n = first; n <= last; ++n) choices.insert(std::to_string(n));
    }
    return choices;
  }
  static const std::regex kQuoted("[`']([^`']+)'");
  for (std::sregex_iterator it(constraint.begin(), constraint.end(), kQuoted), end; it != end; ++it)
    choices.insert((*it)[1]);
  return choices;
}

std::string number(double value) {
  return fmt::format("{}", value);
}

/// The range as -help spells it.
std::string spelt(const Range& range) {
  if (range.min && range.max) {
    if (range.exclusive) return "(>" + number(*range.min) + " and <" + number(*range.max) + ")";
    if (*range.max == 100) return number(*range.min) + ".." + number(*range.max);
    return "(>=" + number(*range.min) + " and =<" + number(*range.max) + ")";
  }
  if (range.min) return ">=" + number(*range.min);
  if (range.max) return "<=" + number(*range.max);
  return "";
}

/// The options of `names` that mean anything for `spec` in `program`.
Set relevant(std::span<const std::string_view> names, const OptionSpec& spec, Program program) {
  Set kept;
  for (const auto name : names)
    if (name != spec.name && find_option(program, name) != nullptr) kept.emplace(name);
  return kept;
}

class Table : public testing::TestWithParam<Program> {
 protected:
  void SetUp() override {
    const EngineRun run = run_engine(GetParam(), {"-help"});
    ASSERT_EQ(run.exit_code, 0) << name(GetParam()) << " -help: install ncbi-blast+";
    ASSERT_NE(run.out.find("2.12.0+"), std::string::npos) << "the table describes BLAST+ 2.12.0";
    printed_ = read_help(run.out);
  }
  std::map<std::string, Printed, std::less<>> printed_;
};

TEST_P(Table, HasEveryOptionOfTheHelpAndNoOther) {
  Set printed;
  for (const auto& [option, text] : printed_) printed.insert(option);
  Set ours;
  for (const OptionSpec* spec : options_of(GetParam()))
    if (!spec->hidden) ours.emplace(spec->name);
  EXPECT_EQ(ours, printed);
}

TEST_P(Table, AgreesWithTheHelpOptionByOption) {
  for (const auto& [option, text] : printed_) {
    SCOPED_TRACE(option);
    const OptionSpec* spec = find_option(GetParam(), option);
    ASSERT_NE(spec, nullptr);
    EXPECT_EQ(printed_type(spec->type), text.type);
    EXPECT_EQ(spec->default_value, text.default_value);
    if (spec->choices.empty()) {
      EXPECT_EQ(spelt(spec->range), text.constraint);
    } else {
      EXPECT_EQ(Set(spec->choices.begin(), spec->choices.end()), printed_choices(text.constraint));
    }
    EXPECT_EQ(relevant(spec->needs, *spec, GetParam()), text.needs);
    EXPECT_EQ(relevant(spec->excludes, *spec, GetParam()), text.excludes);
    if (!text.group.empty()) {
      EXPECT_EQ(title(spec->group), text.group);
    }
    if (option == "outfmt") {  // goes on for a page about columns
      EXPECT_TRUE(text.description.starts_with(without_space(spec->description))) << text.description;
    } else {
      EXPECT_EQ(without_space(spec->description), text.description);
    }
  }
}

/// -dryrun makes BLAST+ read its arguments and stop.
TEST_P(Table, HiddenOptionsAreAcceptedByTheProgram) {
  EXPECT_EQ(run_engine(GetParam(), {"-dryrun"}).exit_code, 0);
  EXPECT_EQ(run_engine(GetParam(), {"-logfile", "/dev/null", "-dryrun"}).exit_code, 0);
  EXPECT_EQ(run_engine(GetParam(), {"-conffile", "", "-dryrun"}).exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(Programs, Table, testing::ValuesIn(kPrograms),
                         [](const auto& info) { return std::string(name(info.param)); });

TEST(OptionTable, EveryDefaultIsAValueOfItsOption) {
  for (const OptionSpec& spec : option_table())
    if (!spec.default_value.empty()) {
      EXPECT_TRUE(parse_value(spec, spec.default_value)) << spec.name;
    }
}

TEST(OptionTable, EveryNamedOptionExistsSomewhere) {
  for (const OptionSpec& spec : option_table()) {
    EXPECT_FALSE(spec.programs.empty()) << spec.name;
    for (const auto name : spec.needs) EXPECT_FALSE(programs_with(name).empty()) << spec.name << " " << name;
    for (const auto name : spec.excludes)
      EXPECT_FALSE(programs_with(name).empty()) << spec.name << " " << name;
  }
}

}  // namespace
}  // namespace loom::blast
