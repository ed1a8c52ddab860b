#include "lying_proxy.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.hpp"

namespace loom::azure_test {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool send_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Appends what comes; false at the end.
bool receive(int from, std::string& into) {
  std::array<char, 65536> part{};
  const ssize_t got = ::recv(from, part.data(), part.size(), 0);
  if (got <= 0) return false;
  into.append(part.data(), static_cast<std::size_t>(got));
  return true;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// Where the value of a header is in `head`, or npos.
std::size_t value_at(const std::string& head, const std::string& name) {
  const std::size_t at = lower(head).find("\r\n" + name + ":");
  return at == std::string::npos ? at : head.find_first_not_of(' ', at + name.size() + 3);
}

std::size_t body_bytes(const std::string& head) {
  const std::size_t at = value_at(head, "content-length");
  std::size_t size = 0;
  if (at != std::string::npos) std::from_chars(head.data() + at, head.data() + head.size(), size);
  return size;
}

/// One whole request, or "".
std::string read_request(int from, std::size_t& head_bytes) {
  std::string text;
  while ((head_bytes = text.find("\r\n\r\n")) == std::string::npos)
    if (!receive(from, text)) return {};
  head_bytes += 4;
  const std::size_t size = head_bytes + body_bytes(text.substr(0, head_bytes));
  while (text.size() < size)
    if (!receive(from, text)) return {};
  return text;
}

std::string ask(int port, std::string request) {
  request.insert(request.find("\r\n") + 2, "Connection: close\r\n");
  const Fd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  std::string reply;
  if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      !send_all(server.get(), request))
    return reply;
  while (receive(server.get(), reply)) {
  }
  return reply;
}

/// Sends `reply` as the lie wants it.
void answer(int client, const std::string& reply, const Lie& lie, const std::atomic<bool>& stopping) {
  const std::size_t head_bytes = reply.find("\r\n\r\n") + 4;
  std::string head = reply.substr(0, head_bytes);
  std::string body = reply.substr(head_bytes);
  if (!lie.header.empty()) {
    const std::size_t at = value_at(head, lie.header);
    if (at != std::string::npos) head.replace(at, head.find("\r\n", at) - at, lie.value);
  }
  if (lie.flip && !body.empty()) body[body.size() / 2] = static_cast<char>(body[body.size() / 2] ^ 1);
  if (lie.cut_after) body.resize(std::min(body.size(), *lie.cut_after));
  if (!send_all(client, head)) return;
  if (lie.drip.count() == 0) {
    send_all(client, body);
    return;
  }
  for (std::size_t i = 0; i < body.size() && !stopping && send_all(client, body.substr(i, 1)); ++i)
    std::this_thread::sleep_for(lie.drip);
}

}  // namespace

LyingProxy::LyingProxy(int server_port, Script script)
    : server_port_(server_port),
      listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      script_(std::move(script)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  LOOM_CHECK(::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                 ::listen(listening_.get(), 64) == 0 &&
                 ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0,
             "a free port of the loopback address");
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { accept_all(); });
}

LyingProxy::~LyingProxy() {
  stopping_ = true;
  ::shutdown(listening_.get(), SHUT_RDWR);
  accepting_.join();
  for (std::thread& thread : serving_) thread.join();
}

void LyingProxy::set_script(Script script) {
  const MutexLock lock(mutex_);
  script_ = std::move(script);
}

std::vector<Seen> LyingProxy::seen() {
  const MutexLock lock(mutex_);
  return seen_;
}

void LyingProxy::forget() {
  const MutexLock lock(mutex_);
  seen_.clear();
}

void LyingProxy::accept_all() {
  while (!stopping_) {
    Fd client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;
    serving_.emplace_back([this, held = std::make_shared<Fd>(std::move(client))] { serve(*held); });
  }
}

void LyingProxy::serve(const Fd& client) {
  std::size_t head_bytes = 0;
  const std::string request = read_request(client.get(), head_bytes);
  if (request.empty()) return;
  Seen seen;
  const std::size_t space = request.find(' ');
  seen.method = request.substr(0, space);
  seen.target = request.substr(space + 1, request.find(' ', space + 1) - space - 1);
  seen.body_bytes = request.size() - head_bytes;
  Lie lie;
  {
    const MutexLock lock(mutex_);
    seen.number = static_cast<int>(seen_.size());
    seen_.push_back(seen);
    lie = script_ ? script_(seen) : Lie{};
  }
  if (!lie.instead.empty()) {
    send_all(client.get(), lie.instead);
    return;
  }
  const std::string reply = ask(server_port_, request);
  if (!lie.lose_reply && !reply.empty()) answer(client.get(), reply, lie, stopping_);
}

}  // namespace loom::azure_test
