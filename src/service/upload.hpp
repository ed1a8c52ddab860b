#pragma once
#include <filesystem>
#include <memory>

#include "base/fd.hpp"
#include "service/job_service.hpp"
#include "service/sha256.hpp"

namespace loom::service {

/// An Upload as a file of the server's own folder, which goes with it.
class FileUpload final : public Upload {
 public:
  /// Errors: disk_full and the like.
  static Result<std::unique_ptr<FileUpload>> create(const std::filesystem::path& folder,
                                                    std::uint64_t max_bytes);
  ~FileUpload() override;
  FileUpload(const FileUpload&) = delete;
  FileUpload& operator=(const FileUpload&) = delete;

  Status write(std::string_view bytes) override;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  /// Of all that was written, hex; once.
  std::string sha256() { return hash_.hex(); }

 private:
  FileUpload(std::filesystem::path path, Fd fd, std::uint64_t max_bytes)
      : path_(std::move(path)), fd_(std::move(fd)), max_bytes_(max_bytes) {}

  std::filesystem::path path_;
  Fd fd_;
  std::uint64_t max_bytes_;
  std::uint64_t size_bytes_ = 0;
  Sha256 hash_;
};

}  // namespace loom::service
