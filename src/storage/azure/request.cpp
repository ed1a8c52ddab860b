#include "storage/azure/request.hpp"

#include <fmt/format.h>

#include <array>

#include "storage/azure/encoding.hpp"

namespace loom::storage::azure {
namespace {

/// In the service's list, and in that of Azurite 3.35.
constexpr std::string_view kVersion = "2021-12-02";

}  // namespace

std::string_view Reply::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::string string_to_sign(const Account& account, const Request& request,
                           const std::map<std::string, std::string>& headers) {
  constexpr std::array<std::string_view, 11> kSigned{"content-encoding",
                                                     "content-language",
                                                     "content-length",
                                                     "content-md5",
                                                     "content-type",
                                                     "date",
                                                     "if-modified-since",
                                                     "if-match",
                                                     "if-none-match",
                                                     "if-unmodified-since",
                                                     "range"};
  std::string text = request.method + '\n';
  for (const std::string_view name : kSigned) {
    if (name == "content-length") {
      if (!request.body.empty()) text += fmt::to_string(request.body.size());
    } else if (const auto found = headers.find(std::string(name)); found != headers.end()) {
      text += found->second;
    }
    text += '\n';
  }
  for (const auto& [name, value] : headers)
    if (name.starts_with("x-ms-")) text += fmt::format("{}:{}\n", name, value);
  text += fmt::format("/{}{}{}", account.name, account.base_path, request.path);
  for (const auto& [name, value] : request.query) text += fmt::format("\n{}:{}", name, value);
  return text;
}

std::string url_of(const Account& account, const Request& request) {
  std::string url = account.origin + account.base_path + request.path;
  char between = '?';
  for (const auto& [name, value] : request.query) {
    url += fmt::format("{}{}={}", between, name, percent_encode(value));
    between = '&';
  }
  if (!account.sas.empty()) url += between + account.sas;
  return url;
}

std::map<std::string, std::string> signed_headers(const Account& account, const Request& request,
                                                  const std::string& date) {
  auto headers = request.headers;
  headers["x-ms-date"] = date;
  headers["x-ms-version"] = kVersion;
  if (!account.key.empty())
    headers["authorization"] =
        fmt::format("SharedKey {}:{}", account.name,
                    hmac_sha256_base64(account.key, string_to_sign(account, request, headers)));
  return headers;
}

}  // namespace loom::storage::azure
