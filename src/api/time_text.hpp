#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "store/job.hpp"

namespace loom::api {

/// "2026-01-31T23:59:59.123Z": RFC 3339, UTC, milliseconds.
std::string time_text(store::UnixTime time);

/// Any RFC 3339 time of the years 1970 to 9999, with offset; a fraction is cut to milliseconds. Nullopt for
/// anything else. A leap second counts as the second after.
std::optional<store::UnixTime> parse_time(std::string_view text);

}  // namespace loom::api
