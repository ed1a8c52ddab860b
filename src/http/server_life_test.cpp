// Limits on connections, stopping, event streams, and everything at once.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <future>
#include <map>

#include "base/mutex.hpp"
#include "http/http_under_test.hpp"

namespace loom::http {
namespace {

using boost::beast::http::verb;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

net::awaitable<Response> greet(Request&) {
  Response response;
  response.body = "hello";
  co_return response;
}

/// Sends what it is told to all who listen. Subscriptions end by themselves.
class Hub : public std::enable_shared_from_this<Hub> {
 public:
  void publish(const std::string& text) {
    const auto frames = std::make_shared<const std::string>(text);
    const MutexLock lock(mutex_);
    for (const auto& [key, sink] : sinks_) sink->send(frames);
  }
  void close_all() {
    const MutexLock lock(mutex_);
    for (const auto& [key, sink] : sinks_) sink->close();
  }
  std::size_t listeners() {
    const MutexLock lock(mutex_);
    return sinks_.size();
  }
  std::shared_ptr<void> subscribe(const std::shared_ptr<EventSink>& sink) {
    const MutexLock lock(mutex_);
    const int key = next_++;
    sinks_[key] = sink;
    return {nullptr, [hub = shared_from_this(), key](void*) {
              const MutexLock inner(hub->mutex_);
              hub->sinks_.erase(key);
            }};
  }
  Route route() {
    const auto handler = [hub = shared_from_this()](Request&) -> net::awaitable<Response> {
      Response response;
      response.body =
          EventStream([hub](const std::shared_ptr<EventSink>& sink) { return hub->subscribe(sink); });
      co_return response;
    };
    return {verb::get, "/events", handler};
  }

