#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/fd.hpp"
#include "base/limit.hpp"
#include "base/sha256.hpp"
#include "sequence/byte_source.hpp"
#include "service/job_service.hpp"

namespace loom::service {

/// An Upload in memory while it is small enough for the job store and no gzip data, else a file of the
/// server's own folder, which goes with it.
class QueryUpload final : public Upload {
 public:
  QueryUpload(std::filesystem::path folder, Limit limit) : folder_(std::move(folder)), limit_(limit) {}
  ~QueryUpload() override;
  QueryUpload(const QueryUpload&) = delete;
  QueryUpload& operator=(const QueryUpload&) = delete;

  Status write(std::string_view bytes) override;

  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  /// Of all that was written, hex.
  [[nodiscard]] std::string sha256() const { return hash_.hex(); }

  /// All of it while it is small; else nullptr.
  [[nodiscard]] const std::string* text() const { return path_.empty() ? &text_ : nullptr; }
  /// To read it from its start. Must not outlive this. Errors: those of open(2).
  [[nodiscard]] Result<std::unique_ptr<sequence::ByteSource>> open() const;
  /// Where it lies; empty while it is in memory.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// As path(), but puts it there. Errors: disk_full and the like.
  Result<std::filesystem::path> file();

 private:
  Status append(std::string_view bytes);

  std::filesystem::path folder_;
  Limit limit_;  ///< in bytes
  std::string text_;
  std::filesystem::path path_;
  Fd fd_;
  std::uint64_t size_bytes_ = 0;
  Sha256 hash_;
};

}  // namespace loom::service
