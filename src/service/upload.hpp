#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.hpp"
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
  friend Result<std::unique_ptr<QueryUpload>> unpacked(std::unique_ptr<QueryUpload> sent,
                                                       const std::stop_token& stop, Deadline deadline);
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

/// What JobService::begin_upload gave.
std::unique_ptr<QueryUpload> upload_of(std::unique_ptr<Upload> given);

/// Itself; of gzip data what is packed in it: so that is what is kept, counted, summed and handed out.
/// Errors: invalid_argument for data that is damaged, cut short, or packed again; too_large past the limit;
/// disk_full; unavailable after `stop`; timed_out.
Result<std::unique_ptr<QueryUpload>> unpacked(std::unique_ptr<QueryUpload> sent, const std::stop_token& stop,
                                              Deadline deadline);

}  // namespace loom::service
