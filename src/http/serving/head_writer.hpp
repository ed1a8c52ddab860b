#pragma once
#include <array>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace loom::http {

/// "HTTP/1.1 200 OK\r\n"
void append_status_line(std::string& head, int status);
/// "Name: value\r\n". A control character in either becomes a space: no handler can begin a field of its own.
void append_field(std::string& head, std::string_view name, std::string_view value);
void append_number_field(std::string& head, std::string_view name, std::uint64_t value);

/// The Date field of now, formatted once a second. One thread at a time.
class DateLine {
 public:
  /// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
  std::string_view get();

 private:
  std::time_t second_ = -1;
  std::string line_;
};

/// Request ids of 13 letters and digits, unlike each other and hard to guess. One thread at a time.
class IdMaker {
 public:
  IdMaker();
  std::string next();

 private:
  std::uint64_t state_;
};

}  // namespace loom::http
