#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "store/job_store.hpp"

namespace loom::api {

/// A place in a list of jobs as clients carry it: base64url of "MILLISECONDS.ID". Opaque to them.
std::string cursor_text(const store::JobCursor& cursor);
/// Nullopt unless cursor_text() made `text`.
std::optional<store::JobCursor> parse_cursor(std::string_view text);

}  // namespace loom::api
