#include "app/explain.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "app/progress.hpp"

namespace loom::app {

namespace {

struct Totals {
  std::uint64_t records = 0;
  std::uint64_t letters = 0;
};

Totals totals(const plan::Workload& work, std::size_t first, std::size_t last) {
  Totals sum;
  for (std::size_t u = first; u < last; ++u) {
    sum.records += work.units[u].records;
    sum.letters += work.units[u].letters;
  }
  return sum;
}

/// "1 task", "12 tasks".
std::string counted(std::uint64_t number, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", number, number == 1 ? one : many);
}

}  // namespace

std::string explain_text(const search::LocalSearch& search) {
  const plan::Workload& work = search.workload();
  const plan::Plan& plan = search.plan();
  const Totals all = totals(work, 0, work.units.size());
  std::string text = fmt::format("{}: {}, {} letters, in {}\n", blast::name(work.program),
                                 counted(all.records, "query", "queries"), all.letters,
                                 counted(work.units.size(), "internal batch", "internal batches"));
  if (work.database_letters > 0) {
    text += fmt::format("database: {}, {} letters, {} MiB to read\n",
                        counted(work.database_sequences, "sequence", "sequences"), work.database_letters,
                        (work.database_bytes + (1U << 20U) - 1) >> 20U);
  }
  text += fmt::format("plan: {}, {}{}, about {} (a guess until it runs)\n",
                      counted(static_cast<std::uint64_t>(plan.workers), "worker", "workers"),
                      counted(plan.searches.size(), "task", "tasks"),
                      plan.shards > 1 ? fmt::format(", each over {} parts of the database", plan.shards) : "",
                      clock_text(plan.seconds));
  for (const std::string& reason : plan.reasons) text += fmt::format("  - {}\n", reason);
  for (std::size_t t = 0; t < plan.searches.size(); ++t) {
    const plan::Task& task = plan.searches[t];
    const Totals part = totals(work, task.first_unit, task.last_unit);
    text += fmt::format("  task {:>3}: queries {}-{}, {} letters, {}, about {:.1f} CPU s\n", t + 1,
                        work.units[task.first_unit].first_record + 1,
                        work.units[task.first_unit].first_record + part.records, part.letters,
                        counted(static_cast<std::uint64_t>(task.threads), "thread", "threads"), task.seconds);
  }
  return text;
}

std::string explain_json(const search::LocalSearch& search) {
  const plan::Workload& work = search.workload();
  const plan::Plan& plan = search.plan();
  const Totals all = totals(work, 0, work.units.size());
  boost::json::array tasks;
  for (const plan::Task& task : plan.searches) {
    const Totals part = totals(work, task.first_unit, task.last_unit);
    tasks.push_back({{"first_query", work.units[task.first_unit].first_record + 1},
                     {"queries", part.records},
                     {"letters", part.letters},
                     {"threads", task.threads},
                     {"cpu_seconds", task.seconds}});
  }
  boost::json::array reasons(plan.reasons.begin(), plan.reasons.end());
  const boost::json::object document{{"program", blast::name(work.program)},
                                     {"queries", all.records},
                                     {"letters", all.letters},
                                     {"internal_batches", work.units.size()},
                                     {"database",
                                      {{"sequences", work.database_sequences},
                                       {"letters", work.database_letters},
                                       {"bytes", work.database_bytes}}},
                                     {"workers", plan.workers},
                                     {"shards", plan.shards},
                                     {"seconds", plan.seconds},
                                     {"reasons", std::move(reasons)},
                                     {"tasks", std::move(tasks)}};
  return boost::json::serialize(document) + "\n";
}

}  // namespace loom::app
