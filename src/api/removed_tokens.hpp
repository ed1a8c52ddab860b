#pragma once
#include "api/broadcaster.hpp"
#include "service/access.hpp"

namespace loom::api {

/// Ends the event streams whose caller would not be let in as he was: his token is not known any more, or
/// has another name or role; or he has none and one is asked for now (`loopback`: only this machine can reach
/// the server, so that without tokens none is). A client that comes again is judged anew. While the tokens
/// cannot be read the streams stay, for the next look: a busy disk must not send all clients back at once.
/// Thread-safe. Blocking: on disk, unless nobody listens.
void end_streams_of_removed(Broadcaster& broadcaster, service::Tokens& tokens, bool loopback);

}  // namespace loom::api
