#pragma once
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace loom::http {

/// Bytes as they travel: what TLS is spoken over.
class Wire {
 public:
  virtual ~Wire() = default;
  /// Waits for some; error::eof at the end.
  virtual std::size_t receive(boost::asio::mutable_buffer into, boost::system::error_code& failed) = 0;
  /// All of it, unless `failed`.
  virtual void send(std::string_view bytes, boost::system::error_code& failed) = 0;
};

/// The client's side of TLS 1.2 or later (OpenSSL). The server proves its name by a certificate of an
/// authority that the machine trusts, or that SSL_CERT_FILE or SSL_CERT_DIR names. Waits wherever `wire`
/// does. One thread.
class Tls {
 public:
  /// Shakes hands with `host`, a name or an IP address. `wire` is borrowed by each call. Errors: forbidden
  /// when the server does not prove to be `host`; timed_out; unavailable.
  static Result<std::unique_ptr<Tls>> begin(Wire& wire, const std::string& host);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  /// As Wire::receive.
  std::size_t read(Wire& wire, boost::asio::mutable_buffer into, boost::system::error_code& failed);
  /// As Wire::send.
  void write(Wire& wire, std::string_view bytes, boost::system::error_code& failed);

 private:
  struct Session;
  explicit Tls(std::unique_ptr<Session> session);
  std::unique_ptr<Session> session_;
};

}  // namespace loom::http
