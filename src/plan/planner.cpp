#include "plan/planner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.hpp"

namespace loom::plan {

namespace {

using blast::Program;

constexpr double kStartSeconds = 0.08;
/// A task is worth its start when it works this long.
constexpr double kLeastTaskSeconds = 1.5;
/// Longer tasks make progress, retries and the tail coarse.
constexpr double kMostTaskSeconds = 120;
/// A blastn task is worth its own passes over the database when it works as long as this many take: the
/// engine's two threads get 0.96 of two processes' work done (2,000 reads against 712 Mbases).
constexpr double kPassesPerTask = 24;
/// Of the memory, what the database's pages may fill; the rest is for hits and for output.
constexpr double kDatabaseShareOfMemory = 0.6;
/// The same of a database in parts, whose scouts write more hits, and look each one's header up.
constexpr double kPartsShareOfMemory = 0.5;

/// What a blastn task needs beside the database's pages: measured for megablast.
constexpr double kTaskBytes = 20 << 20;
constexpr double kTaskBytesPerLetter = 90;

/// CPU seconds per query letter and database letter, and per database letter for one pass over it; blastn's
/// is half of what beginning a task costs, whose first batches are small.
struct Rate {
  double per_cell;
  double per_pass;
};

Rate rate_of(const Workload& work) {
  constexpr double kProtein = 4.7e-11;
  switch (work.program) {
    case Program::blastn:
      return work.task == "blastn" || work.task == "blastn-short" ? Rate{2.3e-13, 4.4e-9}
                                                                  : Rate{1e-14, 4.6e-10};
    case Program::blastp:
    case Program::psiblast:
    case Program::deltablast:
    case Program::rpsblast:
    case Program::rpstblastn:
      return {kProtein, 2e-9};
    case Program::blastx:
    case Program::tblastn:
      return {1.5 * kProtein, 2e-9};
    case Program::tblastx:
      return {3 * kProtein, 4e-9};
  }
  LOOM_CHECK(false, "a Program outside its enumerators");
}

/// blastn searches a task in about two passes over the database, whatever its size; the others pass once per
/// unit.
std::uint64_t batches_of(const Workload& work, std::size_t units) {
  return work.program == Program::blastn ? 2 : units;
}

/// Consecutive units from `at` on, until they are predicted to take `seconds` or hold `letters`.
Task take_units(const Workload& work, std::size_t at, double seconds, std::optional<std::uint64_t> letters,
                double database_share) {
  Task task{.first_unit = at, .last_unit = at};
  std::uint64_t taken = 0;
  do {
    taken += work.units[task.last_unit++].letters;
    task.seconds = predicted_seconds(work, taken, batches_of(work, task.last_unit - at), database_share);
  } while (task.last_unit < work.units.size() && (letters ? taken < *letters : task.seconds < seconds));
  return task;
}

double seconds_of(const Workload& work, const Task& task, double database_share) {
  std::uint64_t letters = 0;
  for (std::size_t u = task.first_unit; u < task.last_unit; ++u) letters += work.units[u].letters;
  return predicted_seconds(work, letters, batches_of(work, task.last_unit - task.first_unit), database_share);
}

double total_seconds(const Workload& work, double database_share) {
  return seconds_of(work, {.first_unit = 0, .last_unit = work.units.size()}, database_share);
}

/// Tasks that shrink: each takes half of its fair share of what is left, so that all workers end together.
std::vector<Task> cut(const Workload& work, const Resources& resources, double database_share) {
  std::vector<Task> tasks;
  double left = total_seconds(work, database_share);
  const double pass = predicted_seconds(work, 0, 1, database_share);
  const double least = std::max(kLeastTaskSeconds, work.program == Program::blastn ? 4 * pass : 0);
  std::size_t at = 0;
  while (at < work.units.size()) {
    const double share = left / (2.0 * resources.workers);
    const double seconds = std::clamp(share, least, std::max(least, kMostTaskSeconds));
    tasks.push_back(take_units(work, at, seconds, resources.batch_letters, database_share));
    left -= tasks.back().seconds;
    at = tasks.back().last_unit;
  }
  return tasks;
}

/// Letters that a blastn task may hold when memory is short, so that all workers' tasks fit beside the pages.
std::uint64_t letters_that_fit(const Resources& resources) {
  const double room =
      (1 - kDatabaseShareOfMemory) * static_cast<double>(resources.memory_bytes) / resources.workers;
  return static_cast<std::uint64_t>(std::max(room - kTaskBytes, 0.0) / kTaskBytesPerLetter);
}

/// For how many tasks of each worker a blastn search is long enough.
double worthwhile_rounds(const Workload& work, const Resources& resources, double database_share) {
  return std::floor(total_seconds(work, database_share) / resources.workers /
                    (kPassesPerTask * predicted_seconds(work, 0, 1, database_share)));
}

/// blastn passes over the whole database once per task, so it wants few tasks: equal ones, a multiple of the
/// workers. With a database in parts the workers have those to share, and one task may do.
std::vector<Task> cut_evenly(const Workload& work, const Resources& resources, double database_share,
                             int shards) {
  const bool memory_is_short = shards > 1 && !resources.shards;
  const double rounds = worthwhile_rounds(work, resources, database_share);
  const std::uint64_t wanted = shards > 1 && rounds < 1
                                   ? 1
                                   : static_cast<std::uint64_t>(std::clamp(rounds, 1.0, 8.0)) *
                                         static_cast<std::uint64_t>(resources.workers);
  std::uint64_t letters = 0;
  for (const auto& unit : work.units) letters += unit.letters;
  std::uint64_t each = resources.batch_letters.value_or((letters + wanted - 1) / wanted);
  if (memory_is_short) each = std::min(each, letters_that_fit(resources));
  std::vector<Task> tasks;
  for (std::size_t at = 0; at < work.units.size(); at = tasks.back().last_unit) {
    tasks.push_back(take_units(work, at, 0, std::max<std::uint64_t>(each, 1), database_share));
  }
  return tasks;
}

/// What all workers' threads in one process get done, of what as many processes would: measured, 0.82 to
/// 0.91.
constexpr double kThreadsWorth = 0.85;

/// Seconds until `tasks`, started in their order, have ended on `workers`. A task with several threads has
/// them all to itself.
double makespan(const std::vector<Task>& tasks, int workers) {
  std::vector<double> free_at(static_cast<std::size_t>(workers), 0.0);
  for (const Task& task : tasks) {
    if (task.threads == 1) {
      *std::ranges::min_element(free_at) += task.seconds;
    } else {
      const double start = *std::ranges::max_element(free_at);
      std::ranges::fill(free_at, start + task.seconds / (workers * kThreadsWorth));
    }
  }
  return *std::ranges::max_element(free_at);
}

/// One task for each unit, but for the first or the last `wide` units, which are one task on all workers.
std::vector<Task> one_each(const Workload& work, const Resources& resources, double database_share,
                           std::size_t wide, bool at_end) {
  const std::size_t units = work.units.size();
  std::vector<Task> tasks;
  const auto add_wide = [&](std::size_t from) {
    Task task{.first_unit = from, .last_unit = from + wide, .threads = resources.workers};
    task.seconds = seconds_of(work, task, database_share);
    if (wide > 0) tasks.push_back(task);
  };
  if (!at_end) add_wide(0);
  for (std::size_t u = at_end ? 0 : wide; u < (at_end ? units - wide : units); ++u)
    tasks.push_back(take_units(work, u, 0, 1, database_share));
  if (at_end) add_wide(units - wide);
  return tasks;
}

/// So few units that some workers would be idle in the last round: a few of them are one task on all workers,
/// where that ends sooner.
std::vector<Task> cut_few(const Workload& work, const Resources& resources, double database_share) {
  std::vector<Task> best = one_each(work, resources, database_share, 0, false);
  for (std::size_t wide = 1; wide < static_cast<std::size_t>(resources.workers); ++wide) {
    for (const bool at_end : {false, true}) {
      auto tasks = one_each(work, resources, database_share, wide, at_end);
      if (makespan(tasks, resources.workers) < makespan(best, resources.workers)) best = std::move(tasks);
    }
  }
  return best;
}

Task everything(const Workload& work, const Resources& resources, double database_share,
                bool threads_allowed) {
  constexpr double kWorthThreads = 0.2;
  Task task{.first_unit = 0, .last_unit = work.units.size()};
  task.seconds = seconds_of(work, task, database_share);
  task.threads = threads_allowed && task.seconds > kWorthThreads ? resources.workers : 1;
  return task;
}

std::vector<Task> cut_queries(const Workload& work, const Resources& resources, double database_share,
                              Plan& plan) {
  const std::size_t units = work.units.size();
  // Several threads over an OID range may search the first chunk twice (doc/exactness.md).
  const bool threads_allowed = work.threads_allowed && plan.shards == 1;
  if (!work.one_piece_because.empty() && units > 1) {
    plan.reasons.push_back(fmt::format("The queries stay in one piece: {}.", work.one_piece_because));
    return {everything(work, resources, database_share, threads_allowed)};
  }
  if (resources.workers == 1 && !resources.batch_letters) {
    plan.reasons.emplace_back("One worker: one task, nothing to gain from cutting.");
    return {everything(work, resources, database_share, threads_allowed)};
  }
  if (resources.batch_letters) {
    plan.reasons.push_back(
        fmt::format("--batch-letters: tasks of about {} letters.", *resources.batch_letters));
    return cut(work, resources, database_share);
  }
  if (total_seconds(work, database_share) < kLeastTaskSeconds) {
    plan.reasons.emplace_back("Too small a search to gain from cutting: one task.");
    return {everything(work, resources, database_share, threads_allowed)};
  }
  if (threads_allowed && units < static_cast<std::size_t>(resources.workers)) {
    plan.reasons.emplace_back("Fewer internal batches than workers: one task, on all workers.");
    return {everything(work, resources, database_share, threads_allowed)};
  }
  if (work.program == Program::blastn && threads_allowed &&
      worthwhile_rounds(work, resources, database_share) < 1) {
    plan.reasons.emplace_back(
        "blastn passes over the database once per task, which here costs more than the engine's threads: "
        "one task, on all workers.");
    return {everything(work, resources, database_share, threads_allowed)};
  }
  if (work.program == Program::blastn) {
    plan.reasons.emplace_back("blastn passes over the database once per task: few tasks, of equal size.");
    return cut_evenly(work, resources, database_share, plan.shards);
  }
  if (threads_allowed && units < 8 * static_cast<std::size_t>(resources.workers)) {
    plan.reasons.push_back(fmt::format(
        "Few internal batches ({}): one task each, but for odd ones that would leave workers idle; "
        "those run on all workers.",
        units));
    return cut_few(work, resources, database_share);
  }
  plan.reasons.push_back(fmt::format(
      "{} internal batches of the engine: tasks hold whole ones, long tasks first and short ones last.",
      units));
  return cut(work, resources, database_share);
}

/// Bytes for the pages of sequences in this share of the memory, beside what every worker's engine needs
/// whatever it searches.
double room_for_pages(double share, const Resources& resources) {
  const auto memory = static_cast<double>(resources.memory_bytes);
  const double engines = resources.on_one_machine ? resources.workers * kTaskBytes : kTaskBytes;
  return std::max(share * memory - engines, memory / 4);
}

int shards_for(const Workload& work, const Resources& resources, Plan& plan) {
  const auto bytes = static_cast<double>(work.database_bytes);
  const bool fits = bytes <= room_for_pages(kDatabaseShareOfMemory, resources);
  // However little memory there is, a part has a sequence.
  constexpr std::uint64_t kMostShards = std::numeric_limits<int>::max();
  const std::uint64_t most = std::clamp<std::uint64_t>(work.database_sequences, 1, kMostShards);
  int shards = resources.shards.value_or(
      fits ? 1
           : static_cast<int>(std::min(std::ceil(bytes / room_for_pages(kPartsShareOfMemory, resources)),
                                       static_cast<double>(most))));
  if (resources.shards && shards > 1)
    plan.reasons.push_back(fmt::format("--shards: the database in {} parts.", shards));
  if (!work.whole_database_because.empty() && shards > 1) {
    plan.reasons.push_back(fmt::format("The database stays whole: {}.", work.whole_database_because));
    return 1;
  }
  return static_cast<int>(
      std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::max(shards, 1)), 1, most));
}

