#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/fd.hpp"
#include "base/limit.hpp"
#include "base/sha256.hpp"
#include "sequence/byte_source.hpp"
#include "service/job_service.hpp"

namespace loom::service {

/// An Upload in memory while it is small enough for the job store, else a file of the server's own folder,
/// which goes with it.
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
  /// To read it from its start, unpacked. Must not outlive this. Errors: those of open(2).
  [[nodiscard]] Result<std::unique_ptr<sequence::ByteSource>> open() const;
  /// Where it lies; empty while it is in memory.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// As path(), but puts it there. Errors: disk_full and the like.
  Result<std::filesystem::path> file();

 private:
  friend Result<std::unique_ptr<QueryUpload>> unpacked(std::unique_ptr<Upload> given,
                                                       const std::stop_token& stop);
  Status append(std::string_view bytes);

  std::filesystem::path folder_;
  Limit limit_;  ///< in bytes
  std::string text_;
  std::filesystem::path path_;
  Fd fd_;
  std::uint64_t size_bytes_ = 0;
  std::string head_;  ///< the first two bytes
  Sha256 hash_;
};

/// `given` (of JobService::begin_upload) itself; of gzip data what is packed in it: so that is what is kept,
/// counted, summed and handed out. Errors: invalid_argument for data that is damaged or cut short; too_large
/// past the limit; disk_full; unavailable after `stop`.
Result<std::unique_ptr<QueryUpload>> unpacked(std::unique_ptr<Upload> given,
                                              const std::stop_token& stop = {});

}  // namespace loom::service
