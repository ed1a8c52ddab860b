#pragma once
#include <cstdint>
#include <string_view>

#include "http/message.hpp"

namespace loom::api {

/// Which bytes of something a request asks for.
struct ByteRange {
  enum class Kind { whole, part, unsatisfiable } kind = Kind::whole;
  std::uint64_t first = 0;
  std::uint64_t count = 0;  ///< of part: at least 1
};

/// Reads a Range header for `size_bytes` bytes (RFC 9110, 14). What is no single byte range is as if it were
/// not there: whole.
ByteRange parse_range(std::string_view header, std::uint64_t size_bytes);

/// The same for a request, in which If-Range must hold: `etag` is strong, with its quotes. Whole for all but
/// GET, the one method that has ranges (RFC 9110, 14.2).
ByteRange range_of(const http::Request& request, std::string_view etag, std::uint64_t size_bytes);

/// Whether If-None-Match names `etag`, compared weakly.
bool is_known(const http::Request& request, std::string_view etag);

}  // namespace loom::api
