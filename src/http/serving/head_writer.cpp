#include "http/serving/head_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <random>

#include "base/time_text.hpp"
#include "http/problem.hpp"

namespace loom::http {
namespace {

void append_digits(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void append_safe(std::string& out, std::string_view text) {
  const auto start = static_cast<std::ptrdiff_t>(out.size());
  out += text;
  const auto is_control = [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  };
  std::replace_if(out.begin() + start, out.end(), is_control, ' ');
}

}  // namespace

void append_status_line(std::string& head, int status) {
  if (status == 200) {
    head += "HTTP/1.1 200 OK\r\n";
    return;
  }
  head += "HTTP/1.1 ";
  append_digits(head, static_cast<std::uint64_t>(status));
  head += ' ';
  head += reason(status);
  head += "\r\n";
}

void append_field(std::string& head, std::string_view name, std::string_view value) {
  append_safe(head, name);
  head += ": ";
  append_safe(head, value);
  head += "\r\n";
}

void append_number_field(std::string& head, std::string_view name, std::uint64_t value) {
  head += name;
  head += ": ";
  append_digits(head, value);
  head += "\r\n";
}

std::string_view DateLine::get() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec == second_) return line_;
  second_ = now.tv_sec;
  line_ = fmt::format("Date: {}\r\n", http_date(std::chrono::sys_seconds(std::chrono::seconds(second_))));
  return line_;
}

IdMaker::IdMaker() {
  std::random_device seed;
  state_ = (static_cast<std::uint64_t>(seed()) << 32U) | seed();
}

// splitmix64 (Steele, Lea, Flood 2014): a bijection of a counter, so no id comes twice.
std::string IdMaker::next() {
  static constexpr std::string_view kLetters = "0123456789abcdefghjkmnpqrstvwxyz";
  std::uint64_t bits = state_ += 0x9e3779b97f4a7c15U;
  bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
  bits ^= bits >> 31U;
  std::string id(13, '0');
  for (char& c : id) {
    c = kLetters[bits & 31U];
    bits >>= 5U;
  }
  return id;
}

}  // namespace loom::http
