#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace loom {

/// Appends `text` as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD, one for each, so
/// that the reply is JSON whatever a title holds.
void append_json_string(std::string& out, std::string_view text);

/// Writes one JSON value to the end of a string (borrowed), and puts the commas. What is opened must be
/// closed, and a key must be followed by a value: it does not check. Numbers that JSON lacks (NaN) become
/// null.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out), begin_(out.size()) {}

  void open_object() { open('{'); }
  void close_object() { out_ += '}'; }
  void open_array() { open('['); }
  void close_array() { out_ += ']'; }
  void key(std::string_view name);

  void value(std::string_view text);
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(const char* text) { value(std::string_view(text)); }
  void value(bool flag);
  void value(double number);
  template <std::integral T>
  void value(T number) {
    if constexpr (std::signed_integral<T>) {
      integer(static_cast<std::int64_t>(number));
    } else {
      integer(static_cast<std::uint64_t>(number));
    }
  }
  /// `json` is a whole value.
  void raw(std::string_view json);

  template <class T>
  void member(std::string_view name, const T& content) {
    key(name);
    value(content);
  }

 private:
  void comma();
  void open(char bracket);
  void integer(std::int64_t number);
  void integer(std::uint64_t number);

  std::string& out_;
  std::size_t begin_;
};

}  // namespace loom
