#pragma once
#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>

#include "base/result.hpp"

namespace loom::archive {

/// Where bytes come from: fills the front of the span (never empty) and says how many bytes it wrote, 0 only
/// at the end. Called by one thread at a time. May block.
using Pull = std::function<Result<std::size_t>(std::span<char>)>;

/// Where bytes go. The text is borrowed until return. Called with large pieces, by one thread at a time.
/// May block.
using Write = std::function<Status(std::string_view)>;

/// The bytes of a file. Errors: not_found, and the others of open(2); a failed read names the file.
Result<Pull> pull_file(const std::filesystem::path& path);

/// The bytes of `text`, which must outlive the Pull, at most `piece_bytes` (over 0) a call.
Pull pull_text(std::string_view text, std::size_t piece_bytes = std::size_t{64} << 10);

/// Appends to `into`, which must outlive the Write.
Write append_to(std::string& into);

}  // namespace loom::archive
