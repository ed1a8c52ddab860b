#include "storage/azure/encoding.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/sha256.hpp"

namespace loom::storage::azure {
namespace {

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

EVP_MD_CTX* context_of(void* context) {
  return static_cast<EVP_MD_CTX*>(context);
}

}  // namespace

std::string base64(std::span<const std::byte> bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  const std::size_t padding = text.size() - std::min(text.find_last_not_of('=') + 1, text.size());
  const auto letter = [](char c) {
    return (unreserved(c) && c != '-' && c != '.' && c != '_' && c != '~') || c == '+' || c == '/';
  };
  if (text.size() % 4 != 0 || padding > 2 ||
      !std::all_of(text.begin(), text.end() - static_cast<std::ptrdiff_t>(padding), letter))
    return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), raw(text),
                                     static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

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