 private:
  Mutex mutex_;
  std::map<int, std::shared_ptr<EventSink>> sinks_ GUARDED_BY(mutex_);
  int next_ GUARDED_BY(mutex_) = 0;
};

struct Fixture {
  explicit Fixture(ServerOptions options = {}, std::vector<Route> more = {})
      : server(std::move(options), routes(std::move(more))) {}
  std::vector<Route> routes(std::vector<Route> all) const {
    all.push_back({verb::get, "/hello", greet});
    all.push_back(hub->route());
    return all;
  }
  RawClient listen(int receive_buffer = 0) const {
    RawClient raw(server.port(), receive_buffer);
    raw.get("/events", "Accept-Encoding: gzip\r\n");
    return raw;
  }
  std::shared_ptr<Hub> hub = std::make_shared<Hub>();
  RunningServer server;
};

TEST(Listen, SaysWhyItCannot) {
  async::BlockingPool pool(1);
  ServerOptions options;
  options.host = "no address";
  EXPECT_EQ(Server::listen(options, {}, greet, pool).error().code, Code::invalid_argument);
  options.host = "127.0.0.1";
  const auto first = Server::listen(options, {}, greet, pool);
  ASSERT_TRUE(first);
  options.port = (*first)->port();
  EXPECT_EQ(Server::listen(options, {}, greet, pool).error().code, Code::conflict);
  options.threads = 2;
  EXPECT_EQ(Server::listen(options, {}, greet, pool).error().code, Code::conflict);
}

TEST(Listen, SharedPortIsTakenForOthers) {
  async::BlockingPool pool(1);
  ServerOptions options;
  options.threads = 2;
  const auto first = Server::listen(options, {}, greet, pool);
  ASSERT_TRUE(first);
  options.port = (*first)->port();
  EXPECT_EQ(Server::listen(options, {}, greet, pool).error().code, Code::conflict);
}

TEST(Connections, AreLimited) {
  ServerOptions options;
  options.max_connections = 2;
  const Fixture on(options);
  RawClient first(on.server.port());
  RawClient second(on.server.port());
  first.get("/hello");
  second.get("/hello");
  EXPECT_EQ(first.reply().status, 200);
  EXPECT_EQ(second.reply().status, 200);
  RawClient third(on.server.port());
  EXPECT_EQ(third.reply().status, 503);
  third.close();
  second.close();
  EXPECT_TRUE(eventually([&] {
    RawClient again(on.server.port());
    again.get("/hello");
    return again.reply().status == 200;
  }));
}

TEST(Connections, AreClosedWhenIdle) {
  ServerOptions options;
  options.idle_timeout = seconds(1);
  Fixture on(options);
  RawClient raw(on.server.port());
  raw.get("/hello");
  EXPECT_EQ(raw.reply().status, 200);
  EXPECT_TRUE(raw.ended());
  EXPECT_TRUE(eventually([&] { return on.server->connections() == 0; }));
}

// A handler that waits until it is released.
struct Gate {
  std::atomic<bool> entered = false;
  std::atomic<bool> open = false;
  Route route() {
    const auto handler = [this](Request&) -> net::awaitable<Response> {
      entered = true;
      net::steady_timer timer(co_await net::this_coro::executor);
      while (!open) {
        timer.expires_after(milliseconds(1));
        co_await timer.async_wait(net::use_awaitable);
      }
      Response response;
      response.body = "late";
      co_return response;
    };
    return {verb::get, "/late", handler};
  }
};

TEST(Stop, LetsAnswersUnderWayFinish) {
  Gate gate;
  Fixture on({}, {gate.route()});
  RawClient late(on.server.port());
  RawClient idle(on.server.port());
  RawClient listener = on.listen();
  EXPECT_EQ(listener.head().status, 200);
  idle.get("/hello");
  EXPECT_EQ(idle.reply().status, 200);
  late.get("/late");
  EXPECT_TRUE(eventually([&] { return gate.entered.load(); }));
  std::thread stopping([&] { on.server.stop(seconds(60)); });
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(listener.ended());
  gate.open = true;
  const auto reply = late.reply();
  EXPECT_EQ(reply.body, "late");
  EXPECT_EQ(reply.field("Connection"), "close");
  stopping.join();
  EXPECT_EQ(on.server->connections(), 0U);
  EXPECT_EQ(on.hub->listeners(), 0U);
}

TEST(Stop, ClosesAfterTheGrace) {
  Gate gate;
  Fixture on({}, {gate.route()});
  RawClient late(on.server.port());
  late.get("/late");
  EXPECT_TRUE(eventually([&] { return gate.entered.load(); }));
  on.server->stop(milliseconds(10));
  EXPECT_TRUE(late.ended());
  gate.open = true;
}

TEST(Stop, EndsWhatHandlersWaitForAfterTheGrace) {
  Gate never;  // opens
  Fixture on({}, {never.route()});
  RawClient late(on.server.port());
  late.get("/late");
  EXPECT_TRUE(eventually([&] { return never.entered.load(); }));
  on.server.stop(milliseconds(10));  // until the last connection has ended
  EXPECT_TRUE(late.ended());
  EXPECT_EQ(on.server->connections(), 0U);
  const auto told = on.server.told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].status, 503) << "not a failure of the handler";
}

TEST(Stop, BeforeRunEndsIt) {
  async::BlockingPool pool(1);
  ServerOptions options;
  options.threads = 2;
  const auto server = Server::listen(options, {}, greet, pool);
  (*server)->stop(seconds(1));
  (*server)->run();
}

