#pragma once
#include <string>
#include <string_view>

#include "base/atomic_file.hpp"
#include "base/result.hpp"

namespace loom::render {

/// Buffered bytes into an output file that it borrows. Nothing is sure to have reached the file before
/// flush(). Thread-safety: one thread at a time. Blocking: on disk or pipe.
class Sink {
 public:
  explicit Sink(AtomicFile& file) : file_(file) { buffer_.reserve(kBufferBytes); }

  Status write(std::string_view text) {
    bytes_ += text.size();
    if (buffer_.size() + text.size() > kBufferBytes) LOOM_CHECKED(flush());
    if (text.size() >= kBufferBytes) return file_.write(text);
    buffer_ += text;
    return ok();
  }

  Status flush() {
    if (buffer_.empty()) return ok();
    Status written = file_.write(buffer_);
    buffer_.clear();
    return written;
  }

  /// All that was written so far, flushed or not.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
  AtomicFile& file_;
  std::string buffer_;
  std::uint64_t bytes_ = 0;
};

}  // namespace loom::render
