#include "service/access.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "base/atomic_file.hpp"
#include "base/random.hpp"
#include "base/sha256.hpp"
#include "base/time_text.hpp"

namespace loom::service {

namespace json = boost::json;

std::string_view name(Role role) {
  switch (role) {
    case Role::viewer:
      return "viewer";
    case Role::user:
      return "user";
    case Role::admin:
      return "admin";
  }
  return "";
}

std::optional<Role> parse_role(std::string_view text) {
  for (const Role role : {Role::viewer, Role::user, Role::admin})
    if (name(role) == text) return role;
  return std::nullopt;
}

Status authorise(const Caller& caller, Action action, std::string_view owner) {
  if (caller.role == Role::admin) return ok();
  if (caller.name != owner) return error(Code::not_found, "there is no such job, or it is not yours");
  if (action == Action::change && caller.role == Role::viewer)
    return error(Code::forbidden, "a viewer's token can only read; use a token of role user");
  return ok();
}

namespace {

constexpr std::size_t kLongestName = 64;

std::string base64url(std::span<const unsigned char> bytes) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  unsigned value = 0;
  int bits = 0;
  for (const unsigned char byte : bytes) {
    value = (value << 8U) | byte;
    for (bits += 8; bits >= 6; bits -= 6) text += kLetters[(value >> static_cast<unsigned>(bits - 6)) & 63U];
  }
  if (bits > 0) text += kLetters[(value << static_cast<unsigned>(6 - bits)) & 63U];
  return text;
}

std::string new_secret() {
  std::array<unsigned char, 32> bytes{};
  fill_random(bytes);
  return "loom_" + base64url(bytes);
}

Result<Token> read_token(const json::value& value) {
  const auto role = parse_role(std::string(value.at("role").as_string()));
  if (!role) return error(Code::corrupt, "a token has no role");
  // It is a key too (api/ticket.hpp): an empty one, say, would be known to everybody.
  const std::string sha256(value.at("sha256").as_string());
  const bool whole = sha256.size() == 64 && sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!whole) return error(Code::corrupt, "a token's sha256 is not 64 hex digits");
  return Token{.id = std::string(value.at("id").as_string()),
               .name = std::string(value.at("name").as_string()),
               .role = *role,
               .sha256 = sha256,
               .created = std::string(value.at("created").as_string())};
}

}  // namespace

Result<Fd> Tokens::lock() const {
  const std::string path = file_.string() + ".lock";
  Fd held(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!held) return system_error(errno, "lock the tokens with " + path);
  while (::flock(held.get(), LOCK_EX) != 0)
    if (errno != EINTR) return system_error(errno, "lock the tokens with " + path);
  return held;
}

Result<std::vector<Token>> Tokens::load() {
  struct stat now{};
  if (::stat(file_.c_str(), &now) != 0) {
    const int why = errno;
    known_ = std::vector<Token>{};
    read_ = {};
    if (why == ENOENT) return *known_;
    return system_error(why, "read the tokens in " + file_.string());
  }
  // The time alone is too coarse: two changes may bear the same.
  const Stamp stamp{now.st_ino, now.st_mtim.tv_sec, now.st_mtim.tv_nsec};
  if (known_ && stamp == read_) return *known_;
  std::ifstream in(file_, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  std::vector<Token> tokens;
  try {
    const json::value whole = json::parse(text.str());
    for (const json::value& one : whole.at("tokens").as_array()) {
      LOOM_TRY(Token token, read_token(one));
      tokens.push_back(std::move(token));
    }
  } catch (const std::exception& e) {
    return error(Code::corrupt, "{}: {}; restore it from a backup, or remove it and make new tokens",
                 file_.string(), e.what());
  }
  known_ = tokens;
  read_ = stamp;
  return tokens;
}

Status Tokens::save(const std::vector<Token>& tokens) {
  json::array list;
  for (const Token& token : tokens)
    list.push_back(json::object{{"id", token.id},
                                {"name", token.name},
                                {"role", std::string(name(token.role))},
                                {"sha256", token.sha256},
                                {"created", token.created}});
  LOOM_TRY(AtomicFile file, AtomicFile::create(file_));
  LOOM_CHECKED(file.write(json::serialize(json::object{{"tokens", std::move(list)}}) + "\n"));
  known_.reset();
  return file.commit();
}

Result<std::string> Tokens::create(std::string_view owner, Role role) {
  const bool plain = std::ranges::all_of(owner, [](char c) { return c > ' ' && c <= '~'; });
  if (owner.empty() || owner.size() > kLongestName || !plain)
    return error(Code::invalid_argument, "a token's name is 1 to {} printable characters without blanks",
                 kLongestName);
  const MutexLock locking(mutex_);
  LOOM_TRY(const Fd held, lock());
  LOOM_TRY(std::vector<Token> tokens, load());
  std::string secret = new_secret();
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  tokens.push_back({.id = sha256_hex(secret + "/id").substr(0, 8),
                    .name = std::string(owner),
                    .role = role,
                    .sha256 = sha256_hex(secret),
                    .created = time_text(now)});
  LOOM_CHECKED(save(tokens));
  return secret;
}

Result<std::vector<Token>> Tokens::list() {
  const MutexLock locking(mutex_);
  return load();
}

Status Tokens::remove(std::string_view id) {
  const MutexLock locking(mutex_);
  LOOM_TRY(const Fd held, lock());
  LOOM_TRY(std::vector<Token> tokens, load());
  if (std::erase_if(tokens, [&](const Token& token) { return token.id == id; }) == 0)
    return error(Code::not_found, "there is no token '{}'; 'blastloom token list' names them", id);
  return save(tokens);
}

Result<std::optional<Caller>> Tokens::find(std::string_view secret) {
  LOOM_TRY(const std::vector<Token> tokens, list());
  const std::string hash = sha256_hex(secret);
  for (const Token& token : tokens) {
    if (token.sha256.size() == hash.size() &&
        CRYPTO_memcmp(token.sha256.data(), hash.data(), hash.size()) == 0)
      return std::optional(Caller{token.name, token.role});
  }
  return std::optional<Caller>{};
}

}  // namespace loom::service
