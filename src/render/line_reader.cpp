#include "render/line_reader.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

namespace loom::render {

LineReader::LineReader(Fd fd, std::filesystem::path path)
    : fd_(std::move(fd)), path_(std::move(path)), buffer_(std::size_t{256} << 10) {}

Result<LineReader> LineReader::open(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error(errno, "open " + path.string());
  return LineReader(std::move(fd), path);
}

Result<std::optional<std::string_view>> LineReader::next() {
  std::size_t searched = begin_;
  for (;;) {
    const void* feed = std::memchr(buffer_.data() + searched, '\n', end_ - searched);
    if (feed != nullptr || (at_end_ && begin_ < end_)) {
      const char* stop = feed != nullptr ? static_cast<const char*>(feed) + 1 : buffer_.data() + end_;
      const char* start = buffer_.data() + begin_;
      const auto size = static_cast<std::size_t>(stop - start);
      begin_ += size;
      offset_ += size;
      return std::string_view(start, size);
    }
    if (at_end_) return std::nullopt;
    searched = end_ - begin_;
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
    const ssize_t got = ::read(fd_.get(), buffer_.data() + end_, buffer_.size() - end_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, "read " + path_.string());
    end_ += static_cast<std::size_t>(got);
    at_end_ = got == 0;
  }
}

}  // namespace loom::render
