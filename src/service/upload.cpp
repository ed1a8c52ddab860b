#include "service/upload.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "sequence/memory_source.hpp"
#include "store/job.hpp"

namespace loom::service {

namespace {
constexpr std::string_view kGzipMagic = "\x1f\x8b";
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
  const bool small = path_.empty() && size_bytes_ <= store::kMostQueryBytes;
  if (!small) {
    LOOM_CHECKED(file());
    return append(bytes);
  }
  text_ += bytes;
  if (text_.starts_with(kGzipMagic)) LOOM_CHECKED(file());
  return ok();
}

Result<std::unique_ptr<sequence::ByteSource>> QueryUpload::open() const {
  if (path_.empty()) return std::make_unique<sequence::MemorySource>(text_);
  return sequence::open_byte_source(path_.string());
}

Result<std::filesystem::path> QueryUpload::file() {
  if (!path_.empty()) return path_;
  const auto path = folder_ / store::random_token();
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

}  // namespace loom::service
