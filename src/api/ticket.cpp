#include "api/ticket.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/crypto.h>

#include <cstdint>

#include "base/number.hpp"
#include "base/sha256.hpp"

namespace loom::api {
namespace {

/// `token` and `expires` have no newline, so that different tickets have different texts.
std::string mac_of(const Ticket& ticket, const service::Token& token) {
  const std::string text =
      fmt::format("blastloom download\n{}\n{}\n{}", ticket.token, ticket.expires, ticket.target);
  return fmt::format("{:02x}", fmt::join(hmac_sha256(token.sha256, text), ""));
}

}  // namespace

std::string with_ticket(std::string_view target, const service::Token& token, store::UnixTime expires) {
  const std::string when = fmt::to_string(expires.time_since_epoch().count());
  const std::string mac = mac_of({target, token.id, when, {}}, token);
  const char joint = target.find('?') == std::string_view::npos ? '?' : '&';
  return fmt::format("{}{}{}={}.{}.{}", target, joint, kTicket, token.id, when, mac);
}

std::optional<Ticket> find_ticket(std::string_view target) {
  const std::size_t joint = target.find_last_of("?&");
  if (joint == std::string_view::npos) return std::nullopt;
  std::string_view words = target.substr(joint + 1);
  if (!words.starts_with(kTicket) || words.substr(kTicket.size(), 1) != "=") return std::nullopt;
  words.remove_prefix(kTicket.size() + 1);
  const std::size_t first = words.find('.');
  const std::size_t last = words.rfind('.');
  if (first == last) return std::nullopt;
  return Ticket{.target = target.substr(0, joint),
                .token = words.substr(0, first),
                .expires = words.substr(first + 1, last - first - 1),
                .mac = words.substr(last + 1)};
}

bool is_made_with(const Ticket& ticket, const service::Token& token) {
  if (ticket.token != token.id) return false;
  const std::string mac = mac_of(ticket, token);
  return ticket.mac.size() == mac.size() && CRYPTO_memcmp(ticket.mac.data(), mac.data(), mac.size()) == 0;
}

bool holds(const Ticket& ticket, store::UnixTime now) {
  const auto expires = number_of<std::int64_t>(ticket.expires);
  const std::int64_t time = now.time_since_epoch().count();
  constexpr std::int64_t kMost = std::chrono::milliseconds(kLinkTime).count();
  return expires && *expires > time && *expires - time <= kMost;
}

}  // namespace loom::api
