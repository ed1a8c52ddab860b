// How well the scheduler's own choosing code (sched/work_board.hpp) fills a cluster, by a simulation: nodes,
// tasks and time are made up, the choices are real. Prints one line of JSON for each case.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "sched/work_board.hpp"

namespace loom::sched {
namespace {

using Seconds = std::chrono::duration<double>;

Instant at(double seconds) {
  return Instant{std::chrono::duration_cast<Duration>(Seconds(seconds))};
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

/// A planned search whose steps are made up.
class MadeUpSearch final : public search::SplitSearch {
 public:
  explicit MadeUpSearch(std::vector<search::Step> steps) : steps_(std::move(steps)) {}
  [[nodiscard]] const search::Request& request() const override { never(); }
  [[nodiscard]] const std::filesystem::path& engine() const override { never(); }
  [[nodiscard]] const search::QueryFile& queries() const override { never(); }
  [[nodiscard]] const plan::Workload& workload() const override { never(); }
  [[nodiscard]] const plan::Plan& plan() const override { return plan_; }
  [[nodiscard]] std::span<const search::Step> steps() const override { return steps_; }
  [[nodiscard]] std::uint64_t known_queries() const override { return 0; }
  Result<search::TaskUse> run_step(std::size_t, search::TaskRunner&, std::stop_token) override { never(); }
  [[nodiscard]] bool one_text() const override { never(); }
  Result<exec::ProcessOutcome> run_straight(search::Messages&, std::stop_token) override { never(); }
  Status write_output(const search::TaskRunner&, bool, const std::function<Status(std::size_t)>&,
                      search::Messages&) override {
    never();
  }

 private:
  [[noreturn]] static void never() { LOOM_CHECK(false, "nothing is really searched"); }
  std::vector<search::Step> steps_;
  plan::Plan plan_;
};

struct Case {
  std::size_t tasks = 0;
  std::size_t jobs = 1;
  int nodes = 1;
  int losses = 0;  ///< of a node, at moments spread over the run
};

class Simulation {
 public:
  explicit Simulation(const Case& one)
      : case_(one), board_({.cores = one.nodes, .memory_bytes = 1, .elsewhere = true}, {}, warmth_) {
    running_.resize(static_cast<std::size_t>(one.nodes));
    up_.assign(running_.size(), true);
    down_at_.assign(running_.size(), 0);
    for (std::size_t i = 0; i < one.jobs; ++i) make_job(i);
    for (std::size_t i = running_.size(); i > 0; --i) free_.push_back(i - 1);
    const double length = work_ / one.nodes;
    std::uniform_real_distribution<double> when(0, length);
    std::uniform_int_distribution<std::size_t> which(0, running_.size() - 1);
    for (int i = 0; i < one.losses; ++i) {
      const double moment = when(random_);
      const std::size_t node = which(random_);
      events_.push({moment, Kind::down, node, 0});
      events_.push({moment + kRepair, Kind::up, node, 0});
    }
  }

  std::string run() {
    const double before = cpu_seconds();
    double now = 0;
    hand_out(now);
    while (ended_jobs_ < case_.jobs) {
      const Event event = events_.top();
      events_.pop();
      now = event.when;
      act(event, now);
      hand_out(now);
    }
    const double cpu = cpu_seconds() - before;
    for (std::size_t i = 0; i < up_.size(); ++i)
      if (!up_[i]) down_seconds_ += now - down_at_[i];
    const double bound = std::max(longest_, (work_ + down_seconds_) / case_.nodes);
    return fmt::format(
        R"({{"tasks":{},"jobs":{},"nodes":{},"losses":{},"lost_tasks":{},"makespan":{:.1f},"lower_bound":{:.1f},)"
        R"("ratio":{:.4f},"cpu_us_per_task":{:.3f}}})",
        case_.tasks, case_.jobs, case_.nodes, case_.losses, lost_, now, bound, now / bound,
        1e6 * cpu / static_cast<double>(case_.tasks));
  }

 private:
  static constexpr double kRepair = 300;
  static constexpr double kPlanning = 0.5;

  enum class Kind { ended, down, up };
  struct Event {
    double when;
    Kind kind;
    std::size_t node;
    std::uint64_t run;                                                      ///< of Running, for `ended`
    bool operator<(const Event& other) const { return when > other.when; }  // the earliest is on top
  };
  struct Running {
    Work work{};
    std::size_t step = 0;
    std::uint64_t run = 0;  ///< 0: idle
  };

  /// Predictions shrink, as the planner's do; what a task really takes is off by a factor of about 1.6.
  void make_job(std::size_t number) {
    const std::size_t count = case_.tasks / case_.jobs;
    std::lognormal_distribution<double> error(-0.125, 0.5);  // of mean 1
    std::vector<search::Step> steps;
    auto& actual = actual_.emplace_back();
    for (std::size_t i = 0; i < count; ++i) {
      const double left = 1 - static_cast<double>(i) / static_cast<double>(count);
      steps.push_back({.search = i, .seconds = 10 + 80 * left});
      actual.push_back(steps.back().seconds * error(random_));
      work_ += actual.back();
      longest_ = std::max(longest_, actual.back());
    }
    store::Job job{.id = store::JobId::random()};
    job.request.owner = fmt::format("owner{}", number % 10);
    job.request.database = "nr";
    auto active = std::make_shared<ActiveJob>(
        ActiveJob{.job = std::move(job),
                  .spec = {.options = blast::Options(blast::Program::blastp), .snapshot = {}},
                  .folder = {}});
    active->number = number + 1;
    active->kind = "blastp";
    active->waiting_since = at(0);
    splits_.push_back(std::make_shared<MadeUpSearch>(std::move(steps)));
    board_.wait(active);
  }

  void hand_out(double now) {
    while (!free_.empty()) {
      const ActivePtr job = board_.next(at(now));
      if (!job) return;
      const std::size_t node = free_.back();
      free_.pop_back();
      Running& running = running_[node];
      running = {.work = board_.claim(job), .run = ++runs_};
      board_.start(running.work, at(now));
      double takes = kPlanning;
      if (running.work.kind == Work::Kind::step) {
        running.step = job->next_step();
        job->set_running(running.step);
        takes = actual_[job->number - 1][running.step];
      }
      events_.push({now + takes, Kind::ended, node, running.run});
    }
  }

  void act(const Event& event, double now) {
    Running& running = running_[event.node];
    switch (event.kind) {
      case Kind::ended:
        if (running.run != event.run) return;  // the node was lost meanwhile
        ended(running, now);
        free_.push_back(event.node);
        break;
      case Kind::down:
        if (!up_[event.node]) return;
        up_[event.node] = false;
        down_at_[event.node] = now;
        if (running.run != 0) {
          lose(running, now);
        } else {
          std::erase(free_, event.node);
        }
        --board_.cores_free;
        break;
      case Kind::up:
        if (up_[event.node]) return;
        up_[event.node] = true;
        down_seconds_ += now - down_at_[event.node];
        ++board_.cores_free;
        free_.push_back(event.node);
        break;
    }
  }

  void ended(Running& running, double now) {
    const ActivePtr job = running.work.jobs.front();
    switch (running.work.kind) {
      case Work::Kind::prepare:
        job->split = splits_[job->number - 1];
        job->set_steps({job->split->steps().size(), ActiveJob::StepState::ready}, true);
        break;
      case Work::Kind::finish:
        job->phase = ActiveJob::Phase::ended;
        board_.remove(job);
        ++ended_jobs_;
        break;
      default: {
        const double predicted = job->split->steps()[running.step].seconds;
        const double taken = actual_[job->number - 1][running.step];
        board_.share.charge(job->job.request.owner, taken - running.work.charged, at(now));
        job->served += taken - running.work.charged;
        board_.costs.learn(job->kind, predicted, taken);
        job->set_done(running.step);
      }
    }
    board_.give_back(running.work);
    running = {};
  }

  void lose(Running& running, double /*now*/) {
    const ActivePtr job = running.work.jobs.front();
    if (running.work.kind == Work::Kind::step) {
      job->set_ready(running.step);
      ++lost_;
    } else if (running.work.kind == Work::Kind::finish) {
      job->claimed = false;
    } else {
      board_.wait(job);
    }
    board_.give_back(running.work);
    running = {};
  }

  Case case_;
  std::mt19937_64 random_{20260101};
  Warmth warmth_;
  WorkBoard board_;
  std::vector<std::vector<double>> actual_;  // seconds, of each job's steps
  std::vector<std::shared_ptr<search::SplitSearch>> splits_;
  double work_ = 0;
  double longest_ = 0;
  double down_seconds_ = 0;
  std::vector<Running> running_;  // by node
  std::vector<char> up_;
  std::vector<double> down_at_;
  std::vector<std::size_t> free_;
  std::priority_queue<Event> events_;
  std::uint64_t runs_ = 0;
  std::size_t ended_jobs_ = 0;
  std::size_t lost_ = 0;
};

int simulate(std::span<char*> words) {
  Case one;
  const auto number = [&](std::size_t i) {
    std::uint64_t value = 0;
    const std::string_view text = words[i];
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  if (words.size() != 5) {
    fmt::print(stderr, "usage: sched_bench TASKS JOBS NODES LOSSES\n");
    return 1;
  }
  one = {.tasks = number(1),
         .jobs = number(2),
         .nodes = static_cast<int>(number(3)),
         .losses = static_cast<int>(number(4))};
  fmt::print("{}\n", Simulation(one).run());
  return 0;
}

}  // namespace
}  // namespace loom::sched

int main(int argc, char** argv) {
  return loom::sched::simulate({argv, static_cast<std::size_t>(argc)});
}
