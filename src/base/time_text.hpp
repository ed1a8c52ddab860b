#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace loom {

/// RFC 3339, UTC: "2026-01-31T23:59:59.123Z", and of whole seconds "2026-01-31T23:59:59Z".
std::string time_text(std::chrono::sys_time<std::chrono::milliseconds> time);
std::string time_text(std::chrono::sys_seconds time);

/// Any RFC 3339 time of the years 1970 to 9999, with offset; a fraction is cut to milliseconds. Nullopt for
/// anything else. A leap second counts as the second after.
std::optional<std::chrono::sys_time<std::chrono::milliseconds>> parse_time(std::string_view text);

/// As in HTTP (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::chrono::sys_seconds time);

}  // namespace loom
