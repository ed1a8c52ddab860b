#include "base/log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>

#include "base/time_text.hpp"

namespace loom::log {

namespace {

constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warning", "error"};
std::atomic<Level> least_level{Level::warning};

bool is_plain(std::string_view value) {
  const auto plain = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > ' ' && byte != 0x7f && c != '"' && c != '=' && c != '\\';
  };
  return std::ranges::all_of(value, plain);
}

void append_quoted(std::string& out, std::string_view value) {
  out += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < ' ' || byte == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

std::optional<Level> parse_level(std::string_view name) {
  const auto* const at = std::ranges::find(kNames, name);
  if (at == kNames.end()) return std::nullopt;
  return static_cast<Level>(at - kNames.begin());
}

void set_level(Level least) {
  least_level = least;
}

bool enabled(Level level) {
  return level >= least_level.load(std::memory_order_relaxed);
}

std::string line(Level level, std::string_view event, std::initializer_list<Field> fields,
                 std::chrono::system_clock::time_point now) {
  std::string out =
      fmt::format("time={} level={} event={}", time_text(std::chrono::floor<std::chrono::milliseconds>(now)),
                  kNames.at(static_cast<std::size_t>(level)), event);
  for (const Field& field : fields) {
    if (field.value.empty()) continue;
    out += ' ';
    out += field.name;
    out += '=';
    if (is_plain(field.value)) {
      out += field.value;
    } else {
      append_quoted(out, field.value);
    }
  }
  return out += '\n';
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  const std::string text = line(level, event, fields, std::chrono::system_clock::now());
  const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  static_cast<void>(written);
}

}  // namespace loom::log
