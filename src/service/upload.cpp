#include "service/upload.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "store/job.hpp"

namespace loom::service {

Result<std::unique_ptr<FileUpload>> FileUpload::create(const std::filesystem::path& folder,
                                                       std::uint64_t max_bytes) {
  const auto path = folder / store::random_token();
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return system_error(errno, "keep the uploaded query");
  return std::unique_ptr<FileUpload>(new FileUpload(path, std::move(fd), max_bytes));
}

FileUpload::~FileUpload() {
  ::unlink(path_.c_str());
}

Status FileUpload::write(std::string_view bytes) {
  if (max_bytes_ != 0 && bytes.size() > max_bytes_ - size_bytes_)
    return error(Code::too_large,
                 "the query has more than the {} bytes that this server takes; split it, or ask its "
                 "operator for more",
                 max_bytes_);
  hash_.add(bytes);
  size_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error(errno, "keep the uploaded query");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok();
}

}  // namespace loom::service
