#include <gtest/gtest.h>

#include "api/api_under_test.hpp"
#include "api/ticket.hpp"

namespace loom::api {
namespace {

/// A server with tokens of two users, each with a job that has a file.
class LinksTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    ann_ = "Authorization: Bearer " + *tokens_->create("ann", service::Role::user) + "\r\n";
    bob_ = "Authorization: Bearer " + *tokens_->create("bob", service::Role::user) + "\r\n";
    jobs_.jobs = {make_job(1, "ann"), make_job(2, "bob")};
    jobs_.add_file("output.outfmt-6", "6", "0123456789");
  }
  Reply ask_link(const std::string& path, const std::string& who) {
    return post_json("/api/blast/download-links", boost::json::serialize(boost::json::object{{"path", path}}),
                     who);
  }
  std::string link(const std::string& path, const std::string& who) {
    const Reply made = ask_link(path, who);
    EXPECT_EQ(made.status, 201) << made.body;
    return member(made, "href");
  }
  /// Another server on the same tokens.
  void restart() {
    server_.reset();
    start();
  }
  /// An expected 401 in words.
  void expect_refused(const std::string& href, std::string_view why) {
    const Reply reply = get(href);
    EXPECT_EQ(reply.status, 401) << href;
    EXPECT_EQ(reply.field("Content-Type"), "application/problem+json");
    EXPECT_TRUE(reply.field("WWW-Authenticate").starts_with("Bearer"));
    EXPECT_EQ(member(reply, "code"), "unauthorized");
    EXPECT_NE(member(reply, "detail").find(why), std::string::npos) << reply.body;
    EXPECT_EQ(reply.body.find("ticket"), std::string::npos) << "it is nobody's to repeat";
  }

  const std::string output_ = path(1, "/results/output?outfmt=6%20evalue");
  const std::string changed_ = "the link is not as this server gave it, or its token was removed";
  std::string ann_;
  std::string bob_;
};

TEST_F(LinksTest, OpensADownloadWithoutTheHeader) {
  start();
  const Reply made = ask_link(output_, ann_);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.field("Cache-Control"), "no-store");
  EXPECT_EQ(member(made, "expires_at"), "2023-11-14T22:14:20.123Z");
  const std::string href = member(made, "href");
  EXPECT_TRUE(href.starts_with(output_ + "&ticket=")) << href;
  EXPECT_EQ(get(output_).status, 401);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(get(href).body, "0123456789");
  EXPECT_EQ(jobs_.rendered_as, "6 evalue") << "the ticket is none of its parameters";
  const Reply part = get(href, "Range: bytes=7-\r\n");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "789");
  http::RawClient head(server_->port());
  head.send("HEAD " + href + " HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(head.reply(true).status, 200);
}

TEST_F(LinksTest, EveryKindOfDownloadHasLinks) {
  start();
  for (const std::string rest :
       {"/output", "/files/output.outfmt-6", "/archive.zip", "/provenance?format=sh"}) {
    const Reply reply = get(link(path(1, "/results" + rest), ann_));
    EXPECT_EQ(reply.status, 200) << rest;
    EXPECT_TRUE(reply.field("Cache-Control").starts_with("private"))
        << rest << ": no cache on the way keeps it";
  }
  EXPECT_EQ(get(link(path(1, "/results/export?format=csv"), ann_)).status, 202) << "it is being indexed";
}

