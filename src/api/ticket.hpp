#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "service/access.hpp"
#include "store/job.hpp"

namespace loom::api {

/// The parameter of a link that stands for a token: "ticket=TOKEN.EXPIRES.MAC", its last one.
inline constexpr std::string_view kTicket = "ticket";
/// How long a link holds.
inline constexpr std::chrono::seconds kLinkTime{60};

/// A target with a ticket, taken apart; views into the target. TOKEN is the token's id, EXPIRES a
/// time in milliseconds since 1970, MAC the HMAC-SHA256 of these and of the target under the token's
/// hash, in hex. So every server that knows the tokens can judge it, none keeps it, and it ends with
/// its token (doc/decisions/0013-links-under-the-hashes-of-tokens.md).
struct Ticket {
  std::string_view target;  ///< path and query, as sent, that it is good for
  std::string_view token;
  std::string_view expires;
  std::string_view mac;
};

/// `target` with a ticket made with `token`.
std::string with_ticket(std::string_view target, const service::Token& token, store::UnixTime expires);

/// Nullopt: `target` does not end with a ticket.
std::optional<Ticket> find_ticket(std::string_view target);

/// Whether it was made with `token`, for just this target and time. Takes equally long for all MACs.
bool is_made_with(const Ticket& ticket, const service::Token& token);

/// Of a ticket that is_made_with() a token: whether it has not expired, nor holds longer than links.
bool holds(const Ticket& ticket, store::UnixTime now);

}  // namespace loom::api
