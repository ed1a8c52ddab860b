#include "storage/azure/encoding.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/base64.hpp"
#include "base/check.hpp"
#include "base/sha256.hpp"

namespace loom::storage::azure {
namespace {

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

EVP_MD_CTX* context_of(void* context) {
  return static_cast<EVP_MD_CTX*>(context);
}

}  // namespace

std::string hmac_sha256_base64(std::string_view key, std::string_view text) {
  const auto digest = hmac_sha256(key, text);
  return base64(std::as_bytes(std::span(digest)));
}

std::string percent_encode(std::string_view text, bool path) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (unreserved(c) || (path && c == '/')) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

void Md5::Free::operator()(void* context) const {
  EVP_MD_CTX_free(context_of(context));
}

Md5::Md5() : context_(EVP_MD_CTX_new()) {
  LOOM_CHECK(context_ && EVP_DigestInit_ex(context_of(context_.get()), EVP_md5(), nullptr) == 1,
             "OpenSSL has MD5");
}

void Md5::update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(context_of(context_.get()), bytes.data(), bytes.size());
}

Md5Digest Md5::finish() {
  Md5Digest digest{};
  EVP_DigestFinal_ex(context_of(context_.get()), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

Md5Digest Md5::of(std::span<const std::byte> bytes) {
  Md5 md5;
  md5.update(bytes);
  return md5.finish();
}

}  // namespace loom::storage::azure
