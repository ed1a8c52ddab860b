#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace loom::render {

/// The lines of a file, one after the other, each with its line feed (the last one perhaps without).
/// Memory: 256 KiB, or the longest line. Thread-safety: one thread at a time. Blocking: on disk.
class LineReader {
 public:
  static Result<LineReader> open(const std::filesystem::path& path);

  /// The next line, or nullopt after the last. The view lives until the next call.
  Result<std::optional<std::string_view>> next();
  /// How many bytes of the file were handed out.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

 private:
  LineReader(Fd fd, std::filesystem::path path);

  Fd fd_;
  std::filesystem::path path_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t offset_ = 0;
  bool at_end_ = false;
};

}  // namespace loom::render
