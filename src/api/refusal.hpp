#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "base/result.hpp"
#include "http/message.hpp"

namespace loom::api {

/// Why a request is not answered: an error and, if one is to blame, the member or parameter.
struct Refusal {
  Error error;
  std::string field = {};
  int status = 0;  ///< instead of the code's, if not 0
};

template <class T>
using Parsed = tl::expected<T, Refusal>;

/// A wrong value of `field`: invalid_argument.
template <class... Args>
tl::unexpected<Refusal> wrong(std::string_view field, fmt::format_string<Args...> text, Args&&... args) {
  return tl::unexpected(
      Refusal{error(Code::invalid_argument, text, std::forward<Args>(args)...), std::string(field)});
}

/// The one table from codes to HTTP statuses.
int status_of(Code code);

/// The refusal as application/problem+json (RFC 9457), with the members code, field and request_id. What went
/// wrong inside (internal, corrupt, out_of_memory) is not told: the log has it under the request's id.
http::Response problem(const http::Request& request, const Refusal& refusal);

/// 401 with WWW-Authenticate: Bearer.
http::Response unauthorized(const http::Request& request, std::string_view detail);

}  // namespace loom::api
