#include "sequence/byte_source.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>
#include <vector>

namespace loom::sequence {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{128} << 10U;
constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr int kGzipWindow = 15 + 16;  // zlib: the largest window, in gzip's frame

class FdSource final : public ByteSource {
 public:
  FdSource(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

  Result<std::size_t> read(std::span<char> into) override {
    ssize_t got = ::read(fd_.get(), into.data(), into.size());
    while (got < 0 && errno == EINTR) got = ::read(fd_.get(), into.data(), into.size());
    if (got < 0) return system_error(errno, name_);
    return static_cast<std::size_t>(got);
  }

 private:
  Fd fd_;
  std::string name_;
};

/// Looks at the first bytes; unpacks member after member, or passes on.
class Unpacker final : public ByteSource {
 public:
  Unpacker(std::unique_ptr<ByteSource> from, std::string name)
      : from_(std::move(from)), name_(std::move(name)), held_(kBufferBytes) {}
  ~Unpacker() override { inflateEnd(&zlib_); }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  Result<std::size_t> read(std::span<char> into) override {
    if (kind_ == Kind::unknown) LOOM_CHECKED(look());
    if (kind_ == Kind::gzip) return unpack(into);
    if (begin_ == end_) return from_->read(into);
    const std::size_t count = std::min(into.size(), end_ - begin_);
    std::copy_n(held_.data() + begin_, count, into.data());
    begin_ += count;
    return count;
  }

 private:
  enum class Kind { unknown, plain, gzip };

  /// Reads until `bytes` are held, or to the end.
  Status hold(std::size_t bytes) {
    std::copy(held_.data() + begin_, held_.data() + end_, held_.data());
    end_ -= std::exchange(begin_, 0);
    while (end_ < bytes) {
      LOOM_TRY(const std::size_t got, from_->read(std::span(held_).subspan(end_)));
      if (got == 0) break;
      end_ += got;
    }
    return ok();
  }
  [[nodiscard]] bool at_member() const {
    return std::string_view(held_.data() + begin_, end_ - begin_).starts_with(kGzipMagic);
  }

  Status look() {
    LOOM_CHECKED(hold(kGzipMagic.size()));
    kind_ = at_member() ? Kind::gzip : Kind::plain;
    if (kind_ == Kind::gzip && inflateInit2(&zlib_, kGzipWindow) != Z_OK) return no_memory();
    return ok();
  }

  Result<std::size_t> unpack(std::span<char> into) {
    zlib_.next_out = reinterpret_cast<Bytef*>(into.data());
    zlib_.avail_out = static_cast<uInt>(std::min<std::size_t>(into.size(), std::numeric_limits<uInt>::max()));
    const uInt room = zlib_.avail_out;
    while (!ended_ && zlib_.avail_out == room) {
      if (begin_ == end_) LOOM_CHECKED(hold(1));
      if (begin_ == end_)
        return error(Code::corrupt, "{}: the gzip data is cut short; copy or download the file again, whole",
                     name_);
      LOOM_CHECKED(step());
    }
    return std::size_t{room - zlib_.avail_out};
  }

  Status step() {
    zlib_.next_in = reinterpret_cast<Bytef*>(held_.data() + begin_);
    zlib_.avail_in = static_cast<uInt>(end_ - begin_);
    const int done = inflate(&zlib_, Z_NO_FLUSH);
    begin_ = end_ - zlib_.avail_in;
    if (done == Z_OK || done == Z_BUF_ERROR) return ok();
    if (done == Z_MEM_ERROR) return no_memory();
    if (done != Z_STREAM_END)
      return error(Code::corrupt, "{}: the gzip data is damaged ({}); copy or download the file again", name_,
                   zlib_.msg == nullptr ? "unknown" : zlib_.msg);
    if (end_ - begin_ < kGzipMagic.size()) LOOM_CHECKED(hold(kGzipMagic.size()));
    // As gzip does, what is behind the last member and none itself is left out.
    ended_ = !at_member();
    inflateReset(&zlib_);
    return ok();
  }

  [[nodiscard]] Error no_memory() const {
    return error(Code::out_of_memory, "{}: no memory to unpack it", name_);
  }

  std::unique_ptr<ByteSource> from_;
  std::string name_;
  std::vector<char> held_;
  std::size_t begin_ = 0;  // of what is held and not taken yet
  std::size_t end_ = 0;
  Kind kind_ = Kind::unknown;
  bool ended_ = false;
  z_stream zlib_{};
};

}  // namespace

std::unique_ptr<ByteSource> unpacked(std::unique_ptr<ByteSource> from, std::string name) {
  return std::make_unique<Unpacker>(std::move(from), std::move(name));
}

std::unique_ptr<ByteSource> byte_source_of(Fd fd, const std::string& name) {
  return unpacked(std::make_unique<FdSource>(std::move(fd), name), name);
}

Result<std::unique_ptr<ByteSource>> open_byte_source(const std::string& path) {
  const bool is_stdin = path == "-";
  Fd fd(is_stdin ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error(errno, is_stdin ? "standard input" : path);
  return byte_source_of(std::move(fd), is_stdin ? "standard input" : path);
}

}  // namespace loom::sequence
