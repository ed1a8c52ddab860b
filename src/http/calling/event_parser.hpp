#pragma once
#include <functional>
#include <string>
#include <string_view>

namespace loom::http {

/// Takes a text/event-stream apart (WHATWG HTML, 9.2.6), however its bytes are cut.
class EventParser {
 public:
  /// `event` is "message" when the stream names none. False ends the feeding.
  using Told = std::function<bool(std::string_view id, std::string_view event, std::string_view data)>;
  explicit EventParser(std::string last_id) : id_(std::move(last_id)) {}

  /// False once `told` said so.
  bool feed(std::string_view bytes, const Told& told);
  /// Bytes that are kept until an event is whole.
  [[nodiscard]] std::size_t held_bytes() const { return line_.size() + data_.size(); }

 private:
  bool take_line(const Told& told);
  void take_field(std::string_view name, std::string_view value);

  std::string line_;
  std::string id_;
  std::string event_;
  std::string data_;
  bool after_cr_ = false;
  bool first_line_ = true;
};

}  // namespace loom::http
