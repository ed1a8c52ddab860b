#include "sched/job_spec.hpp"

#include <gtest/gtest.h>

namespace loom::sched {
namespace {

TEST(JobSpecTest, IsReadBackAsItWasWritten) {
  JobSpec spec{
      .options = blast::Options(blast::Program::blastn), .snapshot = "5 sequences", .database_bytes = 77};
  ASSERT_TRUE(spec.options.set("db", "a \"b\""));
  ASSERT_TRUE(spec.options.set("outfmt", "6 std qlen"));
  spec.on_saturation = search::OnSaturation::complete;
  const auto again = parse_job_spec("blastn", to_json(spec));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->options, spec.options);
  EXPECT_EQ(again->snapshot, spec.snapshot);
  EXPECT_EQ(again->database_bytes, 77U);
  EXPECT_EQ(again->on_saturation, search::OnSaturation::complete);
}

TEST(JobSpecTest, DamagedTextIsCorrupt) {
  for (const char* text : {"", "{}", "[]", R"({"options":[{"name":"nosuch","value":"1"}]})"})
    EXPECT_EQ(parse_job_spec("blastp", text).error().code, Code::corrupt) << text;
}

TEST(JobSpecTest, ThePlanComesBackFromItsTasks) {
  plan::Plan plan{.shards = 2,
                  .searches = {{.first_unit = 0, .last_unit = 3, .threads = 1, .seconds = 1.5},
                               {.first_unit = 3, .last_unit = 4, .threads = 2, .seconds = 0.5}},
                  .reasons = {}};
  std::vector<store::Task> tasks;
  const auto add = [&](const search::Step& step) {
    tasks.push_back({.id = {store::JobId::random(), static_cast<std::uint32_t>(tasks.size())},
                     .work = {.spec = to_json(step, plan, 3)}});
  };
  add({.search = 0, .shard = 0});
  add({.search = 0});
  add({.search = 1});
  const auto again = plan_of(tasks);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->shards, 2);
  ASSERT_EQ(again->searches.size(), 2U);
  EXPECT_EQ(again->searches[1].first_unit, 3U);
  EXPECT_EQ(again->searches[1].threads, 2);
  EXPECT_EQ(known_queries_of(tasks), 3U);
  EXPECT_EQ(known_queries_of({}), 0U);
}

}  // namespace
}  // namespace loom::sched