TEST_F(LinksTest, ExpiresAfterAMinute) {
  start();
  const std::string href = link(output_, ann_);
  now_ += std::chrono::milliseconds(59'999);
  EXPECT_EQ(get(href).status, 200);
  now_ += std::chrono::milliseconds(1);
  expect_refused(href,
                 "the link has expired: it holds for 60 s; POST /api/blast/download-links makes another");
  EXPECT_EQ(get(link(output_, ann_)).status, 200);
}

/// Who has a token could make tickets himself, as its hash is all that is needed; but none that
/// holds longer.
TEST_F(LinksTest, HoldsNoLongerThanTheServerGivesIt) {
  start();
  const auto tokens = tokens_->list();
  const service::Token& ann = tokens->at(0);
  EXPECT_EQ(get(with_ticket(output_, ann, now_ + kLinkTime)).status, 200);
  expect_refused(with_ticket(output_, ann, now_ + kLinkTime + std::chrono::milliseconds(1)), "expired");
  expect_refused(with_ticket(output_, ann, store::UnixTime::max()), "expired");
  expect_refused(with_ticket(output_, ann, store::UnixTime::min()), "expired");
}

TEST_F(LinksTest, ChangedAnywhereItOpensNothing) {
  start();
  const std::string href = link(output_, ann_);
  for (std::size_t i = 0; i < href.size(); ++i) {
    std::string changed = href;
    changed[i] = href[i] == '0' ? '1' : '0';
    EXPECT_GE(get(changed).status, 400) << changed;
    if (i > 0) EXPECT_GE(get(href.substr(0, i)).status, 400) << href.substr(0, i);
  }
  expect_refused(href + "0", changed_);
  expect_refused(href + "&outfmt=7", changed_);
  expect_refused(href + "&ticket=", changed_);
  expect_refused(output_ + "&ticket=", changed_);
  expect_refused(output_ + "&ticket=x.y", changed_);
}

TEST_F(LinksTest, IsGoodForItsPathAndQueryOnly) {
  start();
  const std::string href = link(output_, ann_);
  const std::string ticket = href.substr(href.find("ticket="));
  for (const std::string& other :
       {path(1, "/results/output?outfmt=7"), path(1, "/results/output?outfmt=6+evalue"),
        path(1, "/results/output"), path(1, "/results/archive.zip"),
        path(2, "/results/output?outfmt=6%20evalue"), path(1, "/results/files/output.outfmt-6")})
    expect_refused(other + (other.find('?') == std::string::npos ? "?" : "&") + ticket, changed_);
  for (const std::string& other : {path(1), path(1, "/results"), path(1, "/results/hits"),
                                   std::string("/api/blast/jobs"), std::string("/metrics")})
    EXPECT_EQ(get(other + "?" + ticket).status, 401) << other;
}

TEST_F(LinksTest, IsGoodForReadingOnly) {
  start();
  const std::string href = link(output_, ann_);
  const std::string ticket = href.substr(href.find("ticket="));
  EXPECT_EQ(ask("POST", href).status, 405);
  EXPECT_EQ(ask("DELETE", href).status, 405);
  EXPECT_EQ(ask("DELETE", path(1, "?" + ticket)).status, 401);
  EXPECT_EQ(ask("POST", path(1, "/cancel?" + ticket)).status, 401);
  EXPECT_EQ(post_json("/api/blast/download-links?" + ticket, "{}").status, 401);
}

TEST_F(LinksTest, EndsWithItsTokenAndNotWithTheServer) {
  const auto tokens = tokens_->list();
  start();
  const std::string hers = link(output_, ann_);
  const std::string his = link(path(2, "/results/archive.zip"), bob_);
  restart();
  EXPECT_EQ(get(hers).status, 200);
  ASSERT_TRUE(tokens_->remove(tokens->at(0).id));
  restart();
  expect_refused(hers, changed_);
  EXPECT_EQ(get(his).status, 200);
  // Another token of the same name is another token.
  ASSERT_TRUE(tokens_->create("ann", service::Role::user));
  restart();
  expect_refused(hers, changed_);
}

TEST_F(LinksTest, OpensWhatItsCallerMaySeeWhenItIsUsed) {
  start();
  EXPECT_EQ(ask_link(path(2, "/results/archive.zip"), ann_).status, 404) << "not hers";
  EXPECT_EQ(ask_link(path(3, "/results/archive.zip"), ann_).status, 404);
  EXPECT_EQ(ask_link("/api/blast/jobs/no-id/results/archive.zip", ann_).status, 404);
  const std::string href = link(path(1, "/results/archive.zip"), ann_);
  jobs_.jobs = {make_job(1, "bob")};
  const Reply gone = get(href);
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(member(gone, "detail"), "there is no such job, or it is not yours");
}

TEST_F(LinksTest, WhatIsNoDownloadGetsNone) {
  start();
  const std::string output = path(1, "/results/output");
  const std::vector<std::string> wrong{"",
                                       "/",
                                       "/metrics",
                                       "/Blast.cgi?CMD=Get",
                                       "/api/blast/jobs",
                                       "/api/blast/events",
                                       "/api/blast//results/output",
                                       "/api/blast/jobs/%2e%2e/%2e%2e/metrics",
                                       path(1),
                                       path(1, "/cancel"),
                                       path(1, "/results"),
                                       path(1, "/results/"),
                                       path(1, "/results/hits"),
                                       path(1, "/results/files/"),
                                       path(1, "/results/files/a/b"),
                                       path(1, "/results/%6x"),
                                       "http://localhost" + output,
                                       "//localhost" + output,
                                       "/lab" + output,
                                       output.substr(1),
                                       output + "#x",
                                       output + "?outfmt=6 evalue",
                                       output + "?outfmt='6'",
                                       output + "?outfmt=%",
                                       output + "?outfmt=%00",
                                       output + "?ticket=x",
                                       output + "?a&t%69cket=x&b"};
  for (const std::string& one : wrong) {
    const Reply reply = ask_link(one, ann_);
    EXPECT_EQ(reply.status, 400) << one;
    EXPECT_EQ(member(reply, "field"), "path") << one;
  }
  EXPECT_NE(member(ask_link(path(1), ann_), "detail").find("/api/blast/jobs/{id}/results/archive.zip"),
            std::string::npos);
  for (const auto& [body, field] :
       std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                        {"[]", ""},
                                                        {"{}", "path"},
                                                        {R"({"path":1})", "path"},
                                                        {R"({"path":"/x","to":"y"})", "to"}}) {
    const Reply reply = post_json("/api/blast/download-links", body, ann_);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(member(reply, "field"), field) << body;
  }
  const Reply long_one = ask_link(output + "?outfmt=" + std::string(20'000, '6'), ann_);
  EXPECT_EQ(long_one.status, 413);
  EXPECT_NE(member(long_one, "detail").find("limit-header"), std::string::npos);
}

TEST_F(LinksTest, AreMadeByThoseWhoAreLetIn) {
  start();
  EXPECT_EQ(ask_link(output_, "").status, 401);
  EXPECT_EQ(ask_link(output_, "Authorization: Bearer loom_wrong\r\n").status, 401);
}

TEST_F(LinksTest, AServerThatOnlyReadsMakesThemToo) {
  start();
  const std::string of_the_owner = link(output_, ann_);
  who_changes_ = [] { return std::string("http://127.0.0.1:1"); };
  restart();
  EXPECT_EQ(ask("POST", path(1, "/cancel"), ann_).status, 405);
  EXPECT_EQ(get(link(output_, ann_)).body, "0123456789");
  EXPECT_EQ(get(of_the_owner).body, "0123456789") << "it has the same tokens";
}

/// Where no token is asked for, the path does it.
TEST_F(ApiTest, WithoutTokensALinkIsThePathItself) {
  start();
  jobs_.jobs = {make_job(1)};
  jobs_.add_file("output.outfmt-6", "6", "0123456789");
  const std::string output = path(1, "/results/output?outfmt=6");
  const std::string body = boost::json::serialize(boost::json::object{{"path", output}});
  const Reply made = post_json("/api/blast/download-links", body);
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(json(made), (boost::json::object{{"href", output}}));
  EXPECT_EQ(get(output + "&ticket=of.another.time").status, 200);
  const std::string elsewhere = "Origin: http://evil.example\r\n";
  EXPECT_EQ(post_json("/api/blast/download-links", body, elsewhere).status, 403);
  EXPECT_EQ(get(output + "&ticket=of.another.time", elsewhere).status, 403);
}

}  // namespace
}  // namespace loom::api
