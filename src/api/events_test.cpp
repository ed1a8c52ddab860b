#include <gtest/gtest.h>

#include <atomic>
#include <charconv>
#include <fstream>
#include <thread>

#include "api/api_under_test.hpp"
#include "api/removed_tokens.hpp"

namespace loom::api {
namespace {

class EventsTest : public ApiTest {
 protected:
  /// The next event of a job, in the log and told.
  store::Event happen(int job, store::JobState state, const std::string& owner = "local") {
    const store::Event event = write(job, state, owner);
    hub_.tell({event});
    return event;
  }
  /// In the log only: the hub has not told it yet.
  store::Event write(int job, store::JobState state, const std::string& owner = "local") {
    const std::lock_guard lock(jobs_.mutex);
    store::Event event{.order = jobs_.log.size() + 1, .job = job_id(job)};
    event.owner = owner;
    event.seq = 1 + static_cast<std::uint64_t>(std::ranges::count(jobs_.log, event.job, &store::Event::job));
    event.state = state;
    jobs_.log.push_back(event);
    for (store::Job& one : jobs_.jobs) {
      if (one.id != event.job) continue;
      one.state = state;
      one.version = event.seq;
    }
    return event;
  }

  std::unique_ptr<http::RawClient> listen(const std::string& target, const std::string& fields = "") {
    auto client = std::make_unique<http::RawClient>(server_->port());
    client->send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n" + fields +
                 "\r\n");
    return client;
  }
  /// The ids of the next `count` events.
  static std::vector<std::uint64_t> ids(http::RawClient& client, std::size_t count) {
    std::vector<std::uint64_t> seen;
    while (seen.size() < count) {
      const std::string frame = client.until("\n\n");
      if (frame.empty()) break;
      if (!frame.starts_with("id: ")) continue;  // a heartbeat
      std::uint64_t id = 0;
      std::from_chars(frame.data() + 4, frame.data() + frame.size(), id);
      seen.push_back(id);
    }
    return seen;
  }
  static std::vector<std::uint64_t> from_to(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> all;
    for (std::uint64_t i = first; i <= last; ++i) all.push_back(i);
    return all;
  }
  void await_listeners(std::size_t count, const std::string& fields = "") {
    EXPECT_TRUE(http::eventually([&] {
      const std::string text = get("/metrics", fields).body;
      return text.find(fmt::format("blastloom_event_listeners {}\n", count)) != std::string::npos;
    }));
  }
};

TEST_F(EventsTest, AJobsStreamIsItsHistoryThenWhatHappensAndEndsWithTheJob) {
  start();
  jobs_.jobs = {make_job(1), make_job(2)};
  happen(1, store::JobState::queued);
  happen(2, store::JobState::queued);
  happen(1, store::JobState::running);
  const auto client = listen(path(1, "/events"));
  const Reply head = client->head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.field("Content-Type"), "text/event-stream");
  const std::string first = client->until("\n\n");
  EXPECT_TRUE(first.starts_with("id: 1\nevent: job\ndata: {\"order\":1,")) << first;
  EXPECT_EQ(ids(*client, 1), from_to(2, 2));
  happen(2, store::JobState::running);
  happen(1, store::JobState::merging);
  happen(1, store::JobState::completed);
  EXPECT_EQ(ids(*client, 2), from_to(3, 4));
  EXPECT_TRUE(client->ended());
  await_listeners(0);
}

TEST_F(EventsTest, AStreamIsResumedAfterTheLastEventSeen) {
  start();
  jobs_.jobs = {make_job(1)};
  for (int i = 0; i < 4; ++i) happen(1, store::JobState::running);
  const auto client = listen(path(1, "/events"), "Last-Event-ID: 2\r\n");
  client->head();
  EXPECT_EQ(ids(*client, 2), from_to(3, 4));
  const auto by_query = listen(path(1, "/events?last_event_id=3"));
  by_query->head();
  EXPECT_EQ(ids(*by_query, 1), from_to(4, 4));
  happen(1, store::JobState::failed);
  EXPECT_EQ(ids(*client, 1), from_to(5, 5));
  const auto after_the_end = listen(path(1, "/events"), "Last-Event-ID: 5\r\n");
  EXPECT_EQ(after_the_end->head().status, 204);
  const auto again = listen(path(1, "/events"));
  again->head();
  EXPECT_EQ(ids(*again, 9), from_to(1, 5)) << "and then it ends";
  EXPECT_EQ(get(path(1, "/events"), "Accept: text/event-stream\r\nLast-Event-ID: x\r\n").status, 400);
  EXPECT_EQ(get(path(7, "/events"), "Accept: text/event-stream\r\n").status, 404);
}

