#pragma once
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <string_view>
#include <vector>

namespace loom::http {

/// Bytes read from a socket and not yet parsed, always in one piece. Grows to `most` bytes, no further.
class InputBuffer {
 public:
  explicit InputBuffer(std::size_t most) : most_(most) {}

  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] bool full() const { return size() == most_; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] boost::asio::const_buffer data() const { return {bytes_.data() + begin_, size()}; }

  /// Room to read into; only when not full. Moves what is there.
  boost::asio::mutable_buffer space() {
    if (begin_ > 0) {
      std::copy(at(begin_), at(end_), bytes_.begin());
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == bytes_.size()) bytes_.resize(std::min(most_, std::max(kFirst, 2 * bytes_.size())));
    return {bytes_.data() + end_, bytes_.size() - end_};
  }
  void commit(std::size_t bytes) { end_ += bytes; }
  void consume(std::size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void clear() { begin_ = end_ = 0; }

 private:
  static constexpr std::size_t kFirst = 2048;
  std::vector<char>::iterator at(std::size_t index) {
    return bytes_.begin() + static_cast<std::ptrdiff_t>(index);
  }

  std::size_t most_;
  std::vector<char> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace loom::http
