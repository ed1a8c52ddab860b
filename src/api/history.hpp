#pragma once
#include <cstdint>
#include <memory>

#include "api/context.hpp"

namespace loom::api {

/// Sends what happened after `after` to a quiet listener, from the service, and makes it live without a gap.
/// `final_at_first`: the job is at its end already, so that the stream ends with its history. Ends early when
/// the listener is gone. On an error the stream is closed: the client comes again with its last id.
/// Pages are spaced out, so that a long history does not overflow the bound of a stream whose client keeps
/// up.
http::net::awaitable<void> catch_up(Context& context, service::Caller caller,
                                    std::shared_ptr<Listener> listener, std::uint64_t after,
                                    bool final_at_first);

}  // namespace loom::api
