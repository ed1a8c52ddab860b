#pragma once
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "events/redis/connection.hpp"

namespace loom::redis_test {

/// A real redis-server that a test starts, stops and kills; on a Unix socket of its own, or with `tcp` on a
/// free port of the loopback address. Its data are in memory only.
class RedisServer {
 public:
  static bool installed();
  RedisServer(std::filesystem::path folder, bool tcp, std::vector<std::string> more = {});
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer() { kill(); }

  /// Waits until it answers; again on the same place.
  void start();
  /// SIGKILL: what it held is gone.
  void kill();
  /// Answers nothing until go_on().
  void freeze() const;
  void go_on() const;

  [[nodiscard]] events::redis::Settings settings() const;
  /// One command on a connection of its own; it must succeed.
  [[nodiscard]] events::redis::Value run(const events::redis::Words& words) const;

 private:
  std::filesystem::path folder_;
  std::vector<std::string> more_;
  int port_ = 0;
  pid_t pid_ = -1;
};

/// Waits until `holds` does, a minute at most. Whether it does.
bool until(const std::function<bool()>& holds);

}  // namespace loom::redis_test
