#include <gtest/gtest.h>

#include <algorithm>

#include "api/api_under_test.hpp"

namespace loom::api {
namespace {

class HitsApi : public ApiTest {
 protected:
  void index(std::string_view text) {
    const auto read = [text](std::span<char> into) mutable -> Result<std::size_t> {
      const std::size_t count = std::min(text.size(), into.size());
      text.copy(into.data(), count);
      text.remove_prefix(count);
      return count;
    };
    const auto file = folder_->path() / "hits";
    ASSERT_TRUE(results::build_index(file, {}, read));
    jobs_.index = results::HitIndex::open(file).value();
  }
  void SetUp() override {
    ApiTest::SetUp();
    jobs_.jobs = {make_job(1)};
    index(
        "q1\ts1\t90.000\t50\t5\t0\t1\t50\t1\t50\t1e-30\t105\nq1\ts2\t40.500\t30\t9\t0\t4\t7\t6\t9\t2.1\t30."
        "1\n"
        "q2\ts1\t99.000\t20\t0\t0\t1\t20\t1\t20\t3e-9\t88.0\n");
    start();
  }
};

TEST_F(HitsApi, PagesGoOnAtTheCursor) {
  const auto first = json(get(path(1, "/results/hits?limit=2&sort=evalue")));
  EXPECT_EQ(first.at("total"), 3);
  EXPECT_EQ(first.at("hits").at(1).at("evalue"), "3e-9");
  const std::string cursor(first.at("next_cursor").as_string());
  const auto second = json(get(path(1, "/results/hits?limit=2&sort=evalue&cursor=" + cursor)));
  EXPECT_EQ(second.at("hits").as_array().size(), 1U);
  EXPECT_TRUE(second.at("next_cursor").is_null());
  const Reply other = get(path(1, "/results/hits?sort=pident&cursor=" + cursor));
  EXPECT_EQ(other.status, 400);
  EXPECT_EQ(member(other, "field"), "cursor");
}

TEST_F(HitsApi, WordsAndBoundsAreFilters) {
  const auto count = [&](const std::string& query) {
    return json(get(path(1, "/results/hsps?limit=0&" + query))).at("total").to_number<int>();
  };
  EXPECT_EQ(count("words=S1"), 2);
  EXPECT_EQ(count("words=s%20none"), 0);
  EXPECT_EQ(count("evalue_max=1e-5&identity_min=95"), 1);
  EXPECT_EQ(count("where=length%3C60%20and%20not%20subject%3Ds1"), 1);
  EXPECT_EQ(count("query=0&subject=s1"), 1);
}

TEST_F(HitsApi, WhileTheIndexIsMade) {
  jobs_.index = nullptr;
  const Reply reply = get(path(1, "/results/queries"));
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(member(reply, "status"), "indexing");
  EXPECT_EQ(reply.field("Retry-After"), "2");
  EXPECT_EQ(get(path(1, "/results/export")).status, 202);
  EXPECT_EQ(get(path(2, "/results/queries")).status, 404);
}

TEST_F(HitsApi, ExportIsStreamed) {
  const Reply csv = get(path(1, "/results/export?format=csv&columns=qaccver,evalue&where=query%3Dq2"));
  EXPECT_EQ(csv.status, 200);
  EXPECT_EQ(csv.body, "qaccver,evalue\r\nq2,3e-9\r\n");
  EXPECT_EQ(csv.field("Content-Type"), "text/csv; charset=utf-8");
  EXPECT_EQ(csv.field("Content-Disposition"), "attachment; filename=\"blast-00000000-hits.csv\"");
  EXPECT_EQ(get(path(1, "/results/export?select=1&columns=saccver")).body, "s2\n");
  EXPECT_EQ(get(path(1, "/results/export?format=pdf")).status, 400);
}

}  // namespace
}  // namespace loom::api
