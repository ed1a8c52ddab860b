#include "storage/azure/account.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "base/base64.hpp"
#include "storage/azure/encoding.hpp"

namespace loom::storage::azure {
namespace {

bool lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/// `text` for a message: cut, and printable.
std::string shown(std::string_view text) {
  constexpr std::size_t kMaxShown = 80;
  std::string safe(text.substr(0, kMaxShown));
  std::replace_if(safe.begin(), safe.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return safe;
}

struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlFree>;

std::string part_of(const Url& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

bool is_loopback(const std::string& host) {
  const bool v4 = host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
  return v4 || host == "localhost" || host == "[::1]";
}

Error bad_endpoint(std::string_view text, std::string_view why) {
  // Whatever stands before '@' or behind '?' may be a secret.
  const bool secret = text.find_first_of("@?#") != std::string_view::npos;
  return error(Code::invalid_argument,
               "Azure endpoint {}: {}; it looks like https://ACCOUNT.blob.core.windows.net",
               secret ? std::string("(not shown)") : "'" + shown(text) + "'", why);
}

Status read_endpoint(const Settings& settings, Account& account) {
  const std::string text = settings.endpoint.empty()
                               ? fmt::format("https://{}.blob.core.windows.net", settings.account)
                               : settings.endpoint;
  const Url url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    return bad_endpoint(text, "no URL");
  const std::string scheme = part_of(url, CURLUPART_SCHEME);
  const std::string host = part_of(url, CURLUPART_HOST);
  const std::string port = part_of(url, CURLUPART_PORT);
  if (scheme != "https" && scheme != "http") return bad_endpoint(text, "neither https nor http");
  if (text.find_first_of("?#@") != std::string::npos)
    return bad_endpoint(text, "has a user, a query or a fragment, which belong elsewhere");
  account.loopback = is_loopback(host);
  if (scheme == "http" && !account.loopback && !settings.plain_http)
    return bad_endpoint(text, "http sends data unencrypted, which needs an explicit permission");
  account.origin = scheme + "://" + host + (port.empty() ? "" : ":" + port);
  account.base_path = part_of(url, CURLUPART_PATH);
  while (account.base_path.ends_with('/')) account.base_path.pop_back();
  const auto plain = [](char c) { return lower_or_digit(c) || c == '/' || c == '-' || c == '.' || c == '_'; };
  if (!std::all_of(account.base_path.begin(), account.base_path.end(), plain))
    return bad_endpoint(text, "its path has other letters than a-z, 0-9, '-', '.', '_' and '/'");
  return ok();
}

/// A SAS is a query string; "sig" is what makes it one.
Status read_sas(std::string_view text, Account& account) {
  if (text.starts_with('?')) text.remove_prefix(1);
  const auto query = [](char c) { return c > ' ' && c <= '~' && c != '#' && c != '"' && c != '\\'; };
  const bool signed_ = text.starts_with("sig=") || text.find("&sig=") != std::string_view::npos;
  if (!signed_ || !std::all_of(text.begin(), text.end(), query))
    return error(Code::invalid_argument,
                 "Azure SAS: a query string with sv=…&sig=… is needed, as the portal or "
                 "'az storage container generate-sas' gives it (not shown here: it is secret)");
  account.sas = text;
  return ok();
}

}  // namespace

Status check_account_name(std::string_view name) {
  constexpr std::size_t kLeast = 3;
  constexpr std::size_t kMost = 24;
  if (name.size() >= kLeast && name.size() <= kMost && std::all_of(name.begin(), name.end(), lower_or_digit))
    return ok();
  return error(Code::invalid_argument, "Azure account '{}': 3 to 24 of a-z and 0-9 are needed", shown(name));
}

Status check_container_name(std::string_view name) {
  constexpr std::size_t kLeast = 3;
  constexpr std::size_t kMost = 63;
  const bool letters =
      std::all_of(name.begin(), name.end(), [](char c) { return lower_or_digit(c) || c == '-'; });
  if (name.size() >= kLeast && name.size() <= kMost && letters && name.front() != '-' && name.back() != '-' &&
      name.find("--") == std::string_view::npos)
    return ok();
  return error(Code::invalid_argument,
               "Azure container '{}': 3 to 63 of a-z, 0-9 and single hyphens between them are needed",
               shown(name));
}

Result<Account> check(const Settings& settings) {
  LOOM_CHECKED(check_account_name(settings.account));
  LOOM_CHECKED(check_container_name(settings.container));
  Account account;
  account.name = settings.account;
  account.ca_file = settings.ca_file;
  LOOM_CHECKED(read_endpoint(settings, account));
  if (settings.key.empty() == settings.sas.empty())
    return error(
        Code::invalid_argument, "Azure account '{}': {}; give an account key or a SAS", account.name,
        settings.key.empty() ? "neither a key nor a SAS is there" : "both a key and a SAS are there");
  if (!settings.sas.empty()) {
    LOOM_CHECKED(read_sas(settings.sas, account));
    return account;
  }
  auto key = from_base64(settings.key);
  if (!key || key->empty())
    return error(Code::invalid_argument,
                 "Azure account '{}': the key is not base64 (not shown: it is secret)", account.name);
  account.key = *std::move(key);
  return account;
}

}  // namespace loom::storage::azure
