#pragma once
#include <string>

#include "base/result.hpp"
#include "events/redis/connection.hpp"
#include "store/job.hpp"

namespace loom::events::redis {

/// An event as an entry of a stream (doc/formats/redis.md). The entry's id is "ORDER-0": ids of a stream only
/// grow, so an event that is added twice is there once.
std::string entry_id(std::uint64_t order);
/// Names and values in turn.
Words fields_of(const store::Event& event);

/// The order in an entry's id. Errors: corrupt.
Result<std::uint64_t> parse_entry_id(const std::string& id);
/// Errors: corrupt, naming the entry and the field.
Result<store::Event> parse_entry(const Value& entry);

}  // namespace loom::events::redis
