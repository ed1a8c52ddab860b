#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "events/hub.hpp"
#include "events/listeners.hpp"
#include "events/redis/publisher.hpp"

namespace loom::events::redis {

/// The hub of a process that has not the job store's commits but the stream that a Publisher fills: tells its
/// listeners the same events in the same order, each once. It begins behind what is in the stream when it
/// connects first; after a loss it reads on where it was.
class RedisHub final : public Hub {
 public:
  /// Redis need not be there yet.
  RedisHub(const Settings& settings, StreamOptions options);
  RedisHub(const RedisHub&) = delete;
  RedisHub& operator=(const RedisHub&) = delete;
  ~RedisHub() override { link_->stop(); }

  [[nodiscard]] std::uint64_t generation() const override { return generation_.load(); }
  std::uint64_t listen(Listener listener, std::shared_ptr<void>& handle) override;

  [[nodiscard]] Health health() const { return link_->health(); }
  /// Whether it knows where it begins: from then on no event is missed that the stream keeps.
  [[nodiscard]] bool began() const { return began_.load(); }

 private:
  Status work(Connection& connection, Link& link);
  Status begin(Connection& connection);
  void tell(const Value& entries);

  const StreamOptions options_;
  std::atomic<std::uint64_t> generation_{1};
  std::atomic<bool> began_{false};
  std::string last_id_ = "0-0";  // of the link's thread
  Listeners listeners_{0};
  std::unique_ptr<Link> link_;
};

}  // namespace loom::events::redis
