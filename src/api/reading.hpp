#pragma once
#include <vector>

#include "api/context.hpp"

namespace loom::api {

/// 405: this server only reads (ApiDeps::who_changes is set), and where changes are taken.
http::net::awaitable<http::Response> refuse_change(const Context& context, const http::Request& request);

/// Where this server only reads: puts refuse_change() in the place of every route that changes something,
/// behind the gate. /Blast.cgi, whose parameters tell what it does, is left to its handler. `context` is
/// borrowed.
void refuse_changes(Context& context, std::vector<http::Route>& routes);

}  // namespace loom::api
