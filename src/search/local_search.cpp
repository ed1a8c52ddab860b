#include "search/local_search.hpp"

#include "blast/program.hpp"
#include "exec/failure.hpp"
#include "search/slots.hpp"
#include "search/split_search.hpp"
#include "search/work_folder.hpp"

namespace loom::search {

namespace {

class Local final : public LocalSearch {
 public:
  Local(WorkFolder folder, std::unique_ptr<SplitSearch> split, exec::ProcessRunner& runner)
      : folder_(std::move(folder)), split_(std::move(split)), runner_(runner) {}

  [[nodiscard]] const plan::Workload& workload() const override { return split_->workload(); }
  [[nodiscard]] const plan::Plan& plan() const override { return split_->plan(); }
  Status run(Watch& watch, Messages& messages, std::stop_token stop) override;
  [[nodiscard]] std::optional<int> engine_exit_code() const override { return engine_exit_code_; }

 private:
  Status run_straight(Messages& messages, std::stop_token stop);
  Status run_steps(Watch& watch, Messages& messages, const std::stop_token& stop);
  void announce(const TaskRunner& tasks, Watch& watch) const;
  [[nodiscard]] Job job(std::size_t step, TaskRunner& tasks) const;

  WorkFolder folder_;
  std::unique_ptr<SplitSearch> split_;
  exec::ProcessRunner& runner_;
  std::optional<int> engine_exit_code_;
};

Status Local::run(Watch& watch, Messages& messages, std::stop_token stop) {
  if (split_->one_text() && !folder_.resumable()) {
    watch.started(1, 0, split_->steps().front().letters, 0);
    LOOM_CHECKED(run_straight(messages, std::move(stop)));
  } else {
    if (const std::string why = read_once_because(split_->request().options); !why.empty())
      return error(Code::invalid_argument, "{}, and {} asks for more; put it into a file", why,
                   folder_.resumable() ? "--resume" : "this -outfmt");
    LOOM_CHECKED(folder_.begin(split_->request(), split_->engine(), split_->queries(), plan()));
    LOOM_CHECKED(run_steps(watch, messages, stop));
    LOOM_CHECKED(folder_.finish());
  }
  watch.finished();
  return ok();
}

Status Local::run_straight(Messages& messages, std::stop_token stop) {
  LOOM_TRY(const exec::ProcessOutcome outcome, split_->run_straight(messages, std::move(stop)));
  if (outcome.succeeded()) return ok();
  if (outcome.signal == 0) engine_exit_code_ = outcome.exit_code;
  return error(Code::unavailable, "{}",
               exec::explain_failure(outcome, blast::name(split_->request().options.program())).sentence);
}

void Local::announce(const TaskRunner& tasks, Watch& watch) const {
  std::uint64_t letters = 0;
  std::uint64_t letters_done = 0;
  std::size_t done = 0;
  for (const Step& step : split_->steps()) {
    letters += step.letters;
    if (!tasks.finished(SplitSearch::search_name(step.search))) continue;
    ++done;
    letters_done += step.letters;
  }
  watch.started(split_->steps().size(), done, letters, letters_done);
}

Job Local::job(std::size_t step, TaskRunner& tasks) const {
  return {split_->steps()[step].threads, [this, step, &tasks](std::stop_token stop) -> Status {
            LOOM_CHECKED(split_->run_step(step, tasks, std::move(stop)));
            return ok();
          }};
}

Status Local::run_steps(Watch& watch, Messages& messages, const std::stop_token& stop) {
  TaskRunner tasks(runner_, folder_.path(), watch, folder_.resumable() ? Durable::yes : Durable::no);
  announce(tasks, watch);
  std::vector<Job> scouts;
  std::vector<Job> searches;
  for (std::size_t i = 0; i < split_->steps().size(); ++i)
    (split_->steps()[i].shard ? scouts : searches).push_back(job(i, tasks));
  Status status = ok();
  if (!scouts.empty()) status = Slots(plan().workers, std::move(scouts), stop).wait_all();
  if (status) {
    Slots slots(plan().workers, std::move(searches), stop);
    status = split_->write_output(
        tasks, folder_.resumable(), [&slots](std::size_t search) { return slots.wait(search); }, messages);
  }
  if (!status) engine_exit_code_ = tasks.failed_exit_code();
  if (const auto failure = tasks.failure(); failure && !status) messages.add(failure->said, 0, 1);
  return status;
}

}  // namespace

Result<std::unique_ptr<LocalSearch>> LocalSearch::prepare(Request request, exec::ProcessRunner& runner) {
  LOOM_TRY(WorkFolder folder, WorkFolder::open(request.settings.resume));
  LOOM_TRY(auto split, SplitSearch::prepare(std::move(request), runner, folder.path()));
  return std::unique_ptr<LocalSearch>(std::make_unique<Local>(std::move(folder), std::move(split), runner));
}

}  // namespace loom::search