TEST(Events, ReachAllListeners) {
  ServerOptions options;
  options.threads = 2;
  Fixture on(options);
  std::vector<RawClient> listeners;
  for (int i = 0; i < 200; ++i) listeners.push_back(on.listen());
  for (auto& listener : listeners) {
    const auto head = listener.head();
    EXPECT_EQ(head.field("Content-Type"), "text/event-stream");
    EXPECT_EQ(head.field("Cache-Control"), "no-cache");
    EXPECT_EQ(head.field("Content-Encoding"), "");
  }
  EXPECT_TRUE(eventually([&] { return on.hub->listeners() == 200; }));
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const auto frame = fmt::format("id: {}\ndata: something\n\n", i);
    on.hub->publish(frame);
    all += frame;
  }
  for (auto& listener : listeners) EXPECT_EQ(listener.exactly(all.size()), all);
  on.hub->close_all();
  for (auto& listener : listeners) EXPECT_TRUE(listener.ended());
  EXPECT_TRUE(eventually([&] { return on.hub->listeners() == 0; }));
  EXPECT_TRUE(eventually([&] { return on.server.told().size() == 200; }));
  EXPECT_EQ(on.server.told()[0].sent_bytes, all.size());
}

TEST(Events, DropSlowListenersOnly) {
  ServerOptions options;
  options.max_event_bytes = 256U << 10U;
  Fixture on(options);
  RawClient slow = on.listen(4096);
  RawClient quick = on.listen();
  EXPECT_EQ(slow.head().status, 200);
  EXPECT_EQ(quick.head().status, 200);
  EXPECT_TRUE(eventually([&] { return on.hub->listeners() == 2; }));
  const std::string frame = "data: " + std::string(10'000, 'x') + "\n\n";
  int sent = 0;
  for (; on.hub->listeners() == 2 && sent < 10'000; ++sent) {
    on.hub->publish(frame);
    EXPECT_EQ(quick.exactly(frame.size()), frame);
  }
  EXPECT_EQ(on.hub->listeners(), 1U) << "after " << sent;
  on.hub->publish("data: still here\n\n");
  EXPECT_EQ(quick.until("here\n\n"), "data: still here\n\n");
}

TEST(Events, EndWhenTheClientGoes) {
  Fixture on;
  RawClient listener = on.listen();
  EXPECT_EQ(listener.head().status, 200);
  EXPECT_TRUE(eventually([&] { return on.hub->listeners() == 1; }));
  listener.close();
  EXPECT_TRUE(eventually([&] { return on.hub->listeners() == 0; }));
  on.hub->publish("data: nobody\n\n");
}

TEST(Events, BeatWhenSilent) {
  ServerOptions options;
  options.heartbeat = seconds(1);
  const Fixture on(options);
  RawClient listener = on.listen();
  EXPECT_EQ(listener.head().status, 200);
  EXPECT_EQ(listener.exactly(8), ": \n\n: \n\n");
}

TEST(Events, SinkMayOutliveTheServer) {
  std::shared_ptr<EventSink> kept;
  {
    std::promise<std::shared_ptr<EventSink>> sinks;
    const auto handler = [&](Request&) -> net::awaitable<Response> {
      Response response;
      response.body = EventStream([&](std::shared_ptr<EventSink> sink) {
        sink->send(std::make_shared<const std::string>("data: first\n\n"));
        sinks.set_value(std::move(sink));
        return nullptr;
      });
      co_return response;
    };
    const Fixture on({}, {{verb::get, "/mine", handler}});
    RawClient raw(on.server.port());
    raw.get("/mine");
    EXPECT_THAT(raw.until("first\n\n"), HasSubstr("data: first"));
    kept = sinks.get_future().get();
  }
  kept->send(std::make_shared<const std::string>("data: late\n\n"));
  kept->close();
}

TEST(Hammer, ManyClientsAtOnce) {
  ServerOptions options;
  options.threads = 2;
  Fixture on(options);
  std::vector<std::jthread> clients;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        RawClient raw(on.server.port());
        for (int k = 0; k < 10; ++k) {
          raw.get("/hello");
          if (raw.reply().body == "hello") ++good;
        }
        if (i % 2 == 0) {
          raw.get("/events");
          raw.head();
          on.hub->publish("data: x\n\n");
        }
      }
    });
  }
  clients.clear();
  EXPECT_EQ(good, 8 * 20 * 10);
  EXPECT_TRUE(eventually([&] { return on.server->connections() == 0; }));
}

}  // namespace
}  // namespace loom::http
