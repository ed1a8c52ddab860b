#include "http/calling/event_parser.hpp"

#include <algorithm>

namespace loom::http {

bool EventParser::feed(std::string_view bytes, const Told& told) {
  while (!bytes.empty()) {
    if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    const auto end = std::min(bytes.find_first_of("\r\n"), bytes.size());
    line_ += bytes.substr(0, end);
    bytes.remove_prefix(end);
    if (bytes.empty()) break;
    after_cr_ = bytes.front() == '\r';
    bytes.remove_prefix(1);
    if (!take_line(told)) return false;
  }
  return true;
}

bool EventParser::take_line(const Told& told) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::string_view line = line_;
  if (first_line_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  first_line_ = false;
  bool going_on = true;
  if (!line.empty()) {
    const auto colon = std::min(line.find(':'), line.size());
    auto value = line.substr(std::min(colon + 1, line.size()));
    if (value.starts_with(' ')) value.remove_prefix(1);
    take_field(line.substr(0, colon), value);
  } else {
    if (!data_.empty()) {
      data_.pop_back();  // the last line's end is not part of the data
      going_on = told(id_, event_.empty() ? "message" : std::string_view(event_), data_);
    }
    data_.clear();
    event_.clear();
  }
  line_.clear();
  return going_on;
}

void EventParser::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    data_ += value;
    data_ += '\n';
  } else if (name == "event") {
    event_ = value;
  } else if (name == "id" && value.find('\0') == std::string_view::npos) {
    id_ = value;
  }
}

}  // namespace loom::http
