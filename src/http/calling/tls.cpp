#include "http/calling/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <limits>

#include "base/check.hpp"

namespace loom::http {

using boost::system::error_code;

namespace {

constexpr std::size_t kRecord = 16U << 10U;

template <auto free>
struct Free {
  template <class Held>
  void operator()(Held* held) const {
    free(held);
  }
};

/// What OpenSSL remembers of a failure, in its words.
std::string last_words() {
  std::string words;
  while (const auto code = ::ERR_get_error())
    if (const char* reason = ::ERR_reason_error_string(code); reason != nullptr) words = reason;
  return words.empty() ? "the connection ended" : words;
}

}  // namespace

/// OpenSSL reads from and writes to memory; what stands there is carried over the wire.
struct Tls::Session {
  std::unique_ptr<SSL_CTX, Free<&::SSL_CTX_free>> context;
  std::unique_ptr<SSL, Free<&::SSL_free>> ssl;
  std::unique_ptr<BIO, Free<&::BIO_free>> far;  // the wire's end of that memory

  void send_pending(Wire& wire, error_code& failed) {
    std::array<char, kRecord> block{};
    for (;;) {
      const int got = ::BIO_read(far.get(), block.data(), block.size());
      if (got <= 0) return;
      wire.send({block.data(), static_cast<std::size_t>(got)}, failed);
      if (failed) return;
    }
  }

  void feed(Wire& wire, error_code& failed) {
    std::array<char, kRecord> block{};
    // As many as there is room for, for they are not given back.
    const std::size_t room = std::min(block.size(), ::BIO_ctrl_get_write_guarantee(far.get()));
    const std::size_t came = wire.receive({block.data(), room}, failed);
    if (failed) return;
    const int taken = ::BIO_write(far.get(), block.data(), static_cast<int>(came));
    LOOM_CHECK(taken == static_cast<int>(came), "there is room for what came");
  }

  /// Does `act` until it is done: its result; 0 when `failed`. error::eof at the end of the stream,
  /// error::connection_aborted when OpenSSL gives up.
  template <class Act>
  int until_done(Wire& wire, Act act, error_code& failed) {
    for (;;) {
      ::ERR_clear_error();
      const int done = act(ssl.get());
      const int why = ::SSL_get_error(ssl.get(), done);
      failed = {};
      send_pending(wire, failed);  // an alert too, when it went wrong
      if (failed) return 0;
      if (done > 0) return done;
      if (why == SSL_ERROR_ZERO_RETURN) return failed = boost::asio::error::eof, 0;
      if (why == SSL_ERROR_WANT_READ) {
        feed(wire, failed);
        if (failed) return 0;
      } else if (why != SSL_ERROR_WANT_WRITE) {
        return failed = boost::asio::error::connection_aborted, 0;
      }
    }
  }
};

Tls::Tls(std::unique_ptr<Session> session) : session_(std::move(session)) {}
Tls::~Tls() = default;

Result<std::unique_ptr<Tls>> Tls::begin(Wire& wire, const std::string& host) {
  auto session = std::make_unique<Session>();
  session->context.reset(::SSL_CTX_new(::TLS_client_method()));
  BIO* near = nullptr;
  BIO* far = nullptr;
  const bool made = session->context && ::BIO_new_bio_pair(&near, 0, &far, 0) == 1;
  session->far.reset(far);
  if (made) session->ssl.reset(::SSL_new(session->context.get()));
  if (!made || !session->ssl) return error(Code::internal, "OpenSSL: {}", last_words());
  SSL* const ssl = session->ssl.get();
  ::SSL_set_bio(ssl, near, near);
  ::SSL_set_min_proto_version(ssl, TLS1_2_VERSION);
  ::SSL_CTX_set_default_verify_paths(session->context.get());
  ::SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  X509_VERIFY_PARAM* const wanted = ::SSL_get0_param(ssl);
  if (::X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) != 1) {
    const bool named =
        ::SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 && ::SSL_set1_host(ssl, host.c_str()) == 1;
    if (!named) return error(Code::invalid_argument, "'{}' is no host's name", host);
  }
  error_code failed;
  session->until_done(wire, [](SSL* one) { return ::SSL_connect(one); }, failed);
  if (!failed) return std::unique_ptr<Tls>(new Tls(std::move(session)));
  if (const long why = ::SSL_get_verify_result(ssl); why != X509_V_OK)
    return error(
        Code::forbidden,
        "its certificate is refused: {}. The machine's trusted authorities count, or those in the file "
        "that SSL_CERT_FILE names",
        ::X509_verify_cert_error_string(why));
  if (failed == boost::asio::error::timed_out) return error(Code::timed_out, "no answer in time");
  if (failed == boost::asio::error::connection_aborted)
    return error(Code::unavailable, "it does not speak TLS: {}", last_words());
  return error(Code::unavailable, "{}", failed.message());
}

std::size_t Tls::read(Wire& wire, boost::asio::mutable_buffer into, error_code& failed) {
  const auto most = static_cast<int>(std::min<std::size_t>(into.size(), std::numeric_limits<int>::max()));
  return static_cast<std::size_t>(
      session_->until_done(wire, [&](SSL* ssl) { return ::SSL_read(ssl, into.data(), most); }, failed));
}

void Tls::write(Wire& wire, std::string_view bytes, error_code& failed) {
  failed = {};
  while (!bytes.empty() && !failed) {
    const auto most = static_cast<int>(std::min<std::size_t>(bytes.size(), std::numeric_limits<int>::max()));
    const int sent =
        session_->until_done(wire, [&](SSL* ssl) { return ::SSL_write(ssl, bytes.data(), most); }, failed);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace loom::http
