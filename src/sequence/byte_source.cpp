#include "sequence/byte_source.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

namespace loom::sequence {
namespace {

constexpr unsigned kBufferBytes = 128 * 1024;

struct GzClose {
  void operator()(gzFile file) const { gzclose_r(file); }
};
using GzHandle = std::unique_ptr<gzFile_s, GzClose>;

/// zlib's own reader: it looks at the magic bytes, walks through members and copies plain data through.
class ZlibSource final : public ByteSource {
 public:
  ZlibSource(GzHandle file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}

  Result<std::size_t> read(std::span<char> into) override {
    const auto want = std::min<std::size_t>(into.size(), std::numeric_limits<int>::max());
    errno = 0;
    const int got = gzread(file_.get(), into.data(), static_cast<unsigned>(want));
    const int number = errno;
    int status = Z_OK;
    const char* text = gzerror(file_.get(), &status);
    // A file cut short gives its last bytes first and Z_BUF_ERROR beside them.
    if (got > 0) return static_cast<std::size_t>(got);
    switch (status) {
      case Z_OK:
      case Z_STREAM_END:
        return std::size_t{0};
      case Z_BUF_ERROR:
        return error(Code::corrupt, "{}: the gzip data is cut short; copy or download the file again, whole",
                     name_);
      case Z_ERRNO:
        return system_error(number, name_);
      case Z_MEM_ERROR:
        return error(Code::out_of_memory, "{}: no memory to unpack it", name_);
      default:
        return error(Code::corrupt, "{}: the gzip data is damaged ({}); copy or download the file again",
                     name_, text);
    }
  }

 private:
  GzHandle file_;
  std::string name_;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> byte_source_of(Fd fd, std::string name) {
  GzHandle file(gzdopen(fd.get(), "rb"));
  if (!file) return error(Code::out_of_memory, "{}: no memory to read it", name);
  static_cast<void>(fd.release());  // gzclose_r closes it
  gzbuffer(file.get(), kBufferBytes);
  return std::make_unique<ZlibSource>(std::move(file), std::move(name));
}

Result<std::unique_ptr<ByteSource>> open_byte_source(const std::string& path) {
  const bool is_stdin = path == "-";
  Fd fd(is_stdin ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error(errno, is_stdin ? "standard input" : path);
  return byte_source_of(std::move(fd), is_stdin ? "standard input" : path);
}

}  // namespace loom::sequence
