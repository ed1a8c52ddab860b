#pragma once
#include "api/refusal.hpp"
#include "async/blocking_pool.hpp"
#include "http/message.hpp"
#include "service/database_works.hpp"

namespace loom::api {

/// Reads what a database is to be made of: the parameters of the address, and a body that is the sequences
/// themselves or a form (multipart/form-data) with the same fields and the files sequences, taxid_map and
/// masks. Files go to the service as they come: what is kept in memory does not grow with them. On a refusal
/// nothing is left. Also: forbidden, before anything was read.
http::net::awaitable<Parsed<service::BuildOrder>> read_build_order(http::Request& request,
                                                                   service::Caller caller,
                                                                   service::DatabaseWorks& works,
                                                                   async::BlockingPool& blocking);

}  // namespace loom::api
