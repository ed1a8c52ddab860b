#pragma once
#include <fmt/format.h>

#include <chrono>
#include <concepts>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace loom::log {

enum class Level { debug, info, warning, error };
std::optional<Level> parse_level(std::string_view name);

/// One name=value of a line. One without value is left out.
struct Field {
  std::string_view name;
  std::string value;

  Field(std::string_view key, std::string_view text) : name(key), value(text) {}
  Field(std::string_view key, const std::string& text) : name(key), value(text) {}
  Field(std::string_view key, const char* text) : name(key), value(text) {}
  Field(std::string_view key, std::integral auto number) : name(key), value(fmt::to_string(number)) {}
};

/// Lines below `least` are not written. At first: warning. Thread-safe.
void set_level(Level least);
bool enabled(Level level);

/// One line on standard error, in logfmt: time=2026-01-31T23:59:59.123Z level=info event=EVENT name=value…
/// `event` is fixed words joined by dots. A value with spaces, quotes, '=' or control characters is quoted
/// and escaped as in JSON. Each line is one write(2), so that lines never mix. Thread-safe. Blocking: on
/// whatever reads standard error. Never throws or fails: what cannot be written is lost.
void write(Level level, std::string_view event, std::initializer_list<Field> fields);

/// The line that write() writes, with its newline; for tests.
std::string line(Level level, std::string_view event, std::initializer_list<Field> fields,
                 std::chrono::system_clock::time_point now);

}  // namespace loom::log