TEST_F(EventsTest, WhatTheHistoryHadBeforeTheHubToldItComesOnce) {
  start();
  jobs_.jobs = {make_job(1)};
  happen(1, store::JobState::queued);
  const store::Event early = write(1, store::JobState::running);
  const auto client = listen(path(1, "/events"));
  client->head();
  EXPECT_EQ(ids(*client, 2), from_to(1, 2));
  await_listeners(1);
  hub_.tell({early});
  happen(1, store::JobState::cancelled);
  EXPECT_EQ(ids(*client, 9), from_to(3, 3));
}

TEST_F(EventsTest, TheStreamOfAllBeginsNowAndShowsOnlyWhatTheCallerMaySee) {
  const auto admin = tokens_->create("root", service::Role::admin);
  const auto user = tokens_->create("ada", service::Role::user);
  start();
  happen(1, store::JobState::queued, "ada");
  const auto all = listen("/api/blast/events", "Authorization: Bearer " + *admin + "\r\n");
  const auto own = listen("/api/blast/events", "Authorization: Bearer " + *user + "\r\n");
  const auto older =
      listen("/api/blast/events", "Last-Event-ID: 0\r\nAuthorization: Bearer " + *user + "\r\n");
  EXPECT_EQ(all->head().status, 200);
  EXPECT_EQ(own->head().status, 200);
  EXPECT_EQ(older->head().status, 200);
  EXPECT_EQ(ids(*older, 1), from_to(1, 1));
  EXPECT_TRUE(http::eventually([&] {
    return get("/metrics", "Authorization: Bearer " + *admin + "\r\n")
               .body.find("blastloom_event_listeners 3\n") != std::string::npos;
  }));
  happen(2, store::JobState::queued, "bob");
  happen(3, store::JobState::queued, "ada");
  EXPECT_EQ(ids(*all, 2), from_to(2, 3));
  EXPECT_EQ(ids(*own, 1), from_to(3, 3));
  EXPECT_EQ(ids(*older, 1), from_to(3, 3));
}

