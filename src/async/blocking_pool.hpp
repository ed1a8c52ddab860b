#pragma once
#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <exception>
#include <optional>
#include <shared_mutex>
#include <utility>

#include "base/result.hpp"

namespace loom::async {

/// Threads for calls that block, so that io threads never do. Bounded: past `most_waiting` calls are refused
/// with unavailable. Thread-safe. The destructor waits for what runs and for what waits to run.
class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads, std::size_t most_waiting = 10'000);
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Runs `call` (which returns a Result) on the pool and resumes the caller on its own executor. What `call`
  /// throws is thrown there. Before that executor's context dies, call settle().
  template <class Call>
  boost::asio::awaitable<decltype(std::declval<Call&>()())> run(Call call);

  /// Returns when no thread of the pool is within a resumption that began before: a caller may have resumed,
  /// and ended its context, while the thread that woke it has not quite let go of it. Waits microseconds.
  void settle();

 private:
  Status enter();
  void begin() { waiting_.fetch_sub(1, std::memory_order_relaxed); }

  const std::size_t most_waiting_;
  std::atomic<std::size_t> waiting_{0};
  std::shared_mutex resuming_;  // shared while a caller is resumed
  boost::asio::thread_pool pool_;
};

template <class Call>
boost::asio::awaitable<decltype(std::declval<Call&>()())> BlockingPool::run(Call call) {
  using Outcome = decltype(call());
  using Answer = std::optional<Outcome>;
  auto entered = enter();
  if (!entered) co_return std::move(entered.error());
  auto start = [this](auto done, Call work) {
    auto task = [this, done = std::move(done), work = std::move(work)]() mutable {
      begin();
      std::exception_ptr thrown;
      Answer answer;
      try {
        answer.emplace(work());
      } catch (...) {
        thrown = std::current_exception();
      }
      auto home = boost::asio::get_associated_executor(done);
      auto finish = [done = std::move(done), thrown = std::move(thrown),
                     answer = std::move(answer)]() mutable {
        std::move(done)(std::move(thrown), std::move(answer));
      };
      const std::shared_lock resuming(resuming_);
      boost::asio::post(home, std::move(finish));
    };
    boost::asio::post(pool_, std::move(task));
  };
  using Signature = void(std::exception_ptr, Answer);
  Answer answer = co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, Signature>(
      std::move(start), boost::asio::use_awaitable, std::move(call));
  co_return *std::move(answer);
}

}  // namespace loom::async
