#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/azure/account.hpp"

namespace loom::storage::azure {

/// One request of the Blob service's REST interface.
struct Request {
  std::string method{};
  std::string path{};                            ///< "/container/blob", percent-encoded
  std::map<std::string, std::string> query{};    ///< names in lower case; values plain
  std::map<std::string, std::string> headers{};  ///< names in lower case; without those of signing
  std::span<const std::byte> body{};             ///< borrowed
  std::uint64_t max_reply_bytes = 64U << 10U;    ///< a longer body is an error
};

struct Reply {
  int status = 0;
  std::map<std::string, std::string, std::less<>> headers;  ///< names in lower case
  std::vector<std::byte> body;
  bool sent_before = false;  ///< an earlier attempt may have had its effect

  [[nodiscard]] bool success() const { return status >= 200 && status < 300; }
  /// "" when the reply has none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  /// The service's own code: "BlobNotFound".
  [[nodiscard]] std::string_view error_code() const { return header("x-ms-error-code"); }
};

/// What SharedKey signs ("Authorize with Shared Key", Azure Storage REST reference, 2015-02-21 and later).
/// `headers` is the request's with x-ms-date and x-ms-version.
std::string string_to_sign(const Account& account, const Request& request,
                           const std::map<std::string, std::string>& headers);

/// The URL, with the SAS if the account has one: secret then.
std::string url_of(const Account& account, const Request& request);

/// All headers to send, signed for `date` (RFC 1123).
std::map<std::string, std::string> signed_headers(const Account& account, const Request& request,
                                                  const std::string& date);

}  // namespace loom::storage::azure
