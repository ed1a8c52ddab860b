#pragma once
#include <filesystem>
#include <functional>
#include <string_view>

#include "base/result.hpp"
#include "render/line_reader.hpp"
#include "render/sink.hpp"

namespace loom::render {

/// Reads pieces of a file, anywhere in it. Thread-safe.
class RangeReader {
 public:
  static Result<RangeReader> open(const std::filesystem::path& file);
  /// Bytes [from, to). Errors: corrupt if the file ends before `to`.
  [[nodiscard]] Result<std::string> read(std::uint64_t from, std::uint64_t to) const;

 private:
  RangeReader(Fd fd, std::filesystem::path file) : fd_(std::move(fd)), file_(std::move(file)) {}
  Fd fd_;
  std::filesystem::path file_;
};

/// Appends bytes [from, to) of `file`. Errors: corrupt if the file ends before `to`.
Status copy_range(const std::filesystem::path& file, std::uint64_t from, std::uint64_t to, Sink& out);

/// The size of `file`, bytes.
Result<std::uint64_t> size_of(const std::filesystem::path& file);

/// The last `most` bytes of `file`, or all of it.
Result<std::string> tail_of(const std::filesystem::path& file, std::uint64_t most);

/// `text` as XML or JSON character data, escaped as BLAST+ does.
std::string xml_escaped(std::string_view text);
std::string json_escaped(std::string_view text);

/// The error of a part that does not look like its format.
Error unlike(const std::filesystem::path& file, std::string_view what);

}  // namespace loom::render
