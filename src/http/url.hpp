#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"

namespace loom::http {

enum class Plus { stays, is_space };

/// Undoes percent-encoding (RFC 3986). invalid_argument for an escape that is none, and for a NUL byte.
Result<std::string> percent_decode(std::string_view text, Plus plus);

/// The pairs of "a=1&b=2". A name without '=' has an empty value; empty pieces are skipped.
Result<Pairs> parse_query(std::string_view query);

/// The path of a request target as sent, in origin form ("/a?b") or absolute form ("http://host/a?b"), and
/// its query. Views into `target`. invalid_argument for any other form.
struct Target {
  std::string_view path;
  std::string_view query;
};
Result<Target> split_target(std::string_view target);

/// The segments of a path, each decoded by itself: so an encoded slash does not split. Views into the path
/// or into `decoded`; moving keeps them.
struct Segments {
  std::vector<std::string> decoded;
  std::vector<std::string_view> names;
};
Result<Segments> split_path(std::string_view path);

}  // namespace loom::http
