#include "api/removed_tokens.hpp"

#include <string_view>
#include <unordered_map>

namespace loom::api {

void end_streams_of_removed(Broadcaster& broadcaster, service::Tokens& tokens, bool loopback) {
  // Before the tokens: a stream may be of a token that was made just after they were read.
  const auto listeners = broadcaster.all();
  if (listeners.empty()) return;
  const auto known = tokens.list();
  if (!known) return;
  std::unordered_map<std::string_view, const service::Token*> by_hash;
  for (const service::Token& token : *known) by_hash.emplace(token.sha256, &token);
  const auto is_let_in = [&](const std::optional<service::Token>& held) {
    if (!held) return known->empty() && loopback;
    const auto found = by_hash.find(held->sha256);
    return found != by_hash.end() && found->second->name == held->name && found->second->role == held->role;
  };
  for (const auto& listener : listeners)
    if (!is_let_in(listener->token())) listener->sink().close();
}

}  // namespace loom::api
