#pragma once
#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace loom {

/// SHA-256 of bytes that come piece by piece (OpenSSL). One thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::string_view bytes);
  /// Of all that was added so far, 64 hex digits.
  [[nodiscard]] std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);

/// HMAC-SHA256 of `text` (RFC 2104).
std::array<unsigned char, 32> hmac_sha256(std::string_view key, std::string_view text);

}  // namespace loom
