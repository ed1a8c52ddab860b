#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/fd.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"

namespace loom::service {

/// What a caller may do: a viewer reads his own jobs, a user submits and changes them too, an admin does all
/// that to everyone's. Spelt as on the wire.
enum class Role { viewer, user, admin };
std::string_view name(Role role);
std::optional<Role> parse_role(std::string_view text);

struct Caller {
  std::string name;  ///< the owner of what he submits
  Role role = Role::user;
};

enum class Action { read, change };

/// The one gate: whether `caller` may do `action` to what `owner` owns. Errors: not_found for what he may not
/// even see (so that ids cannot be tried out), forbidden for what he may only read.
Status authorise(const Caller& caller, Action action, std::string_view owner);

/// A token as it is kept: never the secret itself.
struct Token {
  std::string id;  ///< names it in lists; 8 hex digits
  std::string name;
  Role role = Role::user;
  std::string sha256;   ///< of the secret, hex
  std::string created;  ///< RFC 3339
};

/// The tokens of a server, in tokens.json of its data folder (doc/formats/tokens.md). Another process
/// (the token command) may change the file: it is read again when it changes. Of several that change it, in
/// this process or another, each waits for the one before, by a lock on tokens.json.lock; who only reads
/// takes none. Thread-safe. Blocking: on disk, and for another's change.
class Tokens {
 public:
  explicit Tokens(std::filesystem::path file) : file_(std::move(file)) {}

  /// A new token's secret ("loom_" and 43 characters of URL-safe base64: 256 random bits), shown this once.
  /// Errors: invalid_argument for a name; corrupt for the file; those of locking and writing it, after which
  /// the tokens are as before.
  Result<std::string> create(std::string_view name, Role role);
  Result<std::vector<Token>> list();
  /// Errors: not_found; else as create().
  Status remove(std::string_view id);
  /// Who holds `secret`; nullopt if no one. Compares hashes.
  Result<std::optional<Caller>> find(std::string_view secret);
  /// Whether there is none, so that a server on the loopback address asks for no login.
  Result<std::vector<Token>> current() { return list(); }

 private:
  /// Which file was read, and when it was written.
  using Stamp = std::tuple<std::uint64_t, std::int64_t, std::int64_t>;

  /// Held across load() and save(), so that no change of another process falls between.
  [[nodiscard]] Result<Fd> lock() const;
  Result<std::vector<Token>> load() REQUIRES(mutex_);
  Status save(const std::vector<Token>& tokens) REQUIRES(mutex_);

  std::filesystem::path file_;
  Mutex mutex_;
  std::optional<std::vector<Token>> known_ GUARDED_BY(mutex_);
  Stamp read_ GUARDED_BY(mutex_){};
};

}  // namespace loom::service
