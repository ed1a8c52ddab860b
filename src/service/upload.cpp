#include "service/upload.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/check.hpp"
#include "base/random.hpp"
#include "sequence/memory_source.hpp"
#include "store/job.hpp"

namespace loom::service {

namespace {
constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr std::size_t kBlock = std::size_t{128} << 10U;
}  // namespace

QueryUpload::~QueryUpload() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Status QueryUpload::write(std::string_view bytes) {
  if (limit_.passed_by(size_bytes_ + bytes.size()))
    return error(Code::too_large, "the upload has more than the {} bytes that this server takes{}; split it",
                 limit_.most, limit_.way_out());
  hash_.add(bytes);
  size_bytes_ += bytes.size();
  head_ += bytes.substr(0, kGzipMagic.size() - head_.size());
  if (path_.empty() && size_bytes_ <= store::kMostQueryBytes) {
    text_ += bytes;
    return ok();
  }
  LOOM_CHECKED(file());
  return append(bytes);
}

Result<std::unique_ptr<sequence::ByteSource>> QueryUpload::open() const {
  if (path_.empty()) return sequence::unpacked(std::make_unique<sequence::MemorySource>(text_), "the upload");
  return sequence::open_byte_source(path_.string());
}

Result<std::filesystem::path> QueryUpload::file() {
  if (!path_.empty()) return path_;
  const auto path = folder_ / random_token();
  fd_ = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd_) return system_error(errno, "keep the uploaded query");
  path_ = path;
  LOOM_CHECKED(append(text_));
  text_ = {};
  return path_;
}

Status QueryUpload::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error(errno, "keep the uploaded query");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok();
}

std::unique_ptr<QueryUpload> upload_of(std::unique_ptr<Upload> given) {
  std::unique_ptr<QueryUpload> own(dynamic_cast<QueryUpload*>(given.release()));
  LOOM_CHECK(own, "uploads come from begin_upload");
  return own;
}

Result<std::unique_ptr<QueryUpload>> unpacked(std::unique_ptr<QueryUpload> sent, const std::stop_token& stop,
                                              Deadline deadline) {
  if (sent->head_ != kGzipMagic) return sent;
  LOOM_TRY(const auto source, sent->open());
  auto plain = std::make_unique<QueryUpload>(sent->folder_, sent->limit_);
  std::vector<char> block(kBlock);
  for (;;) {
    if (stop.stop_requested())
      return error(Code::unavailable, "the server is stopping; send it again when it is back");
    if (deadline.passed()) return error(Code::timed_out, "unpacking the upload took too long; split it");
    const auto got = source->read(block);
    if (!got && got.error().code == Code::corrupt)  // without the server's path
      return error(Code::invalid_argument,
                   "the upload is gzip data that is damaged or cut short; copy it again, whole");
    if (!got) return got.error();
    if (*got == 0) break;
    const Status written = plain->write(std::string_view(block.data(), *got));
    if (!written && written.error().code == Code::too_large)
      return error(Code::too_large, "unpacked, {}", written.error().message);
    LOOM_CHECKED(written);
  }
  // Whoever opens it would unpack that, past the limit.
  if (plain->head_ == kGzipMagic)
    return error(Code::invalid_argument, "the upload is gzip data within gzip data; pack it once");
  return plain;
}

}  // namespace loom::service
