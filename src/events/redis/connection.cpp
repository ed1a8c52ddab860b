#include "events/redis/connection.hpp"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.hpp"
#include "base/number.hpp"

namespace loom::events::redis {
namespace {

timeval timeval_of(std::chrono::milliseconds wait) {
  const auto count = std::max<std::chrono::milliseconds::rep>(wait.count(), 1);
  return {.tv_sec = count / 1000, .tv_usec = count % 1000 * 1000};
}

/// hiredis bounds the nesting at 7.
// NOLINTNEXTLINE(misc-no-recursion)
Value value_of(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      return {.kind = Value::Kind::text, .text = std::string(reply.str, reply.len)};
    case REDIS_REPLY_ERROR:
      return {.kind = Value::Kind::error, .text = std::string(reply.str, reply.len)};
    case REDIS_REPLY_INTEGER:
      return {.kind = Value::Kind::number, .number = reply.integer};
    case REDIS_REPLY_ARRAY: {
      Value list{.kind = Value::Kind::list};
      for (std::size_t i = 0; i < reply.elements; ++i) list.items.push_back(value_of(*reply.element[i]));
      return list;
    }
    default:
      return {};
  }
}

/// hiredis writes to a socket whose other end may be closed; the signal of that must not end the program.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;
  ~NoPipeSignal() {
    constexpr timespec kNow{};
    if (sigismember(&before_, SIGPIPE) == 0) {
      while (sigtimedwait(&pipe_, nullptr, &kNow) == SIGPIPE) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
};

Error bad_url(std::string_view why) {
  return error(Code::invalid_argument, "Redis: {}; redis://HOST[:PORT][/DATABASE] or unix:/PATH is needed",
               why);
}

bool host_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == ':';
}

}  // namespace

Result<Settings> parse_url(std::string_view url) {
  Settings settings;
  if (url.starts_with("unix:/")) {
    settings.socket = url.substr(5);
    if (settings.socket.size() >= sizeof(sockaddr_un::sun_path))
      return bad_url("the path of a socket has at most 107 bytes");
    return settings;
  }
  constexpr std::string_view kScheme = "redis://";
  if (url.starts_with("rediss:")) return bad_url("TLS is not supported; tunnel it");
  if (!url.starts_with(kScheme)) return bad_url("no such URL");
  url.remove_prefix(kScheme.size());
  if (url.find('@') != std::string_view::npos) return bad_url("a password must not stand in the URL");
  const std::size_t slash = url.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view digits = url.substr(slash + 1);
    const auto database = number_of<unsigned>(digits.empty() ? "0" : digits);
    if (!database || *database > 1023) return bad_url("the database is a number");
    settings.database = *database;
    url = url.substr(0, slash);
  }
  const std::size_t colon = url.rfind(':');
  if (colon != std::string_view::npos && !url.ends_with(']')) {
    settings.port = number_of<std::uint16_t>(url.substr(colon + 1)).value_or(0);
    if (settings.port == 0) return bad_url("the port is a number from 1 to 65535");
    url = url.substr(0, colon);
  }
  if (url.starts_with('[') && url.ends_with(']')) url = url.substr(1, url.size() - 2);
  if (url.empty() || !std::all_of(url.begin(), url.end(), host_letter)) return bad_url("no host");
  settings.host = url;
  return settings;
}

Error refused(const Value& reply) {
  const std::string_view text = reply.text;
  for (const std::string_view denied : {"NOAUTH", "WRONGPASS", "NOPERM", "ERR AUTH", "ERR invalid password"})
    if (text.starts_with(denied))
      return error(Code::forbidden, "Redis refuses us ({}); check the password and its rights",
                   text.substr(0, text.find(' ')));
  for (const std::string_view passing :
       {"LOADING", "OOM", "READONLY", "MISCONF", "BUSY", "MASTERDOWN", "CLUSTERDOWN"})
    if (text.starts_with(passing)) return error(Code::unavailable, "Redis: {}", text);
  return error(Code::internal, "Redis: {}", text);
}

Result<std::unique_ptr<Connection>> Connection::open(const Settings& settings, Patience patience) {
  redisContext* context =
      settings.socket.empty()
          ? redisConnectWithTimeout(settings.host.c_str(), settings.port, timeval_of(patience.connect))
          : redisConnectUnixWithTimeout(settings.socket.c_str(), timeval_of(patience.connect));
  if (context == nullptr) return error(Code::out_of_memory, "no memory for a connection to Redis");
  std::unique_ptr<Connection> connection(new Connection(context));
  if (context->err != 0) return connection->broken();
  if (redisSetTimeout(context, timeval_of(patience.reply)) != REDIS_OK) return connection->broken();
  if (!settings.password.empty()) LOOM_CHECKED(connection->run({"AUTH", settings.password}));
  if (settings.database != 0) LOOM_CHECKED(connection->run({"SELECT", fmt::to_string(settings.database)}));
  return connection;
}

Connection::~Connection() {
  redisFree(context_);
}

Error Connection::broken() const {
  const bool slow = context_->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK);
  return error(Code::unavailable, "Redis: {}",
               slow                 ? "no answer in time"
               : context_->err != 0 ? context_->errstr
                                    : "no answer");
}

Result<Value> Connection::run(const Words& words) {
  LOOM_TRY(std::vector<Value> replies, run_all({words}));
  if (replies.front().kind == Value::Kind::error) return refused(replies.front());
  return std::move(replies.front());
}

Status Connection::append(const Words& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  if (redisAppendCommandArgv(context_, static_cast<int>(words.size()), texts.data(), sizes.data()) !=
      REDIS_OK)
    return broken();
  return ok();
}

Status Connection::send(const Words& words) {
  const NoPipeSignal quiet;
  LOOM_CHECKED(append(words));
  for (int done = 0; done == 0;)
    if (redisBufferWrite(context_, &done) != REDIS_OK) return broken();
  return ok();
}

Result<Value> Connection::receive(std::chrono::milliseconds wait) {
  const Instant until = steady_clock().now() + wait;
  for (;;) {
    void* raw = nullptr;
    if (redisGetReplyFromReader(context_, &raw) != REDIS_OK) return broken();
    if (raw != nullptr) {
      const std::unique_ptr<void, void (*)(void*)> reply(raw, freeReplyObject);
      return value_of(*static_cast<redisReply*>(raw));
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock().now()).count();
    pollfd readable{.fd = context_->fd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&readable, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
    if (ready < 0 && errno != EINTR) return system_error(errno, "wait for Redis");
    if (ready > 0 && redisBufferRead(context_) != REDIS_OK) return broken();
    if (ready == 0 && steady_clock().now() >= until) return Value{};
  }
}

Result<std::vector<Value>> Connection::run_all(const std::vector<Words>& commands) {
  const NoPipeSignal quiet;
  for (const Words& words : commands) LOOM_CHECKED(append(words));
  std::vector<Value> replies;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    void* raw = nullptr;
    if (redisGetReply(context_, &raw) != REDIS_OK || raw == nullptr) return broken();
    const std::unique_ptr<void, void (*)(void*)> reply(raw, freeReplyObject);
    replies.push_back(value_of(*static_cast<redisReply*>(raw)));
  }
  return replies;
}

void Connection::interrupt() {
  ::shutdown(context_->fd, SHUT_RDWR);
}

}  // namespace loom::events::redis
