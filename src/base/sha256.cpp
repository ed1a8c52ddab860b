#include "base/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.hpp"

namespace loom {

struct Sha256::State {
  State() = default;
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  EVP_MD_CTX* context = EVP_MD_CTX_new();
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  LOOM_CHECK(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1, "OpenSSL has SHA-256");
}

Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
  LOOM_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1, "hashing cannot fail");
}

std::string Sha256::hex() const {
  const State end;  // a context is of no use once its digest was taken
  std::array<unsigned char, 32> digest{};
  LOOM_CHECK(EVP_MD_CTX_copy_ex(end.context, state_->context) == 1 &&
                 EVP_DigestFinal_ex(end.context, digest.data(), nullptr) == 1,
             "hashing cannot fail");
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

std::array<unsigned char, 32> hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, 32> digest{};
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  const auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, text.size(),
                          digest.data(), nullptr);
  LOOM_CHECK(done != nullptr, "OpenSSL has HMAC-SHA256");
  return digest;
}

}  // namespace loom
