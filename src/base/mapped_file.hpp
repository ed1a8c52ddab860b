#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/result.hpp"

namespace loom {

/// A regular file, mapped read-only and shared. Move-only. Thread-safe to read. A file that somebody cuts off
/// while it is mapped ends the program (SIGBUS) when its end is read: replace files whole (atomic_file.hpp).
class MappedFile {
 public:
  /// Blocking: on disk; later, page faults on first touch. Errors: those of opening, with the path; corrupt
  /// for what is no regular file.
  static Result<MappedFile> open(const std::filesystem::path& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  /// On a page boundary; empty for an empty file.
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

}  // namespace loom
