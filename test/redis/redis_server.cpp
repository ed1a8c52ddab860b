#include "redis_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"

namespace loom::redis_test {
namespace {

constexpr const char* kProgram = "/usr/bin/redis-server";

int free_port() {
  const Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  LOOM_CHECK(probe && ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                 ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0,
             "a free port of the loopback address");
  return ntohs(address.sin_port);
}

}  // namespace

bool RedisServer::installed() {
  return ::access(kProgram, X_OK) == 0;
}

RedisServer::RedisServer(std::filesystem::path folder, bool tcp, std::vector<std::string> more)
    : folder_(std::move(folder)), more_(std::move(more)), port_(tcp ? free_port() : 0) {}

void RedisServer::start() {
  std::vector<std::string> words{"redis-server",
                                 "--port",
                                 std::to_string(port_),
                                 "--bind",
                                 "127.0.0.1",
                                 "--unixsocket",
                                 "redis.sock",
                                 "--save",
                                 "",
                                 "--appendonly",
                                 "no",
                                 "--daemonize",
                                 "no"};
  words.insert(words.end(), more_.begin(), more_.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string folder = folder_.string();
  pid_ = ::fork();
  LOOM_CHECK(pid_ >= 0, "a process can be started");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::chdir(folder.c_str()) != 0) ::_exit(126);
    const int log = ::open("redis.log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (log < 0 || ::dup2(log, 1) < 0 || ::dup2(log, 2) < 0) ::_exit(126);
    ::execv(kProgram, argv.data());
    ::_exit(127);
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (;;) {
    // Its answer may be that it wants a password: it is there.
    const auto there = events::redis::Connection::open(settings(), {});
    if (there) {
      const auto answers = (*there)->run_all({{"PING"}});
      if (answers) return;
    }
    LOOM_CHECK(::waitpid(pid_, nullptr, WNOHANG) == 0 && std::chrono::steady_clock::now() < until,
               "redis-server starts");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void RedisServer::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::freeze() const {
  ::kill(pid_, SIGSTOP);
}

void RedisServer::go_on() const {
  ::kill(pid_, SIGCONT);
}

events::redis::Settings RedisServer::settings() const {
  events::redis::Settings settings;
  if (port_ == 0) {
    settings.socket = (folder_ / "redis.sock").string();
  } else {
    settings.host = "127.0.0.1";
    settings.port = static_cast<std::uint16_t>(port_);
  }
  return settings;
}

events::redis::Value RedisServer::run(const events::redis::Words& words) const {
  auto connection = events::redis::Connection::open(settings(), {});
  LOOM_CHECK(connection.has_value(), "redis-server takes connections");
  auto reply = (*connection)->run(words);
  LOOM_CHECK(reply.has_value(), reply ? "" : reply.error().message);
  return *std::move(reply);
}

bool until(const std::function<bool()>& holds) {
  const Instant end = steady_clock().now() + std::chrono::seconds(60);
  while (!holds() && steady_clock().now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return holds();
}

}  // namespace loom::redis_test

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (!loom::redis_test::RedisServer::installed()) {
    fmt::print("skipped: redis-server is not installed; ./dev setup installs it\n");
    return 77;  // what ctest counts as skipped
  }
  loom::log::set_level(loom::log::Level::error);
  return RUN_ALL_TESTS();
}
