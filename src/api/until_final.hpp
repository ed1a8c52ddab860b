#pragma once
#include "api/context.hpp"

namespace loom::api {

/// The job as soon as it is final, or as it stands after `most`. Errors: those of JobService::get.
http::net::awaitable<Result<store::Job>> until_final(Context& context, service::Caller caller,
                                                     store::JobId id, Duration most);

}  // namespace loom::api
