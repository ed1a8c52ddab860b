#pragma once
#include <boost/asio/buffer.hpp>
#include <boost/system/system_error.hpp>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"
#include "http/calling/tls.hpp"

namespace loom::http {

/// A blocking TCP connection, with TLS or without, whose every wait has a limit. Meets Beast's
/// SyncReadStream. Move-only; one thread.
class TimedSocket final : Wire {
 public:
  TimedSocket() = default;
  /// Tries the addresses of `host` in turn. The error says only why, for the caller to say where. Errors:
  /// unavailable, timed_out. The look-up of the name itself has the system's own limit.
  static Result<TimedSocket> connect(const std::string& host, const std::string& port, Deadline deadline);
  /// From now on in TLS, once `host` has proved its name, until `deadline`. Errors: those of Tls::begin.
  Status encrypt(const std::string& host, Deadline deadline);

  /// Of each wait from now on: `quiet` without a byte either way, and `deadline`. A request to stop ends it
  /// too.
  void limit(Duration quiet, Deadline deadline, std::stop_token stop);

  explicit operator bool() const { return static_cast<bool>(fd_); }
  void close() {
    fd_.reset();
    tls_.reset();
  }

  /// error::eof at the end, error::timed_out, error::operation_aborted when asked to stop.
  template <class Buffers>
  std::size_t read_some(const Buffers& into, boost::system::error_code& failed) {
    const boost::asio::mutable_buffer first = *boost::asio::buffer_sequence_begin(into);
    return tls_ ? tls_->read(*this, first, failed) : receive(first, failed);
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& into) {
    boost::system::error_code failed;
    const auto came = read_some(into, failed);
    if (failed) throw boost::system::system_error(failed);
    return came;
  }
  /// All of it, unless `failed`.
  void write(std::string_view bytes, boost::system::error_code& failed) {
    return tls_ ? tls_->write(*this, bytes, failed) : send(bytes, failed);
  }

 private:
  explicit TimedSocket(Fd fd) : fd_(std::move(fd)) {}
  std::size_t receive(boost::asio::mutable_buffer into, boost::system::error_code& failed) override;
  void send(std::string_view bytes, boost::system::error_code& failed) override;
  void wait(short events, boost::system::error_code& failed) const;

  Fd fd_;
  std::unique_ptr<Tls> tls_;  // null: the bytes travel as they are
  Duration quiet_ = std::chrono::hours(1);
  Deadline deadline_ = Deadline::never();
  std::stop_token stop_;
};

}  // namespace loom::http
