#include "http/client.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/http_under_test.hpp"
#include "http/problem.hpp"

namespace loom::http {
namespace {

using boost::beast::http::verb;
using testing::ElementsAre;
using testing::HasSubstr;

net::awaitable<Response> greet_peer(Request& request) {
  Response response;
  response.headers.emplace_back("X-Peer", request.header("X-Me"));
  response.body = "hello";
  co_return response;
}

net::awaitable<Response> read_all(Request& request) {
  std::string body;
  std::vector<char> block(1000);
  for (;;) {
    const auto came = co_await request.body->read_some(block);
    if (!came) co_return problem(413, name(came.error().code), came.error().message);
    if (*came == 0) break;
    body.append(block.data(), *came);
  }
  Response response;
  response.body = std::move(body);
  co_return response;
}

net::awaitable<Response> some_events(Request& request) {
  const std::string from(request.header("Last-Event-ID"));
  Response response;
  response.body = EventStream([from](const std::shared_ptr<EventSink>& sink) {
    sink->send(std::make_shared<const std::string>("id: 1\nevent: from\ndata: " + from + "\n\n"));
    sink->send(std::make_shared<const std::string>("id: 2\ndata: b\n\n"));
    sink->close();
    return nullptr;
  });
  co_return response;
}

net::awaitable<Response> silence(Request&) {
  Response response;
  response.body = EventStream([](std::shared_ptr<EventSink> sink) { return sink; });
  co_return response;
}

// `text` in small pieces, with or without its size.
class Pieces final : public BodySource {
 public:
  Pieces(std::string text, bool sized) : text_(std::move(text)), sized_(sized) {}
  [[nodiscard]] std::optional<std::uint64_t> size() const override {
    if (!sized_) return std::nullopt;
    return text_.size();
  }
  Result<std::size_t> read(std::span<char> into) override {
    const auto got = text_.copy(into.data(), std::min<std::size_t>(into.size(), 777), at_);
    at_ += got;
    return got;
  }

 private:
  std::string text_;
  bool sized_;
  std::size_t at_ = 0;
};

// A server of one connection at a time that answers with fixed bytes, whatever is asked, and closes.
class FixedServer {
 public:
  explicit FixedServer(std::vector<std::string> answers) : listening_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listening_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(listening_.get(), 8), 0);
    socklen_t size = sizeof at;
    ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&at), &size);
    url = fmt::format("http://127.0.0.1:{}", ntohs(at.sin_port));
    thread_ = std::jthread([this, all = std::move(answers)] {
      for (const auto& answer : all) serve(answer);
    });
  }
  std::string url;

 private:
  void serve(const std::string& answer) const {
    const Fd peer(::accept(listening_.get(), nullptr, nullptr));
    std::array<char, 4096> scratch{};
    if (::recv(peer.get(), scratch.data(), scratch.size(), 0) <= 0) return;
    EXPECT_EQ(::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(answer.size()));
  }
  Fd listening_;
  std::jthread thread_;
};

class ClientTest : public testing::Test {
 protected:
  Client client(ClientOptions options = {}) {
    auto made = Client::connect(url_, options);
    EXPECT_TRUE(made) << made.error().message;
    return *std::move(made);
  }
  RunningServer server_{{},
                        {{verb::get, "/hello", greet_peer},
                         {verb::post, "/echo", read_all, {1U << 20U}},
                         {verb::get, "/events", some_events},
                         {verb::get, "/silence", silence}}};
  std::string url_ = fmt::format("http://127.0.0.1:{}", server_.port());
};

TEST(ClientUrl, MustNameAServer) {
  for (const auto* url :
       {"", "127.0.0.1:80", "ftp://127.0.0.1", "https://", "://a", "http://", "http://:80", "http://a/b?c",
        "http://a:", "http://a:b", "http://a:0", "http://a:70000", "http://[::1", "http://a b"}) {
    const auto made = Client::connect(url);
    ASSERT_FALSE(made) << url;
    EXPECT_EQ(made.error().code, Code::invalid_argument) << url;
  }
}

