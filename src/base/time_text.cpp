#include "base/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace loom {
namespace {

namespace chrono = std::chrono;

// Takes exactly `digits` decimal digits off the front; -1 if they are not there.
int take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int number = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, std::string_view one_of) {
  if (text.empty() || one_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<chrono::milliseconds> take_fraction(std::string_view& text) {
  if (!take(text, ".")) return chrono::milliseconds(0);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return std::nullopt;
  std::string three(text.substr(0, 3));
  three.resize(std::min<std::size_t>(digits, 3));
  three.resize(3, '0');
  text.remove_prefix(digits);
  return chrono::milliseconds(std::stoi(three));
}

std::optional<chrono::minutes> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return chrono::minutes(0);
  const bool behind = !text.empty() && text.front() == '-';
  if (!take(text, "+-")) return std::nullopt;
  const int hours = take_number(text, 2);
  if (!take(text, ":")) return std::nullopt;
  const int minutes = take_number(text, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  const chrono::minutes offset = chrono::hours(hours) + chrono::minutes(minutes);
  return behind ? -offset : offset;
}

std::string date_and_clock(chrono::sys_seconds time) {
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace

std::string time_text(chrono::sys_time<chrono::milliseconds> time) {
  const auto seconds = chrono::floor<chrono::seconds>(time);
  return fmt::format("{}.{:03}Z", date_and_clock(seconds), (time - seconds).count());
}

std::string time_text(chrono::sys_seconds time) {
  return date_and_clock(time) + 'Z';
}

std::string http_date(chrono::sys_seconds time) {
  static constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss clock(time - day);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays.at(chrono::weekday(day).c_encoding()),
                     static_cast<unsigned>(date.day()), kMonths.at(static_cast<unsigned>(date.month()) - 1),
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

std::optional<chrono::sys_time<chrono::milliseconds>> parse_time(std::string_view text) {
  const int year = take_number(text, 4);
  if (year < 1970 || !take(text, "-")) return std::nullopt;
  const int month = take_number(text, 2);
  if (month < 1 || !take(text, "-")) return std::nullopt;
  const int day = take_number(text, 2);
  if (day < 1 || !take(text, "Tt ")) return std::nullopt;
  const chrono::year_month_day date{chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day))};
  const int hour = take_number(text, 2);
  if (!date.ok() || hour < 0 || hour > 23 || !take(text, ":")) return std::nullopt;
  const int minute = take_number(text, 2);
  if (minute < 0 || minute > 59 || !take(text, ":")) return std::nullopt;
  const int second = take_number(text, 2);
  if (second < 0 || second > 60) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  return chrono::sys_days(date) + chrono::hours(hour) + chrono::minutes(minute) + chrono::seconds(second) +
         *fraction - *offset;
}

}  // namespace loom
