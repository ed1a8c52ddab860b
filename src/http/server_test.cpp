#include "http/server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "http/http_under_test.hpp"
#include "http/problem.hpp"

namespace loom::http {
namespace {

using boost::beast::http::verb;
using testing::HasSubstr;
using testing::MatchesRegex;

net::awaitable<Response> hello(Request&) {
  Response response;
  response.headers.emplace_back("Content-Type", "text/plain");
  response.body = "hello";
  co_return response;
}

// Says what it was asked.
net::awaitable<Response> echo(Request& request) {
  std::string text = request.path;
  for (const auto& capture : request.captures) text += "|" + capture;
  for (const auto& [key, value] : request.query) text += fmt::format("|{}={}", key, value);
  Response response;
  response.body = std::move(text);
  co_return response;
}

// Answers with the body's size and a sum over it, or with the problem of reading it.
net::awaitable<Response> measure(Request& request) {
  std::vector<char> block(10'000);
  std::uint64_t size = 0;
  std::uint64_t sum = 0;
  for (;;) {
    const auto came = co_await request.body->read_some(block);
    if (!came)
      co_return problem(came.error().code == Code::too_large ? 413 : 400, name(came.error().code), "body");
    if (*came == 0) break;
    for (std::size_t i = 0; i < *came; ++i) sum += (size + i) * static_cast<unsigned char>(block[i]);
    size += *came;
  }
  Response response;
  response.body = fmt::format("{} {}", size, sum);
  co_return response;
}

net::awaitable<Response> fail(Request&) {
  throw std::runtime_error("the secret reason");
  co_return Response{};
}

net::awaitable<Response> inject(Request&) {
  Response response;
  response.headers.emplace_back("X-Title", "a\r\nSet-Cookie: b");
  co_return response;
}

net::awaitable<Response> unchanged(Request&) {
  Response response;
  response.status = 304;
  response.headers.emplace_back("ETag", "\"1\"");
  co_return response;
}

// 200 KiB in pieces of odd sizes; says its size only when asked to.
class Numbers final : public BodySource {
 public:
  static constexpr std::uint64_t kSize = 200'000;
  Numbers(bool sized, std::uint64_t fail_at, std::atomic<int>* alive)
      : sized_(sized), fail_at_(fail_at), alive_(alive) {
    if (alive_ != nullptr) ++*alive_;
  }
  ~Numbers() override {
    if (alive_ != nullptr) --*alive_;
  }
  [[nodiscard]] std::optional<std::uint64_t> size() const override {
    if (!sized_) return std::nullopt;
    return kSize;
  }
  Result<std::size_t> read(std::span<char> into) override {
    if (at_ >= fail_at_) return error(Code::unavailable, "disk gone");
    const auto size = std::min<std::uint64_t>({into.size(), 7001, kSize - at_});
    for (std::size_t i = 0; i < size; ++i) into[i] = at(at_ + i);
    at_ += size;
    return static_cast<std::size_t>(size);
  }
  static char at(std::uint64_t index) { return static_cast<char>('a' + index % 23); }
  static std::string whole() {
    std::string text(kSize, ' ');
    for (std::size_t i = 0; i < kSize; ++i) text[i] = at(i);
    return text;
  }

 private:
  bool sized_;
  std::uint64_t fail_at_;
  std::atomic<int>* alive_;
  std::uint64_t at_ = 0;
};

// Never ends, so that only the client's going can end it.
class Endless final : public BodySource {
 public:
  explicit Endless(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  ~Endless() override { --alive_; }
  [[nodiscard]] std::optional<std::uint64_t> size() const override { return std::nullopt; }
  Result<std::size_t> read(std::span<char> into) override { return into.size(); }

 private:
  std::atomic<int>& alive_;
};

class ServerTest : public testing::Test {
 protected:
  explicit ServerTest(std::chrono::seconds patience = std::chrono::minutes(1))
      : server_(options(patience), routes()) {}
  static ServerOptions options(std::chrono::seconds patience) {
    ServerOptions options;
    options.header_bytes = {4096, "limit-header"};
    options.head_timeout = options.body_timeout = patience;
    return options;
  }
  Handler source(bool sized, std::uint64_t fail_at = Numbers::kSize + 1) {
    return [this, sized, fail_at](Request&) -> net::awaitable<Response> {
      Response response;
      response.body = std::make_unique<Numbers>(sized, fail_at, &alive_);
      co_return response;
    };
  }
  static Handler page(const std::string& type, std::size_t bytes, bool shared) {
    const auto text = std::make_shared<const std::string>(bytes, 'x');
    return [=](Request&) -> net::awaitable<Response> {
      Response response;
      response.headers.emplace_back("Content-Type", type);
      response.headers.emplace_back("ETag", "\"7\"");
      if (shared) {
        response.body = text;
      } else {
        response.body = *text;
      }
      co_return response;
    };
  }
  std::vector<Route> routes() {
    const auto endless = [this](Request&) -> net::awaitable<Response> {
      Response response;
      response.body = std::make_unique<Endless>(alive_);
      co_return response;
    };
    return {{verb::get, "/hello", hello},
            {verb::get, "/echo/{a}/{b}", echo},
            {verb::post, "/measure", measure, {100'000, "limit-body"}},
            {verb::post, "/measure/much", measure, {1U << 30U}},
            {verb::post, "/ignore", hello, {1U << 30U}},
            {verb::get, "/fail", fail},
            {verb::get, "/inject", inject},
            {verb::get, "/unchanged", unchanged},
            {verb::get, "/sized", source(true)},
            {verb::get, "/unsized", source(false)},
            {verb::get, "/broken", source(true, 50'000)},
            {verb::get, "/endless", endless},
            {verb::get, "/json", page("application/json", 5000, false)},
            {verb::get, "/big.json", page("application/json", 600'000, false)},
            {verb::get, "/shared.js", page("text/javascript", 5000, true)},
            {verb::get, "/big.js", page("text/javascript", 600'000, true)},
            {verb::get, "/png", page("image/png", 5000, false)},
            {verb::get, "/small", page("application/json", 100, false)}};
  }
  RawClient client() { return RawClient(server_.port()); }
  // The reply to these bytes on a fresh connection.
  RawClient::Reply ask(std::string_view bytes) {
    RawClient raw = client();
    raw.send(bytes);
    return raw.reply();
  }

  std::atomic<int> alive_{0};
  RunningServer server_;
};

class ImpatientServerTest : public ServerTest {
 protected:
  ImpatientServerTest() : ServerTest(std::chrono::seconds(1)) {}
};

TEST_F(ServerTest, AnswersWithItsOwnFields) {
  auto raw = client();
  raw.get("/hello");
  const auto reply = raw.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "hello");
  EXPECT_EQ(reply.field("Content-Length"), "5");
  EXPECT_EQ(reply.field("Connection"), "");
  EXPECT_THAT(reply.field("Date"),
              MatchesRegex("[A-Z][a-z][a-z], [0-9]+ [A-Z][a-z][a-z] [0-9]+ [0-9:]+ GMT"));
  EXPECT_THAT(reply.field("X-Request-Id"), MatchesRegex("[0-9a-z]+"));
}

TEST_F(ServerTest, TakesPlainRequestIdsOnly) {
  EXPECT_EQ(ask("GET /hello HTTP/1.1\r\nHost: x\r\nX-Request-Id: a-B_1.2\r\n\r\n").field("X-Request-Id"),
            "a-B_1.2");
  EXPECT_NE(ask("GET /hello HTTP/1.1\r\nHost: x\r\nX-Request-Id: a b\r\n\r\n").field("X-Request-Id"), "a b");
}

TEST_F(ServerTest, DecodesPathsAndQueries) {
  EXPECT_EQ(ask("GET /echo/a%2Fb/c%20d?q=x+y&r=%26 HTTP/1.1\r\nHost: x\r\n\r\n").body,
            "/echo/a/b/c d|a/b|c d|q=x y|r=&");
  EXPECT_EQ(ask("GET http://x/echo/1/2 HTTP/1.1\r\nHost: x\r\n\r\n").body, "/echo/1/2|1|2");
  for (const auto* target : {"/echo/%00/b", "/echo/%zz/b", "/hello?a=%", "*"}) {
    EXPECT_EQ(ask(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", target)).status, 400) << target;
  }
}

TEST_F(ServerTest, AnswersUnknownPathsByTheFallback) {
  auto raw = client();
  raw.get("/nowhere");
  const auto reply = raw.reply();
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.body, "no /nowhere");
}

TEST_F(ServerTest, NamesAllowedMethods) {
  auto raw = client();
  raw.send("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto reply = raw.reply();
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.field("Allow"), "GET, HEAD");
  EXPECT_EQ(reply.field("Content-Type"), "application/problem+json");
  EXPECT_THAT(reply.body,
              MatchesRegex(R"(\{"type":"about:blank","title":"Method Not Allowed","status":405,"code":.*)"));
  raw.get("/hello");
  EXPECT_EQ(raw.reply().status, 200) << "the connection goes on";
}

TEST_F(ServerTest, KeepsConnectionsAsAsked) {
  auto raw = client();
  for (int i = 0; i < 3; ++i) {
    raw.get("/hello");
    EXPECT_EQ(raw.reply().body, "hello");
  }
  raw.get("/hello", "Connection: close\r\n");
  EXPECT_EQ(raw.reply().field("Connection"), "close");
  EXPECT_TRUE(raw.ended());
}

TEST_F(ServerTest, SpeaksHttp10) {
  auto raw = client();
  raw.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(raw.reply().field("Connection"), "keep-alive");
  raw.send("GET /unsized HTTP/1.0\r\n\r\n");
  const auto reply = raw.reply();
  EXPECT_EQ(reply.field("Transfer-Encoding"), "");
  EXPECT_EQ(reply.body, Numbers::whole());
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  auto raw = client();
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += fmt::format("GET /echo/{}/x HTTP/1.1\r\nHost: x\r\n\r\n", i);
    all += "POST /measure HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  }
  raw.send(all);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(raw.reply().body, fmt::format("/echo/{}/x|{}|x", i, i));
    EXPECT_EQ(raw.reply().body, "3 296");
  }
}

TEST_F(ServerTest, TakesHeadsByteByByte) {
  auto raw = client();
  for (const char c : std::string("GET /hello HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n"))
    raw.send(std::string_view(&c, 1));
  EXPECT_EQ(raw.reply().body, "hello");
}

TEST_F(ServerTest, AnswersHeadWithoutBody) {
  auto raw = client();
  for (const auto* path : {"/hello", "/sized", "/json"}) {
    raw.send(fmt::format("HEAD {} HTTP/1.1\r\nHost: x\r\n\r\n", path));
    const auto reply = raw.reply(true);
    EXPECT_EQ(reply.status, 200);
    EXPECT_NE(reply.field("Content-Length"), "");
  }
  raw.get("/hello");
  EXPECT_EQ(raw.reply().body, "hello");
}

TEST_F(ServerTest, SendsNoBodyWith304) {
  auto raw = client();
  raw.get("/unchanged");
  const auto reply = raw.reply();
  EXPECT_EQ(reply.status, 304);
  EXPECT_EQ(reply.field("Content-Length"), "");
  EXPECT_EQ(reply.field("ETag"), "\"1\"");
  raw.get("/hello");
  EXPECT_EQ(raw.reply().status, 200);
}

TEST_F(ServerTest, LetsNoHandlerInjectFields) {
  auto raw = client();
  raw.get("/inject");
  const auto reply = raw.reply();
  EXPECT_EQ(reply.field("X-Title"), "a  Set-Cookie: b");
  EXPECT_EQ(reply.field("Set-Cookie"), "");
}

TEST_F(ServerTest, HidesWhatHandlersThrow) {
  auto raw = client();
  raw.get("/fail", "X-Request-Id: f1\r\n");
  const auto reply = raw.reply();
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.body.find("secret"), std::string::npos);
  raw.get("/hello");
  EXPECT_EQ(raw.reply().status, 200);
  ASSERT_TRUE(eventually([this] { return server_.told().size() == 2; }));
  const auto told = server_.told();
  EXPECT_EQ(told[0].id, "f1");
  EXPECT_EQ(told[0].pattern, "/fail");
  EXPECT_EQ(told[0].status, 500);
  EXPECT_EQ(told[0].failure, "the secret reason");
  EXPECT_EQ(told[1].sent_bytes, 5U);
}

TEST_F(ServerTest, RefusesLongHeads) {
  const auto one_field = "GET /hello HTTP/1.1\r\nHost: x\r\nA: " + std::string(5000, 'a') + "\r\n\r\n";
  std::string many_fields = "GET /hello HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 1000; ++i) many_fields += "A: b\r\n";
  EXPECT_EQ(ask(one_field).status, 431);
  EXPECT_NE(
      ask(one_field).body.find("at most 4096 bytes are taken (the operator's setting limit-header raises"),
      std::string::npos);
  EXPECT_EQ(ask(many_fields + "\r\n").status, 431);
  EXPECT_EQ(ask("GET /" + std::string(5000, 'a')).status, 431);
  RawClient one_by_one = client();
  one_by_one.send("GET /hello HTTP/1.1\r\n");
  for (int i = 0; i < 1000; ++i) one_by_one.send("A: b\r\n");
  EXPECT_EQ(one_by_one.reply().status, 431);
}

TEST_F(ServerTest, RefusesWhatIsNoHttp) {
  for (const auto* bytes :
       {"nonsense\r\n\r\n", "GET /hello\r\n\r\n", "GET /hello HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", "GET /hello HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n"}) {
    EXPECT_EQ(ask(bytes).status, 400) << bytes;
  }
  EXPECT_EQ(ask("GET /hello HTTP/2.0\r\nHost: x\r\n\r\n").status, 505);
  EXPECT_EQ(ask("FROB /hello HTTP/1.1\r\nHost: x\r\n\r\n").status, 501);
}

TEST_F(ServerTest, RefusesSmuggledRequestsAndCloses) {
  for (const auto* fields :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n", "Content-Length: -1\r\n", "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n", "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding : chunked\r\n", "Transfer-Encoding: identity\r\nContent-Length: 5\r\n"}) {
    RawClient raw = client();
    raw.send(fmt::format(
        "POST /measure HTTP/1.1\r\nHost: x\r\n{}\r\n0\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n",
        fields));
    EXPECT_EQ(raw.reply().status, 400) << fields;
    raw.end_sending();
    EXPECT_TRUE(raw.ended()) << fields;
  }
  EXPECT_EQ(ask("POST /measure HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").status, 400);
}

TEST_F(ServerTest, IgnoresTrailers) {
  auto raw = client();
  raw.send(
      "POST /measure HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nHost: "
      "y\r\n\r\n");
  EXPECT_EQ(raw.reply().body, "3 296");
  raw.get("/hello");
  EXPECT_EQ(raw.reply().body, "hello");
}

TEST_F(ServerTest, RefusesBadChunks) {
  for (const auto* chunks :
       {"x\r\nabc\r\n", "3\r\nabcd\r\n0\r\n\r\n", "-1\r\n", "fffffffffffffffff\r\n", "3\nabc\r\n"}) {
    EXPECT_EQ(
        ask(fmt::format("POST /measure HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunks))
            .status,
        400)
        << chunks;
  }
}

TEST_F(ServerTest, LimitsBodiesByTheirLengthAtOnce) {
  auto raw = client();
  raw.send("POST /measure HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n");
  const auto reply = raw.reply();
  EXPECT_EQ(reply.status, 413);
  EXPECT_NE(reply.body.find("100001 bytes; at most 100000 are taken here (the operator's setting limit-body"),
            std::string::npos);
  EXPECT_EQ(reply.field("Connection"), "close");
  const std::string most(100'000, 'a');
  EXPECT_EQ(ask("POST /measure HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + most).status, 200);
}

TEST_F(ServerTest, LimitsChunkedBodiesAsTheyCome) {
  const std::string head = "POST /measure HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto chunk = fmt::format("{:x}\r\n{}\r\n", 50'000, std::string(50'000, 'a'));
  EXPECT_EQ(ask(head + chunk + chunk + "0\r\n\r\n").status, 200);
  EXPECT_EQ(ask(head + chunk + chunk + "1\r\na\r\n0\r\n\r\n").status, 413);
  EXPECT_EQ(ask(head + "7fffffffffffffff\r\n").status, 413);
}

TEST_F(ServerTest, SaysContinueWhenTheBodyIsWanted) {
  auto raw = client();
  raw.send("POST /measure HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(raw.head().status, 100);
  raw.send("abc");
  EXPECT_EQ(raw.reply().body, "3 296");
  raw.send("POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  const auto reply = raw.reply();
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.field("Connection"), "close") << "else the body could be taken for a request";
}

TEST_F(ServerTest, DrainsShortUnreadBodiesAndClosesOnLongOnes) {
  auto raw = client();
  const std::string body(60'000, 'a');
  for (int i = 0; i < 3; ++i) {
    raw.send("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + body);
    EXPECT_EQ(raw.reply().body, "hello");
  }
  raw.send("POST /ignore HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(raw.reply().body, "hello");
  raw.send("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n");
  EXPECT_EQ(raw.reply().field("Connection"), "close");
  raw.end_sending();
  EXPECT_TRUE(raw.ended());
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOOM_MEMORY_IS_WITHHELD 1  // it keeps freed memory for a while
#endif
#endif

// Kilobytes this process holds.
long resident() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  long total = 0;
  long pages = 0;
  EXPECT_EQ(std::fscanf(file, "%ld %ld", &total, &pages), 2);
  std::fclose(file);
  return pages * 4;
}

TEST_F(ServerTest, StreamsUploadsInBoundedMemory) {
  constexpr std::uint64_t kChunks = 1024;
  constexpr std::uint64_t kChunk = 64U << 10U;
  auto raw = client();
  raw.send("POST /measure/much HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string chunk = fmt::format("{:x}\r\n{}\r\n", kChunk, std::string(kChunk, 'a'));
  raw.send(chunk);
  [[maybe_unused]] const auto before = resident();
  for (std::uint64_t i = 1; i < kChunks; ++i) ASSERT_TRUE(raw.send(chunk));
#ifndef LOOM_MEMORY_IS_WITHHELD
  EXPECT_LT(resident() - before, 32L << 10U);
#endif
  raw.send("0\r\n\r\n");
  constexpr std::uint64_t kSize = kChunks * kChunk;
  EXPECT_EQ(raw.reply().body, fmt::format("{} {}", kSize, 97 * (kSize * (kSize - 1) / 2)));
  std::string plain =
      fmt::format("POST /measure/much HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", kChunk);
  raw.send(plain + std::string(kChunk, 'a'));
  EXPECT_EQ(raw.reply().body, fmt::format("{} {}", kChunk, 97 * (kChunk * (kChunk - 1) / 2)));
}

TEST_F(ImpatientServerTest, GivesUpOnSlowHeadsAndBodies) {
  auto slow_head = client();
  auto slow_body = client();
  auto nothing = client();
  slow_head.send("GET /hello HTTP/1.1\r\nHo");
  slow_body.send("POST /measure HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(slow_head.reply().status, 408);
  EXPECT_THAT(slow_body.reply().body, HasSubstr("timed_out"));
  EXPECT_TRUE(nothing.ended());
}

TEST_F(ServerTest, AnUploadThatBreaksOffIsTheClientsFault) {
  for (const char* framing : {"Content-Length: 10", "Transfer-Encoding: chunked"}) {
    auto raw = client();
    raw.send(fmt::format("POST /measure HTTP/1.1\r\nHost: x\r\n{}\r\n\r\n3\r\nabc", framing));
    raw.close();
  }
  ASSERT_TRUE(eventually([this] { return server_.told().size() == 2; }));
  for (const auto& told : server_.told()) EXPECT_EQ(told.status, kClientGone);
}

TEST_F(ImpatientServerTest, SlowDripDoesNotProlongAHead) {
  auto raw = client();
  raw.send("GET /hello HTTP/1.1\r\nA: ");
  const auto drip = [&] {
    raw.send("b");
    return !server_.told().empty();
  };
  ASSERT_TRUE(eventually(drip));
  EXPECT_EQ(server_.told().at(0).status, 408);
}

TEST_F(ServerTest, StreamsSources) {
  auto raw = client();
  raw.get("/sized");
  const auto sized = raw.reply();
  EXPECT_EQ(sized.field("Content-Length"), "200000");
  EXPECT_EQ(sized.body, Numbers::whole());
  raw.get("/unsized");
  const auto chunked = raw.reply();
  EXPECT_EQ(chunked.field("Transfer-Encoding"), "chunked");
  EXPECT_EQ(chunked.body, Numbers::whole());
  EXPECT_TRUE(eventually([this] { return alive_ == 0; }));
}

TEST_F(ServerTest, CutsTheConnectionWhenASourceFails) {
  auto raw = client();
  raw.get("/broken");
  const auto reply = raw.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_LT(reply.body.size(), Numbers::kSize);
  EXPECT_TRUE(raw.ended());
}

TEST_F(ServerTest, EndsASourceWhoseClientHasGone) {
  auto raw = client();
  raw.get("/endless");
  EXPECT_EQ(raw.head().status, 200);
  raw.close();
  EXPECT_TRUE(eventually([this] { return alive_ == 0; }));
}

TEST_F(ImpatientServerTest, EndsASourceWhoseClientDoesNotRead) {
  auto raw = client();
  raw.get("/endless");
  EXPECT_EQ(raw.head().status, 200);
  EXPECT_TRUE(eventually([this] { return alive_ == 0; }));
}

TEST_F(ServerTest, CompressesWhatShrinks) {
  auto raw = client();
  for (const auto* path : {"/json", "/big.json", "/shared.js", "/shared.js", "/big.js", "/big.js"}) {
    raw.get(path, "Accept-Encoding: br, gzip\r\n");
    const auto packed = raw.reply();
    EXPECT_EQ(packed.field("Content-Encoding"), "gzip") << path;
    EXPECT_EQ(packed.field("Vary"), "Accept-Encoding");
    EXPECT_EQ(packed.field("ETag"), "W/\"7\"");
    raw.get(path);
    const auto plain = raw.reply();
    EXPECT_EQ(plain.field("Content-Encoding"), "");
    EXPECT_EQ(plain.field("Vary"), "Accept-Encoding");
    EXPECT_EQ(plain.field("ETag"), "\"7\"");
    EXPECT_EQ(gunzip(packed.body), plain.body);
  }
  for (const auto* path : {"/png", "/small"}) {
    raw.get(path, "Accept-Encoding: gzip\r\n");
    EXPECT_EQ(raw.reply().field("Content-Encoding"), "") << path;
  }
}

}  // namespace
}  // namespace loom::http