TEST_F(EventsTest, NoGapAndNothingTwiceWhileEventsComeAndListenersDoToo) {
  constexpr std::uint64_t kBatches = 1000;
  constexpr std::uint64_t kEvents = 1 + 3 * kBatches + 1;
  start();
  jobs_.jobs = {make_job(1)};
  happen(1, store::JobState::running);
  std::thread writer([this] {
    for (std::uint64_t i = 0; i < kBatches; ++i) {
      // In batches, and the log is ahead of what is told.
      const std::vector<store::Event> batch{write(1, store::JobState::running),
                                            write(1, store::JobState::running),
                                            write(1, store::JobState::running)};
      std::this_thread::yield();
      hub_.tell(batch);
    }
    happen(1, store::JobState::completed);
  });
  struct Reader {
    std::unique_ptr<http::RawClient> client;
    bool of_job = false;
    int status = 0;
    std::vector<std::uint64_t> seen;
    bool ended = false;
    std::thread thread;
  };
  std::vector<Reader> readers(40);
  for (std::size_t i = 0; i < readers.size(); ++i) {
    Reader& reader = readers[i];
    reader.of_job = i % 2 == 0;
    reader.client = reader.of_job ? listen(path(1, "/events")) : listen("/api/blast/events?last_event_id=0");
    // As they come: a kernel that holds what nobody reads may take minutes to pass on the rest.
    reader.thread = std::thread([&reader] {
      reader.status = reader.client->head().status;
      reader.seen = ids(*reader.client, kEvents);
      reader.ended = reader.of_job && reader.client->ended();
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  writer.join();
  for (Reader& reader : readers) reader.thread.join();
  ASSERT_EQ(jobs_.log.size(), kEvents);
  for (std::size_t i = 0; i < readers.size(); ++i) {
    EXPECT_EQ(readers[i].status, 200);
    EXPECT_EQ(readers[i].seen, from_to(1, kEvents)) << i;
    EXPECT_EQ(readers[i].ended, readers[i].of_job);
  }
}

TEST_F(EventsTest, APageOfEvents) {
  start();
  jobs_.jobs = {make_job(1)};
  for (int i = 0; i < 3; ++i) happen(1, store::JobState::running);
  const auto page = json(get(path(1, "/events?after=1&limit=1")));
  EXPECT_EQ(page.at("events").as_array().size(), 1U);
  EXPECT_EQ(page.at("events").at(0).at("seq"), 2);
  EXPECT_EQ(page.at("next_after"), 2);
}

TEST_F(EventsTest, AStreamOfAllTellsHowTheServerIsAndWhenThatChanges) {
  const auto become = [this](std::vector<std::string> clauses) {
    const std::lock_guard lock(mutex_);
    degraded_ = std::move(clauses);
  };
  start();
  const auto watching = api_->watch(std::chrono::milliseconds(1));
  happen(1, store::JobState::queued);
  const auto client = listen("/api/blast/events");
  client->head();
  const std::string ready = R"("status":"ready","lacking":[],"degraded")";
  EXPECT_EQ(client->until("\n\n"), "event: server\ndata: {" + ready + ":[]}\n\n");
  become({"Redis is away"});
  EXPECT_EQ(client->until("\n\n"), "event: server\ndata: {" + ready + ":[\"Redis is away\"]}\n\n");
  happen(1, store::JobState::running);
  EXPECT_EQ(ids(*client, 1), from_to(2, 2));
  become({});
  EXPECT_EQ(client->until("\n\n"), "event: server\ndata: {" + ready + ":[]}\n\n");
  // Who comes again goes on after a job's event, whatever was told of the server since.
  const auto again = listen("/api/blast/events", "Last-Event-ID: 1\r\n");
  again->head();
  EXPECT_EQ(ids(*again, 1), from_to(2, 2));
}

TEST_F(EventsTest, AStreamEndsSoonAfterItsTokenWasRemoved) {
  const auto admin = tokens_->create("root", service::Role::admin);
  const auto user = tokens_->create("ada", service::Role::user);
  const std::string as_admin = "Authorization: Bearer " + *admin + "\r\n";
  const std::string as_user = "Authorization: Bearer " + *user + "\r\n";
  start();
  const auto watching = api_->watch_tokens(std::chrono::milliseconds(1));
  jobs_.jobs = {make_job(1, "ada")};
  happen(1, store::JobState::queued, "ada");
  const auto all = listen("/api/blast/events", as_admin);
  const auto own = listen("/api/blast/events", as_user);
  const auto of_job = listen(path(1, "/events"), as_user);
  for (const auto* client : {&all, &own, &of_job}) EXPECT_EQ((*client)->head().status, 200);
  EXPECT_EQ(ids(*of_job, 1), from_to(1, 1));
  await_listeners(3, as_admin);
  happen(1, store::JobState::running, "ada");
  for (const auto* client : {&all, &own, &of_job}) EXPECT_EQ(ids(**client, 1), from_to(2, 2));
  ASSERT_TRUE(tokens_->remove(tokens_->list()->at(1).id));
  EXPECT_TRUE(own->ended());
  EXPECT_TRUE(of_job->ended());
  happen(1, store::JobState::merging, "ada");
  EXPECT_EQ(ids(*all, 1), from_to(3, 3)) << "its token is there";
}

TEST_F(EventsTest, AStreamWithoutTokenEndsSoonAfterOneIsAskedFor) {
  start();
  const auto watching = api_->watch_tokens(std::chrono::milliseconds(1));
  const auto client = listen("/api/blast/events");
  EXPECT_EQ(client->head().status, 200);
  await_listeners(1);
  happen(1, store::JobState::queued);
  EXPECT_EQ(ids(*client, 1), from_to(1, 1));
  ASSERT_TRUE(tokens_->create("root", service::Role::admin));
  EXPECT_TRUE(client->ended());
}

struct Sink final : http::EventSink {
  std::vector<std::shared_ptr<const std::string>> sent;
  int closed = 0;
  void send(std::shared_ptr<const std::string> frames) override { sent.push_back(std::move(frames)); }
  void close() override { ++closed; }
};

TEST(Broadcaster, TellsHowTheServerIsOnceToEachWhoListensToAllJobs) {
  FakeHub hub;
  Broadcaster broadcaster(hub);
  std::vector<std::shared_ptr<Sink>> sinks;
  std::vector<std::shared_ptr<Listener>> listeners;
  const auto make = [&](Topic topic) {
    sinks.push_back(std::make_shared<Sink>());
    listeners.push_back(std::make_shared<Listener>(sinks.back(), std::move(topic)));
    return listeners.back();
  };
  const auto sent = [&] {
    std::vector<std::size_t> counts;
    for (const auto& sink : sinks) counts.push_back(sink->sent.size());
    return counts;
  };
  using Counts = std::vector<std::size_t>;
  EXPECT_TRUE(broadcaster.add_live(make({}), 0));
  broadcaster.add(make({std::nullopt, "ada"}));  // quiet: it reads its history
  broadcaster.add(make({job_id(1), std::nullopt}));
  broadcaster.tell_server("{}");
  EXPECT_EQ(sent(), (Counts{1, 1, 0})) << "of one job nobody asks for the server";
  EXPECT_EQ(*sinks.front()->sent.front(), "event: server\ndata: {}\n\n");
  EXPECT_EQ(sinks[1]->sent.front(), sinks.front()->sent.front()) << "one text for all";
  EXPECT_TRUE(broadcaster.try_go_live(*listeners[1], 0)) << "nothing of the store was missed";
  EXPECT_TRUE(broadcaster.add_live(make({}), 0));
  broadcaster.tell_server("{}");
  EXPECT_EQ(sent(), (Counts{1, 1, 0, 1})) << "who is new";
  broadcaster.remove(*listeners.front());
  broadcaster.tell_server("[]");
  EXPECT_EQ(sent(), (Counts{1, 2, 0, 2}));
  broadcaster.tell_server("{}");
  EXPECT_EQ(sent(), (Counts{1, 3, 0, 3}));
}

TEST(RemovedTokens, AnotherRoleEndsAStreamAndTokensThatCannotBeReadDoNot) {
  const auto folder = TempDir::create();
  service::Tokens tokens(folder->path() / "tokens");
  ASSERT_TRUE(tokens.create("ada", service::Role::user));
  service::Token held = tokens.list()->at(0);
  FakeHub hub;
  Broadcaster broadcaster(hub);
  const auto same = std::make_shared<Sink>();
  const auto other = std::make_shared<Sink>();
  broadcaster.add(std::make_shared<Listener>(same, Topic{job_id(1), std::nullopt}, held));
  held.role = service::Role::admin;
  broadcaster.add(std::make_shared<Listener>(other, Topic{}, held));
  end_streams_of_removed(broadcaster, tokens, false);
  EXPECT_EQ(same->closed, 0);
  EXPECT_EQ(other->closed, 1);
  std::ofstream(folder->path() / "broken") << "{";
  service::Tokens broken(folder->path() / "broken");
  ASSERT_FALSE(broken.list());
  end_streams_of_removed(broadcaster, broken, false);
  EXPECT_EQ(same->closed, 0);
}

TEST(Broadcaster, OneTextForAllWhoListen) {
  FakeHub hub;
  Broadcaster broadcaster(hub);
  std::vector<std::shared_ptr<Sink>> sinks;
  std::vector<std::shared_ptr<Listener>> listeners;
  for (int i = 0; i < 5000; ++i) {
    sinks.push_back(std::make_shared<Sink>());
    listeners.push_back(std::make_shared<Listener>(sinks.back(), Topic{}));
    EXPECT_TRUE(broadcaster.add_live(listeners.back(), 0));
  }
  store::Event event{.order = 1, .job = job_id(1)};
  event.seq = 1;
  hub.tell({event});
  for (const auto& sink : sinks) {
    ASSERT_EQ(sink->sent.size(), 1U);
    EXPECT_EQ(sink->sent.front(), sinks.front()->sent.front());
  }
  EXPECT_EQ(broadcaster.listeners(), 5000U);
  for (const auto& listener : listeners) broadcaster.remove(*listener);
  EXPECT_EQ(broadcaster.listeners(), 0U);
  event.order = 2;
  hub.tell({event});
  EXPECT_EQ(sinks.front()->sent.size(), 1U);
}

}  // namespace
}  // namespace loom::api