TEST(ClientUrl, SaysWhenNobodyIsThere) {
  std::string url;
  {
    url = FixedServer({}).url;
  }
  const auto made = Client::connect(url);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::unavailable);
  EXPECT_EQ(made.error().message, "cannot reach " + url + ": Connection refused; is the server running?");
}

// TLS that is spoken: test/e2e/proxy_test.py.
TEST(ClientUrl, SaysWhenNoTlsIsSpoken) {
  const FixedServer other({"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", ""});
  const std::string url = "https" + other.url.substr(4);
  for (const char* why : {"it does not speak TLS: wrong version number", "End of file"}) {
    const auto made = Client::connect(url);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::unavailable);
    EXPECT_EQ(made.error().message, fmt::format("cannot talk to {}: {}", url, why));
  }
  // Nobody accepts, but the kernel takes connections.
  const FixedServer silence({});
  const auto silent =
      Client::connect("https" + silence.url.substr(4), {.connect_timeout = std::chrono::seconds(1)});
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Code::timed_out);
}

TEST_F(ClientTest, SendsAndReceives) {
  auto on = client();
  for (int i = 0; i < 3; ++i) {
    const auto reply = on.send(verb::get, "/hello", {{"X-Me", "me"}});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "hello");
    EXPECT_EQ(reply->header("x-peer"), "me");
  }
  EXPECT_EQ(on.send(verb::head, "/hello")->header("Content-Length"), "5");
  EXPECT_EQ(on.send(verb::get, "/nowhere")->status, 404);
  EXPECT_EQ(on.send(verb::post, "/echo", {}, std::string("text"))->body, "text");
  EXPECT_EQ(server_->connections(), 1U);
  EXPECT_EQ(Client::connect(url_ + "/below/")->send(verb::get, "/hello")->body, "no /below/hello");
}

TEST_F(ClientTest, UploadsSources) {
  auto on = client();
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i);
  for (const bool sized : {true, false}) {
    const auto reply = on.send(verb::post, "/echo", {}, std::make_unique<Pieces>(text, sized));
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->body, text);
  }
}

TEST_F(ClientTest, ReadsTheReplyToAnUploadThatWasRefused) {
  auto on = client();
  const std::string text(50U << 20U, 'a');
  for (const bool sized : {true, false}) {
    const auto reply = on.send(verb::post, "/echo", {}, std::make_unique<Pieces>(text, sized));
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 413);
    EXPECT_THAT(reply->body, HasSubstr("too_large"));
  }
  EXPECT_EQ(on.send(verb::get, "/hello")->status, 200);
}

TEST_F(ClientTest, StreamsReplies) {
  auto on = client();
  std::string got;
  const auto sink = [&](std::string_view piece) {
    got += piece;
    return ok();
  };
  const std::string text(300'000, 'x');
  const auto reply = on.send(verb::post, "/echo", {}, text, sink);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "");
  EXPECT_EQ(got, text);
  got.clear();
  EXPECT_EQ(on.send(verb::get, "/nowhere", {}, {}, sink)->body, "no /nowhere");
  EXPECT_EQ(got, "");
  const auto full = [](std::string_view) { return Status(error(Code::disk_full, "full")); };
  EXPECT_EQ(on.send(verb::post, "/echo", {}, text, full).error().code, Code::disk_full);
  EXPECT_EQ(on.send(verb::get, "/hello")->body, "hello") << "on a new connection";
}

TEST_F(ClientTest, LimitsReplies) {
  ClientOptions options;
  options.max_reply_bytes = 4;
  EXPECT_EQ(client(options).send(verb::get, "/hello").error().code, Code::too_large);
}

TEST(ClientOfAnImpatientServer, ReconnectsWhenTheServerHasClosed) {
  ServerOptions options;
  options.idle_timeout = std::chrono::seconds(1);
  RunningServer server(options, {{verb::get, "/hello", greet_peer}});
  auto on = Client::connect(fmt::format("http://127.0.0.1:{}", server.port()));
  ASSERT_TRUE(on) << on.error().message;
  ASSERT_TRUE(on->send(verb::get, "/hello"));
  ASSERT_TRUE(eventually([&] { return server->connections() == 0; }));
  EXPECT_EQ(on->send(verb::get, "/hello")->body, "hello");
}

