#pragma once
#include <cstdint>
#include <string>

#include "api/refusal.hpp"
#include "http/message.hpp"

namespace loom::api {

/// The whole body of a request whose route bounds it. Errors: those of reading it; timed out is the client's
/// fault (408).
http::net::awaitable<Parsed<std::string>> read_body(http::Request& request);

}  // namespace loom::api
