#include "store/job.hpp"

#include <gtest/gtest.h>

#include <set>

namespace loom::store {
namespace {

template <class State, std::size_t N>
std::string moves_among(const std::array<State, N>& states) {
  std::string all;
  for (const State from : states) {
    all += fmt::format("{}:", name(from));
    for (const State to : states)
      if (may_move(from, to)) all += fmt::format(" {}", name(to));
    all += "\n";
  }
  return all;
}

TEST(JobMoves, AreExactlyThese) {
  EXPECT_EQ(moves_among(kJobStates),
            "queued: running failed cancelled\n"
            "running: merging failed cancelled\n"
            "merging: completed failed cancelled\n"
            "completed:\n"
            "failed: queued\n"
            "cancelled: queued\n");
}

TEST(TaskMoves, AreExactlyThese) {
  EXPECT_EQ(moves_among(kTaskStates),
            "ready: leased\n"
            "leased: ready done failed\n"
            "done:\n"
            "failed: ready\n");
}

TEST(JobMoves, AFinalStateIsLeftOnlyByARetry) {
  for (const JobState from : kJobStates) {
    for (const JobState to : kJobStates) {
      if (is_final(from) && may_move(from, to)) EXPECT_EQ(to, JobState::queued);
      if (!is_final(from)) EXPECT_FALSE(may_move(from, JobState::queued)) << name(from);
    }
  }
}

TEST(Names, ReadBackAsTheyAreWritten) {
  for (const JobState state : kJobStates) EXPECT_EQ(parse_job_state(name(state)), state);
  for (const TaskState state : kTaskStates) EXPECT_EQ(parse_task_state(name(state)), state);
  EXPECT_EQ(parse_event_kind(name(EventKind::measured)), EventKind::measured);
  for (const char* none : {"", "Queued", "queued ", "leased"}) EXPECT_FALSE(parse_job_state(none)) << none;
  EXPECT_FALSE(parse_task_state("running"));
  EXPECT_FALSE(parse_event_kind("running"));
}

TEST(JobId, IsRandomAndReadsBack) {
  std::set<JobId> seen;
  for (int i = 0; i < 1000; ++i) {
    const JobId id = JobId::random();
    EXPECT_TRUE(seen.insert(id).second);
    EXPECT_EQ(JobId::parse(id.str()).value(), id);
  }
}

TEST(JobId, RefusesWhatIsNone) {
  const std::string good(32, 'a');
  for (const std::string& text : {std::string(), good.substr(1), good + "a", good.substr(1) + "A",
                                  good.substr(1) + "g", good.substr(2) + "/a", good.substr(1) + '\0'}) {
    const auto id = JobId::parse(text);
    ASSERT_FALSE(id) << text;
    EXPECT_EQ(id.error().code, Code::invalid_argument);
  }
}

}  // namespace
}  // namespace loom::store
