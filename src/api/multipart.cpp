#include "api/multipart.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <optional>

#include "base/text.hpp"

namespace loom::api {
namespace {

using boost::beast::iequals;

constexpr std::size_t kLongestBoundary = 70;  // RFC 2046, 5.1.1
constexpr std::size_t kMostPadding = 256;

// The end of the parameter at the front of `text`: the next ';' that no quotes hold.
std::size_t parameter_end(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == ';' && !quoted) {
      return i;
    }
  }
  return text.size();
}

// Browsers write a quote as %22 and escape nothing else; other clients put a backslash before a quote or a
// backslash. A backslash before anything else is one, as in "C:\reads.fa".
std::string unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  text = text.substr(1, text.size() - 2);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\');
    if (escape) ++i;
    plain += text[i];
  }
  return plain;
}

// The value of `name` among the parameters after the first ';' of a header's value.
std::optional<std::string> parameter(std::string_view value, std::string_view name) {
  value.remove_prefix(std::min(parameter_end(value) + 1, value.size()));
  while (!value.empty()) {
    const std::size_t end = parameter_end(value);
    const std::string_view one = value.substr(0, end);
    const auto equals = one.find('=');
    if (equals != std::string_view::npos && iequals(trimmed(one.substr(0, equals), kFieldBlanks), name))
      return unquoted(trimmed(one.substr(equals + 1), kFieldBlanks));
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return std::nullopt;
}

std::string_view before_parameters(std::string_view value) {
  return trimmed(value.substr(0, parameter_end(value)), kFieldBlanks);
}

Result<PartHead> parse_head(std::string_view lines) {
  std::optional<PartHead> found;
  std::string content_type;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find("\r\n"), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 2, lines.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos)
      return error(Code::invalid_argument, "a part of the form has a header line without ':'");
    const std::string_view field = trimmed(line.substr(0, colon), kFieldBlanks);
    const std::string_view value = trimmed(line.substr(colon + 1), kFieldBlanks);
    if (iequals(field, "Content-Type")) content_type = value;
    if (!iequals(field, "Content-Disposition")) continue;
    auto name = parameter(value, "name");
    if (!iequals(before_parameters(value), "form-data") || !name || name->empty())
      return error(Code::invalid_argument,
                   "a part of the form has no name: Content-Disposition must be 'form-data; name=\"…\"'");
    found = PartHead{*std::move(name), parameter(value, "filename").value_or(""), {}};
  }
  if (!found) return error(Code::invalid_argument, "a part of the form has no Content-Disposition header");
  found->content_type = std::move(content_type);
  return *std::move(found);
}

}  // namespace

Result<std::string> MultipartParser::boundary_of(std::string_view content_type) {
  auto boundary = parameter(content_type, "boundary");
  const bool plain = boundary && std::ranges::all_of(*boundary, [](char c) { return c >= ' ' && c <= '~'; });
  if (!plain || boundary->empty() || boundary->size() > kLongestBoundary)
    return error(Code::invalid_argument,
                 "Content-Type names no boundary of 1 to {} characters; HTTP clients set it themselves",
                 kLongestBoundary);
  return *std::move(boundary);
}

// The first boundary needs no line break before it: as if one stood before the body.
MultipartParser::MultipartParser(std::string_view boundary, PartSink& sink)
    : sink_(sink), delimiter_("\r\n--" + std::string(boundary)), buffer_("\r\n") {}

Status MultipartParser::feed(std::string_view bytes) {
  if (state_ == State::epilogue) return ok();
  buffer_ += bytes;
  Step next = Step::again;
  while (next == Step::again) {
    LOOM_TRY(next, step());
  }
  buffer_.erase(0, at_);
  at_ = 0;
  return ok();
}

Status MultipartParser::finish() {
  if (state_ == State::epilogue) return ok();
  if (state_ == State::preamble)
    return error(Code::invalid_argument, "the body holds no part that begins with its boundary");
  return error(Code::invalid_argument, "the form ends in the middle of a part; send it again, whole");
}

Result<MultipartParser::Step> MultipartParser::step() {
  switch (state_) {
    case State::preamble:
      return skip_preamble();
    case State::boundary_end:
      return end_boundary();
    case State::head:
      return read_head();
    case State::data:
      return read_data();
    case State::epilogue:
      drop(rest().size());
      return Step::need_more;
  }
  return Step::need_more;
}

Result<MultipartParser::Step> MultipartParser::skip_preamble() {
  const auto found = rest().find(delimiter_);
  const bool here = found != std::string_view::npos;
  // What may be the front of a delimiter stays.
  const std::size_t gone = here ? found : rest().size() - std::min(rest().size(), delimiter_.size() - 1);
  skipped_ += gone;
  if (skipped_ > kMostHeadBytes)
    return error(Code::invalid_argument, "the body holds no part that begins with its boundary");
  drop(gone);
  if (!here) return Step::need_more;
  drop(delimiter_.size());
  state_ = State::boundary_end;
  return Step::again;
}

Result<MultipartParser::Step> MultipartParser::end_boundary() {
  const std::string_view text = rest();
  if (text.size() < 2) return Step::need_more;
  if (text.starts_with("--")) {
    state_ = State::epilogue;
    return Step::again;
  }
  const std::size_t padding = std::min(text.find_first_not_of(" \t"), text.size());
  if (padding <= kMostPadding && text.size() < padding + 2) return Step::need_more;
  if (padding > kMostPadding || text.substr(padding, 2) != "\r\n")
    return error(Code::invalid_argument, "a boundary of the form is not followed by a line break");
  if (++parts_ > kMostParts) return error(Code::too_large, "the form has more than {} parts", kMostParts);
  // The line break stays: with it an empty head ends as any other.
  drop(padding);
  state_ = State::head;
  return Step::again;
}

Result<MultipartParser::Step> MultipartParser::read_head() {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const std::string_view text = rest();
  const auto end = text.find(kEnd);
  const bool here = end != std::string_view::npos;
  if (here ? end > kMostHeadBytes : text.size() > kMostHeadBytes + kEnd.size() - 1)
    return error(Code::too_large, "the head of a part of the form is over {} bytes", kMostHeadBytes);
  if (!here) return Step::need_more;
  LOOM_TRY(PartHead head, parse_head(end == 0 ? std::string_view() : text.substr(2, end - 2)));
  LOOM_CHECKED(sink_.begin_part(std::move(head)));
  drop(end + kEnd.size());
  state_ = State::data;
  return Step::again;
}

Result<MultipartParser::Step> MultipartParser::read_data() {
  const std::string_view text = rest();
  const auto found = text.find(delimiter_);
  if (found != std::string_view::npos) {
    if (found > 0) LOOM_CHECKED(sink_.part_data(text.substr(0, found)));
    LOOM_CHECKED(sink_.end_part());
    drop(found + delimiter_.size());
    state_ = State::boundary_end;
    return Step::again;
  }
  // Only from its last line break on may the text be the front of a delimiter.
  const std::size_t tail = std::min(text.size(), delimiter_.size() - 1);
  const std::size_t sure = text.size() - tail;
  if (sure > 0) LOOM_CHECKED(sink_.part_data(text.substr(0, sure)));
  drop(sure);
  return Step::need_more;
}

}  // namespace loom::api
