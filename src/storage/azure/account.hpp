#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace loom::storage::azure {

/// What an operator says of where the objects are; nothing of it is trusted before check().
struct Settings {
  std::string account{};    ///< 3 to 24 of a-z and 0-9
  std::string container{};  ///< 3 to 63 of a-z, 0-9 and single hyphens between them
  std::string key{};        ///< of the account, base64; secret
  std::string sas{};        ///< or a shared access signature for the container; secret
  std::string endpoint{};   ///< URL of the blob service; "": https://ACCOUNT.blob.core.windows.net
  std::string ca_file{};    ///< PEM of the authorities to trust; "": the machine's
  bool plain_http = false;  ///< allow http:// to other machines than this one; else only to the loopback
};

/// An account that may be spoken to. Holds secrets: never print `key` or `sas`.
struct Account {
  std::string name;
  std::string origin;     ///< "https://HOST[:PORT]"
  std::string base_path;  ///< what the endpoint's URL has behind that, "" or "/…": part of what is signed
  std::string key;        ///< bytes; "" when there is a SAS
  std::string sas;        ///< query text without '?'; "" when there is a key
  std::string ca_file;
  bool loopback = false;
};

/// Errors: invalid_argument, naming the setting, never the secrets.
Status check_account_name(std::string_view name);
Status check_container_name(std::string_view name);
Result<Account> check(const Settings& settings);

}  // namespace loom::storage::azure
