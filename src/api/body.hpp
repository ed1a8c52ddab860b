#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/refusal.hpp"
#include "base/limit.hpp"
#include "http/message.hpp"

namespace loom::api {

/// Bytes to read at a time of a body that is not held in memory.
inline constexpr std::size_t kBodyPiece = 256U << 10U;

/// Refuses a body past `limit`, in bytes, before it is read: too_large. One whose length is not announced is
/// refused when it has come that far.
Status check_announced(const http::Request& request, const Limit& limit);

/// Why no more of a body came: a client that is too slow (408) is not a server that is.
tl::unexpected<Refusal> body_refused(const Error& error);

/// Whether the body is said to be of that media type, whatever its parameters.
bool has_type(const http::Request& request, std::string_view wanted);

/// The whole body, which is held in memory. Errors: too_large past `limit` and past that of the route; those
/// of reading it, as body_refused().
http::net::awaitable<Parsed<std::string>> read_body(http::Request& request, Limit limit);

}  // namespace loom::api
