#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/check.hpp"
#include "blast/options.hpp"

namespace loom::blast {
namespace {
Error refuse(const OptionSpec& spec, std::string_view text, std::string_view expected) {
  return error(Code::invalid_argument, "-{}: '{}' is not {}", spec.name, text, expected);
}

std::string range_text(const Range& range) {
  const char* const at_least = range.exclusive ? "above" : "at least";
  const char* const at_most = range.exclusive ? "below" : "at most";
  if (!range.max) return fmt::format("{} {}", at_least, range.min.value());
  if (!range.min) return fmt::format("{} {}", at_most, *range.max);
  return fmt::format("{} {} and {} {}", at_least, *range.min, at_most, *range.max);
}

bool in_range(const Range& range, double number) {
  // Written so that NaN is outside every range.
  if (range.min && !(range.exclusive ? number > *range.min : number >= *range.min)) return false;
  return !range.max || (range.exclusive ? number < *range.max : number <= *range.max);
}

/// BLAST+'s integers: decimal with a sign, or 0x and hexadecimal digits (none: 0) without one.
std::optional<std::int64_t> integer_of(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    if (text.size() == 2) return 0;
    text.remove_prefix(2);
    if (text[0] == '-') return std::nullopt;
    base = 16;
  } else if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::int64_t number = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [stop, failure] = std::from_chars(begin, end, number, base);
  if (failure != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// BLAST+'s reals: strtod's, but never from a space or a letter, and a decimal one may end in a bare "e".
std::optional<double> real_of(std::string_view text) {
  if (text.empty() || std::string_view("+-.0123456789").find(text[0]) == std::string_view::npos)
    return std::nullopt;
  const std::string owned(text);
  char* stop = nullptr;
  const double number = std::strtod(owned.c_str(), &stop);
  const auto parsed = static_cast<std::size_t>(stop - owned.c_str());
  if (parsed == 0) return std::nullopt;
  const auto rest = text.substr(parsed);
  const bool bare_exponent = (rest == "e" || rest == "E") && text.substr(0, parsed).find_first_not_of(
                                                                 "+-.0123456789") == std::string_view::npos;
  if (!rest.empty() && !bare_exponent) return std::nullopt;
  return number;
}

std::optional<bool> boolean_of(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const auto yes : {"true", "t", "yes", "y", "1"})
    if (lower == yes) return true;
  for (const auto no : {"false", "f", "no", "n", "0"})
    if (lower == no) return false;
  return std::nullopt;
}

/// Integers are compared as numbers ("+1", "01"), but hexadecimal ones BLAST+ does not find in its lists.
bool among_choices(const OptionSpec& spec, std::string_view text) {
  if (spec.type != Type::integer) return std::ranges::find(spec.choices, text) != spec.choices.end();
  if (text.starts_with("0x") || text.starts_with("0X")) return false;
  const auto number = integer_of(text);
  return std::ranges::any_of(spec.choices,
                             [&](std::string_view choice) { return integer_of(choice) == number; });
}

Result<Value> integer_value(const OptionSpec& spec, std::string_view text) {
  using Narrow = std::numeric_limits<std::int32_t>;
  const auto number = integer_of(text);
  if (!number) return refuse(spec, text, "an integer of 64 bits");
  if (spec.type == Type::integer && (*number < Narrow::min() || *number > Narrow::max()))
    return refuse(spec, text, "an integer of 32 bits");
  if (!in_range(spec.range, static_cast<double>(*number))) return refuse(spec, text, range_text(spec.range));
  return Value(*number);
}

Result<Value> real_value(const OptionSpec& spec, std::string_view text) {
  const auto number = real_of(text);
  if (!number) return refuse(spec, text, "a number");
  if (!in_range(spec.range, *number)) return refuse(spec, text, range_text(spec.range));
  return Value(*number);
}
}  // namespace

Result<Value> parse_value(const OptionSpec& spec, std::string_view text) {
  if (!spec.choices.empty() && !among_choices(spec, text))
    return refuse(spec, text, fmt::format("one of {}", fmt::join(spec.choices, ", ")));
  switch (spec.type) {
    case Type::flag:
      return Value(true);
    case Type::integer:
    case Type::integer64:
      return integer_value(spec, text);
    case Type::real:
      return real_value(spec, text);
    case Type::boolean:
      if (const auto yes = boolean_of(text)) return Value(*yes);
      return refuse(spec, text, "true or false");
    case Type::text:
    case Type::input_file:
    case Type::output_file:
      return Value(std::string(text));
  }
  LOOM_CHECK(false, "a Type outside its enumerators");
}

}  // namespace loom::blast
