#include "blast/options.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "blast/nearest.hpp"
#include "blast/outfmt.hpp"

namespace loom::blast {
namespace {
/// "-evalue=1" is {"evalue", true, "1"}.
struct Argument {
  std::string_view name;
  bool has_value;
  std::string_view value;
};

Argument split_argument(std::string_view argument) {
  argument.remove_prefix(1);
  const auto equals = argument.find('=');
  if (equals == std::string_view::npos) return {argument, false, {}};
  return {argument.substr(0, equals), true, argument.substr(equals + 1)};
}

bool is_option(std::string_view argument) {
  return argument.size() > 1 && argument[0] == '-';
}

bool asks_for_usage(std::string_view name) {
  return name == "h" || name == "help";
}

std::string programs_text(Programs programs) {
  std::vector<std::string_view> names;
  for (const Program program : kPrograms)
    if (programs.has(program)) names.push_back(name(program));
  return fmt::format("{}", fmt::join(names, ", "));
}

Error unknown_option(Program program, std::string_view option) {
  if (const Programs others = programs_with(option); !others.empty())
    return error(Code::invalid_argument, "{} has no option -{}: it belongs to {}", name(program), option,
                 programs_text(others));
  std::vector<std::string_view> names;
  for (const OptionSpec* spec : options_of(program))
    if (!spec->hidden) names.push_back(spec->name);
  const auto dashless = option.substr(std::min(option.find_first_not_of('-'), option.size()));
  if (const auto near = nearest(dashless, names))
    return error(Code::invalid_argument, "unknown option -{}; did you mean -{}?", option, *near);
  return error(Code::invalid_argument, "unknown option -{}; {} -help lists the options", option,
               name(program));
}

Error stray_argument(std::string_view argument) {
  return error(Code::invalid_argument,
               "'{}' belongs to no option; a value with spaces needs quotes: -outfmt \"6 std qlen\"",
               argument);
}
}  // namespace

const Options::Entry* Options::find(std::string_view name) const {
  const auto it = std::ranges::find(entries_, name, [](const Entry& entry) { return entry.spec->name; });
  return it == entries_.end() ? nullptr : &*it;
}

Value Options::value_or_default(std::string_view name) const {
  if (const Entry* entry = find(name)) return entry->value;
  const OptionSpec* spec = find_option(program_, name);
  if (spec == nullptr || spec->default_value.empty()) return {};
  return parse_value(*spec, spec->default_value).value();
}

Status Options::set(std::string_view name, std::string_view text) {
  const OptionSpec* spec = find_option(program_, name);
  if (spec == nullptr) return unknown_option(program_, name);
  if (spec->type == Type::flag && !text.empty())
    return error(Code::invalid_argument, "-{} takes no value, but got '{}'", name, text);
  LOOM_TRY(Value value, parse_value(*spec, text));
  if (name == "outfmt") LOOM_CHECKED(parse_outfmt(program_, text));
  Entry entry{spec, std::string(text), std::move(value)};
  const auto it = std::ranges::find(entries_, spec, &Entry::spec);
  if (it == entries_.end())
    entries_.push_back(std::move(entry));
  else
    *it = std::move(entry);
  return ok();
}

void Options::remove(std::string_view name) {
  std::erase_if(entries_, [name](const Entry& entry) { return entry.spec->name == name; });
}

Status Options::check() const {
  for (const Entry& entry : entries_) {
    const OptionSpec& spec = *entry.spec;
    for (const auto needed : spec.needs)
      if (!has(needed))
        return error(Code::invalid_argument, "-{} needs -{}: give both, or neither", spec.name, needed);
    for (const auto excluded : spec.excludes)
      if (excluded != spec.name && has(excluded))
        return error(Code::invalid_argument, "-{} and -{} exclude each other: drop one", spec.name, excluded);
  }
  return ok();
}

std::vector<std::string> Options::to_argv() const {
  std::vector<std::string> argv;
  argv.reserve(2 * entries_.size());
  for (const Entry& entry : entries_) {
    argv.push_back(fmt::format("-{}", entry.spec->name));
    if (entry.spec->type != Type::flag) argv.push_back(entry.text);
  }
  return argv;
}

bool operator==(const Options& a, const Options& b) {
  return a.program_ == b.program_ &&
         std::ranges::equal(a.entries_, b.entries_, [](const Options::Entry& x, const Options::Entry& y) {
           return x.spec == y.spec && x.text == y.text;
         });
}

Result<Options> parse_options(Program program, std::span<const std::string> args) {
  Options options(program);
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--") {
      if (i + 1 < args.size()) return stray_argument(args[i + 1]);
      break;
    }
    if (!is_option(args[i])) return stray_argument(args[i]);
    Argument argument = split_argument(args[i]);
    const OptionSpec* spec = find_option(program, argument.name);
    if (spec == nullptr) return unknown_option(program, argument.name);
    if (argument.has_value && asks_for_usage(argument.name)) continue;  // BLAST+ takes -h=1, and does nothing
    if (options.has(spec->name))
      return error(Code::invalid_argument, "-{} is given twice: drop one", spec->name);
    if (spec->type == Type::flag) {
      argument.value = {};  // BLAST+ takes -html=no for -html
    } else if (!argument.has_value) {
      if (++i == args.size()) return error(Code::invalid_argument, "-{} needs a value", spec->name);
      argument.value = args[i];
    }
    LOOM_CHECKED(options.set(spec->name, argument.value));
  }
  LOOM_CHECKED(options.check());
  return options;
}

bool asks_for_help(Program program, std::span<const std::string> args) {
  static constexpr std::string_view kAnywhere[] = {"-version", "-version-full", "-version-full-xml",
                                                   "-version-full-json", "-xmlhelp"};
  for (const auto& argument : args)
    if (std::ranges::find(kAnywhere, argument) != std::end(kAnywhere)) return true;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (!is_option(args[i])) return false;
    const Argument argument = split_argument(args[i]);
    if (asks_for_usage(argument.name) && !argument.has_value) return true;
    const OptionSpec* spec = find_option(program, argument.name);
    if (spec == nullptr) return false;
    if (spec->type != Type::flag && !argument.has_value) ++i;
  }
  return false;
}

}  // namespace loom::blast