/// Makes parts so small that those in use at one time fit: fewer tasks than workers are at several parts at
/// once, and while some tasks still search one part, others begin with the next.
void fit_parts(const Workload& work, const Resources& resources, Plan& plan) {
  const std::size_t tasks = plan.searches.size();
  const std::size_t at_once = resources.on_one_machine && resources.workers > 1
                                  ? (static_cast<std::size_t>(resources.workers) + tasks - 1) / tasks + 1
                                  : 1;
  plan.shards = static_cast<int>(
      std::min<std::uint64_t>(static_cast<std::uint64_t>(plan.shards) * at_once, work.database_sequences));
  plan.reasons.push_back(fmt::format(
      "The database ({} MiB) does not fit {} MiB of memory: {} parts, each read once for all queries.",
      work.database_bytes >> 20U, resources.memory_bytes >> 20U, plan.shards));
}

}  // namespace

double predicted_seconds(const Workload& work, std::uint64_t letters, std::uint64_t batches,
                         double database_share) {
  const Rate rate = rate_of(work);
  const double database = static_cast<double>(work.database_letters) * database_share;
  return kStartSeconds + (rate.per_pass * database * static_cast<double>(batches)) +
         (rate.per_cell * database * static_cast<double>(letters));
}

Plan make_plan(const Workload& work, const Resources& resources) {
  LOOM_CHECK(!work.units.empty() && resources.workers >= 1, "a search has queries and a worker");
  Plan plan;
  plan.workers = resources.workers;
  plan.shards = shards_for(work, resources, plan);
  plan.searches = cut_queries(work, resources, 1.0, plan);
  if (plan.shards > 1 && !resources.shards) fit_parts(work, resources, plan);
  double cpu = 0;
  for (const Task& task : plan.searches)
    cpu += task.seconds + (plan.shards > 1 ? plan.shards * kStartSeconds : 0);
  plan.seconds = cpu / resources.workers;
  return plan;
}

}  // namespace loom::plan
