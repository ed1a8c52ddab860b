#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace loom {

/// Standard alphabet, padded (RFC 4648, section 4).
std::string base64(std::span<const std::byte> bytes);
/// Nothing when `text` is not that: other letters, wrong padding, spaces.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace loom
