#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace loom::storage::azure {

/// HMAC-SHA256 of `text` (RFC 2104), in base64.
std::string hmac_sha256_base64(std::string_view key, std::string_view text);

/// All but letters, digits and -._~ becomes %XX (RFC 3986); '/' stays when `path`.
std::string percent_encode(std::string_view text, bool path = false);

using Md5Digest = std::array<std::byte, 16>;

/// MD5 against damage on the way, which is what the service offers; it proves nothing against malice. One
/// thread at a time.
class Md5 {
 public:
  Md5();
  void update(std::span<const std::byte> bytes);
  /// Once.
  Md5Digest finish();
  static Md5Digest of(std::span<const std::byte> bytes);

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};

}  // namespace loom::storage::azure