TEST_F(ClientTest, FollowsEvents) {
  auto on = client();
  std::vector<std::string> seen;
  const auto take = [&](std::string_view id, std::string_view event, std::string_view data) {
    seen.push_back(fmt::format("{}/{}/{}", id, event, data));
    return true;
  };
  EXPECT_EQ(*on.follow_events("/events", "0", take, {}), Client::Followed::server_ended);
  EXPECT_THAT(seen, ElementsAre("1/from/0", "2/message/b"));
  const auto once = [](std::string_view, std::string_view, std::string_view) { return false; };
  EXPECT_EQ(*on.follow_events("/events", "", once, {}), Client::Followed::enough);
}

TEST_F(ClientTest, StopsFollowing) {
  auto on = client();
  const auto never = [](std::string_view, std::string_view, std::string_view) { return true; };
  std::stop_source source;
  std::jthread stopper([&] {
    EXPECT_TRUE(eventually([&] { return server_->connections() == 2; }));
    source.request_stop();
  });
  EXPECT_EQ(on.follow_events("/silence", "", never, source.get_token()).error().code, Code::cancelled);
}

TEST_F(ClientTest, SaysWhyNoEventsCome) {
  auto on = client();
  const auto never = [](std::string_view, std::string_view, std::string_view) { return true; };
  const auto missing = on.follow_events("/nowhere", "", never, {});
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_EQ(missing.error().message, url_ + "/nowhere answers 404: no /nowhere");
  EXPECT_EQ(on.follow_events("/hello", "", never, {}).error().code, Code::corrupt);
}

TEST_F(ClientTest, KeepsDeadlines) {
  auto on = client();
  const auto late = on.send(verb::get, "/silence", {}, {}, {}, Deadline::in(std::chrono::milliseconds(50)));
  EXPECT_EQ(late.error().code, Code::timed_out);
  ClientOptions impatient;
  impatient.quiet_timeout = std::chrono::seconds(1);
  const auto never = [](std::string_view, std::string_view, std::string_view) { return true; };
  EXPECT_EQ(client(impatient).follow_events("/silence", "", never, {}).error().code, Code::timed_out);
}

TEST(ClientPeer, MayAnswerNonsense) {
  for (const auto* answer : {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 banana\r\n\r\n"}) {
    const FixedServer server({answer});
    auto on = Client::connect(server.url);
    EXPECT_EQ(on->send(verb::get, "/").error().code, Code::corrupt) << answer;
  }
}

TEST(ClientPeer, MayCutTheReply) {
  for (const auto* answer :
       {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"}) {
    const FixedServer server({answer});
    auto on = Client::connect(server.url);
    EXPECT_EQ(on->send(verb::get, "/").error().code, Code::unavailable) << answer;
  }
}

TEST(ClientPeer, IsNotAskedTwiceForWhatMayNotBeRepeated) {
  // It keeps the connection by its word, yet closes it.
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  {
    const FixedServer server({answer, answer});
    auto on = Client::connect(server.url);
    EXPECT_EQ(on->send(verb::get, "/")->body, "ok");
    EXPECT_EQ(on->send(verb::put, "/", {}, std::string("x"))->body, "ok");
  }
  const FixedServer server({answer});
  auto on = Client::connect(server.url);
  EXPECT_EQ(on->send(verb::get, "/")->body, "ok");
  EXPECT_EQ(on->send(verb::post, "/", {}, std::string("x")).error().code, Code::unavailable);
}

TEST(ClientPeer, MaySayContinueFirst) {
  const FixedServer server({"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"});
  EXPECT_EQ(Client::connect(server.url)->send(verb::get, "/")->status, 204);
}

TEST(CodeOfStatus, TellsWhatMayBeTriedAgain) {
  for (const int status : {429, 502, 503, 504}) EXPECT_TRUE(retryable(code_of_status(status))) << status;
  for (const int status : {400, 403, 404, 409, 413, 500})
    EXPECT_FALSE(retryable(code_of_status(status))) << status;
}

}  // namespace
}  // namespace loom::http
