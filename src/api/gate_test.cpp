#include "api/gate.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fstream>

#include "base/temp_dir.hpp"
#include "testkit/manual_clock.hpp"

namespace loom::api {
namespace {

class GateTest : public testing::Test {
 protected:
  /// As with_caller() asks.
  bool lets_in(const std::string& secret) {
    http::Request request;
    request.headers.emplace_back("Authorization", "Bearer " + secret);
    if (const auto admission = gate_.admit_now(request)) return admission->has_value();
    http::net::io_context io;
    auto admission = http::net::co_spawn(io, gate_.admit(request), http::net::use_future);
    io.run();
    pool_.settle();
    return admission.get().has_value();
  }

  Result<TempDir> folder_ = TempDir::create();
  service::Tokens tokens_{folder_->path() / "tokens"};
  async::BlockingPool pool_{1};
  testkit::ManualClock clock_;
  Gate gate_{tokens_, pool_, false, &store::wall_now, clock_};
};

TEST_F(GateTest, SeesWithinASecondThatATokenWasRemoved) {
  const std::string secret = *tokens_.create("ann", service::Role::user);
  EXPECT_TRUE(lets_in(secret));
  ASSERT_TRUE(tokens_.remove(tokens_.list()->at(0).id));
  clock_.advance(Gate::kFresh);
  EXPECT_TRUE(lets_in(secret)) << "its copy is fresh";
  clock_.advance(Duration(1));
  EXPECT_FALSE(lets_in(secret));
}

TEST_F(GateTest, AHashThatWasBlankedByHandIsNoKeyButAnError) {
  std::ofstream(folder_->path() / "tokens")
      << R"({"tokens":[{"id":"00000000","name":"ann","role":"user","sha256":"","created":""}]})";
  const auto list = service::Tokens(folder_->path() / "tokens").list();
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Code::corrupt);
  EXPECT_NE(list.error().message.find("sha256 is not 64 hex digits"), std::string::npos);
}

}  // namespace
}  // namespace loom::api
