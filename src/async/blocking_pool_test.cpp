#include "async/blocking_pool.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <stdexcept>
#include <thread>

namespace loom::async {
namespace {

namespace net = boost::asio;

// Runs `life` on an io_context of this thread and gives its value, or throws what it threw.
template <class T>
T finish(BlockingPool& pool, net::awaitable<T> life) {
  net::io_context io;
  auto future = net::co_spawn(io, std::move(life), net::use_future);
  io.run();
  pool.settle();
  return future.get();
}

TEST(BlockingPool, RunsElsewhereAndResumesAtHome) {
  BlockingPool pool(2);
  const auto home = std::this_thread::get_id();
  const auto life = [&]() -> net::awaitable<std::thread::id> {
    const auto where = [] { return Result<std::thread::id>(std::this_thread::get_id()); };
    const auto there = co_await pool.run(where);
    EXPECT_EQ(std::this_thread::get_id(), home);
    co_return *there;
  };
  EXPECT_NE(finish(pool, life()), home);
}

TEST(BlockingPool, PassesErrorsOn) {
  BlockingPool pool(1);
  const auto call = [] { return Status(error(Code::not_found, "no such file")); };
  const auto done = finish(pool, pool.run(call));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::not_found);
}

TEST(BlockingPool, ThrowsAtTheCaller) {
  BlockingPool pool(1);
  const auto call = []() -> Status { throw std::runtime_error("boom"); };
  EXPECT_THROW((void)finish(pool, pool.run(call)), std::runtime_error);
}

TEST(BlockingPool, RefusesPastItsBound) {
  BlockingPool pool(1, 1);
  std::promise<void> running;
  std::promise<void> go_on;
  const auto hold = [&] {
    running.set_value();
    go_on.get_future().wait();
    return ok();
  };
  net::io_context io;
  auto first = net::co_spawn(io, pool.run(hold), net::use_future);
  io.poll();
  running.get_future().wait();  // it runs: it waits no more
  auto second = net::co_spawn(io, pool.run([] { return ok(); }), net::use_future);
  auto third = net::co_spawn(io, pool.run([] { return ok(); }), net::use_future);
  io.poll();
  const auto refused = third.get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  go_on.set_value();
  io.run();
  pool.settle();
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
}

TEST(BlockingPool, ManyCallersEachGetTheirOwnAnswer) {
  BlockingPool pool(4);
  net::io_context io;
  std::vector<std::future<Result<int>>> futures;
  for (int i = 0; i < 1000; ++i) {
    futures.push_back(net::co_spawn(io, pool.run([i] { return Result<int>(i); }), net::use_future));
  }
  io.run();
  pool.settle();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(*futures[static_cast<std::size_t>(i)].get(), i);
}

}  // namespace
}  // namespace loom::async
