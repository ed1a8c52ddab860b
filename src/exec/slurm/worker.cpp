#include "exec/slurm/worker.hpp"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "base/folder.hpp"
#include "exec/slurm/affinity.hpp"
#include "exec/slurm/exchange.hpp"

namespace loom::exec::slurm {
namespace {

namespace fs = std::filesystem;

/// The store may be away for a while; the task is worth waiting for it.
Deadline patient() {
  return Deadline::in(std::chrono::minutes(10));
}

/// Slurm signals all processes of a task at once: the program may have ended of it before we have heard of
/// it.
bool was_stopped(const Result<ProcessOutcome>& ran) {
  constexpr int kOfShell = 128;  // a shell in front of the program says so
  const auto is = [&](int signal) { return ran->signal == signal || ran->exit_code == kOfShell + signal; };
  return ran && (is(SIGTERM) || is(SIGINT) || is(SIGHUP));
}

/// Whether elements that met at a line look for others: then a line may be free though all seem claimed, for
/// a list of claims shows one that moves at both its lines, or two at one.
bool any_moves(const std::vector<Claim>& claims) {
  std::set<std::size_t> lines;
  std::set<std::size_t> elements;
  for (const Claim& claim : claims)
    if (!lines.insert(claim.line).second || !elements.insert(claim.element).second) return true;
  return false;
}

/// Of one element.
class Worker {
 public:
  Worker(storage::ObjectStore& store, ProcessRunner& runner, const Element& element, const fs::path& folder,
         const std::stop_token& stop, const std::function<Status(ProcessSpec&)>& adapt)
      : exchange_(store), runner_(runner), element_(element), folder_(folder), stop_(stop), adapt_(adapt) {}

  Result<Worked> run() {
    const auto tasks = exchange_.get_array(element_.token, patient());
    if (!tasks && tasks.error().code == Code::not_found) return Worked::nothing_to_do;
    if (!tasks) return tasks.error();
    if (element_.index >= tasks->size())
      return error(Code::invalid_argument, "the array {} has no element {}", element_.token, element_.index);
    return parts_differ(*tasks) ? run_best(*tasks) : run_task((*tasks)[element_.index]);
  }

 private:
  /// Goes on to the next one when there is nothing to do for a task.
  Result<Worked> run_best(const std::vector<ArrayTask>& tasks) {
    std::set<std::size_t> empty;
    for (;;) {
      LOOM_TRY(const auto line, take(tasks, empty));
      if (!line) return Worked::nothing_to_do;
      LOOM_TRY(const Worked worked, run_task(tasks[*line]));
      if (worked == Worked::ran) return worked;
      LOOM_CHECKED(exchange_.give_up(element_.token, {*line, element_.index}, patient()));
      empty.insert(*line);
    }
  }

  /// Claims a line; nullopt: there is none left.
  Result<std::optional<std::size_t>> take(const std::vector<ArrayTask>& tasks,
                                          const std::set<std::size_t>& empty) {
    for (int tries = 1;; ++tries) {
      std::set<std::size_t> taken = empty;
      LOOM_TRY(const auto claims, exchange_.claims(element_.token, patient()));
      for (const Claim& claim : claims) {
        // Slurm has started this element again.
        if (claim.element == element_.index) return std::optional(claim.line);
        taken.insert(claim.line);
      }
      LOOM_TRY(const auto warm, exchange_.warm(patient()));
      const auto lines = preference(tasks, taken, warm, element_.index, element_.node);
      const bool last = tries == kMostTries;
      if (lines.empty()) {
        if (last || !any_moves(claims)) return std::optional<std::size_t>();
      } else {
        // Two that run one task waste time, and no more.
        LOOM_TRY(const Claimed claimed,
                 exchange_.claim(element_.token, {lines.front(), element_.index}, last, patient()));
        if (claimed == Claimed::ours) return std::optional(lines.front());
      }
      std::this_thread::sleep_for(
          std::chrono::milliseconds(random_() % (kApart * static_cast<unsigned>(tries))));
    }
  }

  Result<Worked> run_task(const ArrayTask& task) {
    if (!task.part.empty()) LOOM_CHECKED(exchange_.note_warm(task.part, element_.node, patient()));
    LOOM_TRY(const auto ended, exchange_.find_end(task.key, patient()));
    if (ended) return Worked::nothing_to_do;
    auto spec = exchange_.fetch_task(task.key, folder_ / "work", patient());
    if (!spec && spec.error().code == Code::not_found) return Worked::nothing_to_do;
    if (!spec) return spec.error();
    // The server's own folder need not exist here; then none does as well.
    if (std::error_code unknown; !fs::is_directory(spec->working_dir, unknown))
      spec->working_dir = folder_ / "work";
    spec->temp_dir = folder_ / "temp";
    LOOM_CHECKED(make_folders(spec->temp_dir));
    const Status adapted = adapt_ ? adapt_(*spec) : ok();

    const auto ran = runner_.run(*spec, Deadline::never(), stop_);
    if (stop_.stop_requested() || was_stopped(ran)) return error(Code::cancelled, "the task was stopped");
    TaskEnd end{.outcome = ran ? *ran : ProcessOutcome{},
                .node = element_.node,
                .attempt = fmt::format("run-{:08x}{:08x}", random_(), random_()),
                .folder = spec->portable->folder.string()};
    if (!ran) end.error = ran.error();
    if (!adapted) end.not_staged = adapted.error();
    LOOM_CHECKED(exchange_.put_end(task.key, *spec, std::move(end), patient()));
    return Worked::ran;
  }

  static constexpr int kMostTries = 20;
  static constexpr unsigned kApart = 20;  // ms, between two that were after the same task

  Exchange exchange_;
  ProcessRunner& runner_;
  const Element& element_;
  const fs::path& folder_;
  const std::stop_token& stop_;
  const std::function<Status(ProcessSpec&)>& adapt_;
  std::random_device random_;
};

}  // namespace

Result<Worked> run_element(storage::ObjectStore& store, ProcessRunner& runner, const Element& element,
                           const fs::path& folder, const std::stop_token& stop,
                           const std::function<Status(ProcessSpec&)>& adapt) {
  return Worker(store, runner, element, folder, stop, adapt).run();
}

}  // namespace loom::exec::slurm
