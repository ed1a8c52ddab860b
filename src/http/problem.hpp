#pragma once
#include <string_view>

#include "http/message.hpp"

namespace loom::http {

/// An error as application/problem+json (RFC 9457):
/// {"type":"about:blank","title":…,"status":…,"code":…,"detail":…}. The title is the status's reason phrase;
/// bytes of `detail` that are not UTF-8 are the caller's to avoid.
Response problem(int status, std::string_view code, std::string_view detail);

/// "Not Found" for 404; never empty.
std::string_view reason(int status);

}  // namespace loom::http
