#include "search/local_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/temp_dir.hpp"
#include "blast/engine.hpp"
#include "blast/outfmt.hpp"
#include "blast/split_limits.hpp"
#include "exec/failure.hpp"
#include "render/part_text.hpp"
#include "render/stitcher.hpp"
#include "search/engine_args.hpp"
#include "search/query_file.hpp"
#include "search/repeats.hpp"
#include "search/scout.hpp"
#include "search/slots.hpp"
#include "search/task_runner.hpp"
#include "search/work_folder.hpp"

namespace loom::search {

namespace {

namespace fs = std::filesystem;
using blast::Program;

/// blastn's internal batches adapt to what it finds (the first takes 5,000 letters), so there are no places
/// to cut at that an unsplit run is sure to have. But below some thousand letters it takes other lookup
/// tables, which find a little less; above, results were equal wherever we cut (doc/exactness.md). So pieces
/// stay well above.
constexpr std::uint64_t kBlastnUnitLetters = 50'000;

std::string text_of(const blast::Options& options, std::string_view name, std::string_view fallback) {
  const auto* entry = options.find(name);
  return entry == nullptr ? std::string(fallback) : entry->text;
}

/// Letters in a row of an alignment, from which on a row that is no gap has its numbers.
constexpr std::int64_t kLeastLine = 10;

/// The user's own BATCH_SIZE, which the engine obeys and so do we.
std::optional<std::uint64_t> batch_size_of_user() {
  const char* text = std::getenv("BATCH_SIZE");
  if (text == nullptr) return std::nullopt;
  const std::uint64_t size = std::strtoull(text, nullptr, 10);
  return size > 0 ? std::optional(size) : std::nullopt;
}

class Local final : public LocalSearch {
 public:
  Local(Request request, exec::ProcessRunner& runner, blast::OutFormat format, WorkFolder folder)
      : request_(std::move(request)),
        runner_(runner),
        format_(std::move(format)),
        folder_(std::move(folder)) {}

  Status prepare();

  [[nodiscard]] const plan::Workload& workload() const override { return work_; }
  [[nodiscard]] const plan::Plan& plan() const override { return plan_; }
  Status run(Watch& watch, Messages& messages, std::stop_token stop) override;
  [[nodiscard]] std::optional<int> engine_exit_code() const override { return engine_exit_code_; }

 private:
  [[nodiscard]] const blast::Options& options() const { return request_.options; }
  [[nodiscard]] std::string one_piece_because() const;
  [[nodiscard]] std::string out() const { return text_of(options(), "out", "-"); }
  /// Whether what the engine writes is the output as it stands: one task does all, and its format names no
  /// file or command of its own.
  [[nodiscard]] bool one_text() const {
    return plan_.searches.size() == 1 && plan_.shards == 1 && !repeats_ && format_.number != 13 &&
           format_.number != 14 && format_.number != 17;
  }
  [[nodiscard]] bool complete() const { return request_.settings.on_saturation == OnSaturation::complete; }
  /// BLAST+ takes something else in place of queries where these are given.
  [[nodiscard]] bool takes_queries() const {
    return options().has("query") ||
           !(options().has("in_msa") || options().has("in_pssm") || options().has("import_search_strategy"));
  }
  [[nodiscard]] bool queries_numbered() const { return !options().has("parse_deflines"); }
  [[nodiscard]] std::uint64_t letters_of(const plan::Task& task) const;
  Status leave_out_repeats(std::uint64_t unit_letters);
  Status plan_search();
  Status run_straight(Messages& messages, std::stop_token stop);
  Status run_tasks(Watch& watch, Messages& messages, std::stop_token stop);
  [[nodiscard]] EngineTask search_task(std::size_t index) const;
  Status stitch(Slots& slots, const TaskRunner& tasks, Messages& messages);
  Status write_out_repeats(const fs::path& distinct, const fs::path& target, Messages& messages);

  Request request_;
  exec::ProcessRunner& runner_;
  blast::OutFormat format_;
  WorkFolder folder_;
  fs::path engine_;
  QueryFile queries_;  // what is searched
  std::optional<Repeats> repeats_;
  QueryFile all_queries_;  // with repeats: what the user asked
  std::optional<catalog::Database> database_;
  plan::Workload work_;
  plan::Plan plan_;
  std::optional<int> engine_exit_code_;
};

std::string Local::one_piece_because() const {
  const auto limits = blast::split_limits(options());
  for (const auto& limit : limits) {
    if (limit.forbids == blast::Forbids::batches || limit.forbids == blast::Forbids::both) {
      return fmt::format("{}: {}", limit.cause, limit.why);
    }
  }
  if (!queries_.map.why_not_splittable.empty()) return queries_.map.why_not_splittable;
  if (queries_.map.unnamed_records > 0 && format_.tabular()) {
    return "a query has no name, and BLAST+ then prints its number in every row";
  }
  const bool batches_show =
      format_.number == 8 || format_.number == 9 || format_.number == 11 || format_.number == 12;
  if (options().program() == Program::blastn && batches_show && !batch_size_of_user()) {
    return "the format shows BLAST+'s internal batches, and those of blastn depend on what it finds";
  }
  if (format_.number <= 4 && options().has("html")) return "-html: its reports are not put together";
  if (format_.number >= 1 && format_.number <= 4 && integer_or(options(), "line_length", 60) < kLeastLine) {
    return "-line_length: rows this short may have no numbers, and then do not show where their labels end";
  }
  if (format_.sam_subject_is_reference) return "-outfmt '17 SR' lists the subjects of all queries in front";
  return {};
}

Status Local::prepare() {
  if (complete() && !complete_format(format_)) {
    return error(Code::invalid_argument,
                 "--on-saturation complete prints -outfmt 6, 7 and 10; for -outfmt {} leave it out",
                 format_.number);
  }
  if ((format_.number == 13 || format_.number == 14) && out() == "-") {
    return error(Code::invalid_argument, "-outfmt {} writes a file for each query: name one with -out",
                 format_.number);
  }
  LOOM_TRY(engine_, blast::find_engine(options().program()));
  const std::string name(blast::name(options().program()));
  const std::uint64_t fixed = sequence::internal_batch_letters(name).value_or(
      options().program() == Program::psiblast ? 1 : kBlastnUnitLetters);  // psiblast takes query by query
  if (takes_queries()) {
    LOOM_TRY(queries_, open_queries(text_of(options(), "query", "-"), options().program(),
                                    batch_size_of_user().value_or(fixed), folder_.path()));
    LOOM_CHECKED(leave_out_repeats(fixed));
  }
  // Without a record there still is a search: BLAST+ itself says that there is no query.
  if (queries_.map.units.empty()) queries_.map.units.emplace_back();
  if (options().program() == Program::blastn && !batch_size_of_user()) {
    sequence::join_short_end(queries_.map, kBlastnUnitLetters / 2);
  }
  if (options().has("db") && !options().has("remote")) {
    LOOM_TRY(database_, open_search_database(options()));
  }
  return plan_search();
}

Status Local::leave_out_repeats(std::uint64_t unit_letters) {
  if (batch_size_of_user() || !one_piece_because().empty() || !repeats_allowed(options(), format_))
    return ok();
  const fs::path distinct = folder_.path() / "distinct.fasta";
  LOOM_TRY(repeats_, find_repeats(queries_, options().program(), options().has("lcase_masking"), distinct));
  if (!repeats_) return ok();
  LOOM_TRY(QueryFile found,
           open_queries(distinct.string(), options().program(), unit_letters, folder_.path()));
  all_queries_ = std::exchange(queries_, std::move(found));
  return ok();
}

Status Local::plan_search() {
  work_.program = options().program();
  work_.task = text_of(options(), "task", "");
  work_.units = queries_.map.units;
  work_.one_piece_because = one_piece_because();
  work_.whole_database_because = whole_database_because(options(), format_, database_);
  work_.threads_allowed = blast::find_option(options().program(), "num_threads") != nullptr &&
                          !options().has("subject") && !options().has("remote");
  if (database_) {
    work_.database_letters = database_->letters;
    work_.database_sequences = database_->sequences;
    work_.database_bytes = database_->bytes;
  }
  plan::Resources resources;
  resources.workers = request_.settings.workers > 0
                          ? request_.settings.workers
                          : static_cast<int>(integer_or(options(), "num_threads", usable_cores()));
  resources.memory_bytes = request_.settings.memory_bytes.value_or(usable_memory_bytes());
  resources.shards = request_.settings.shards;
  resources.batch_letters = request_.settings.batch_letters;
  plan_ = plan::make_plan(work_, resources);
  if (repeats_) {
    plan_.reasons.push_back(fmt::format("{} queries have {} distinct sequences: each is searched once.",
                                        all_queries_.map.records, repeats_->distinct));
  }
  return ok();
}

std::uint64_t Local::letters_of(const plan::Task& task) const {
  std::uint64_t letters = 0;
  for (std::size_t u = task.first_unit; u < task.last_unit; ++u) letters += work_.units[u].letters;
  return letters;
}

Status Local::run(Watch& watch, Messages& messages, std::stop_token stop) {
  if (one_text() && !folder_.resumable()) {
    watch.started(1, 0, queries_.map.letters, 0);
    LOOM_CHECKED(run_straight(messages, std::move(stop)));
  } else {
    LOOM_CHECKED(run_tasks(watch, messages, std::move(stop)));
  }
  watch.finished();
  return ok();
}

Status Local::run_straight(Messages& messages, std::stop_token stop) {
  exec::ProcessSpec spec;
  spec.argv = engine_argv(engine_, task_options(options(), plan_.searches.front().threads));
  if (takes_queries()) {
    spec.argv.insert(spec.argv.end(), {"-query", queries_.path.string()});
  }
  spec.temp_dir = folder_.path();
  LOOM_TRY(AtomicFile file, AtomicFile::create(out() == "-" ? "/dev/stdout" : out()));
  spec.output = exec::BorrowedFd{file.fd()};
  LOOM_TRY(const exec::ProcessOutcome outcome, runner_.run(spec, Deadline::never(), std::move(stop)));
  messages.add(outcome.stderr_text, 0, 1);
  if (outcome.succeeded()) return file.commit();
  if (outcome.signal == 0) engine_exit_code_ = outcome.exit_code;
  return error(Code::unavailable, "{}",
               exec::explain_failure(outcome, blast::name(options().program())).sentence);
}

EngineTask Local::search_task(std::size_t index) const {
  const plan::Task& planned = plan_.searches[index];
  EngineTask task;
  task.name = fmt::format("task-{}", index + 1);
  task.argv = engine_argv(engine_, task_options(options(), planned.threads));
  task.letters = letters_of(planned);
  task.takes_queries = takes_queries();
  const QueryFile& queries = queries_;
  task.write_queries = [&queries, planned](const fs::path& path) {
    return write_units(queries, planned.first_unit, planned.last_unit, path);
  };
  return task;
}

Status Local::run_tasks(Watch& watch, Messages& messages, std::stop_token stop) {
  LOOM_CHECKED(folder_.begin(request_, engine_, queries_, plan_));
  TaskRunner tasks(runner_, folder_.path(), watch);
  const auto remember = [this, &tasks](Status status) {
    if (!status) engine_exit_code_ = tasks.failed_exit_code();
    return status;
  };
  std::vector<EngineTask> searches;
  for (std::size_t t = 0; t < plan_.searches.size(); ++t) searches.push_back(search_task(t));

  std::optional<Scouts> scouts;
  if (plan_.shards > 1)
    scouts.emplace(runner_, options(), request_.settings.on_saturation, engine_, *database_, plan_,
                   folder_.path());
  std::uint64_t letters = 0;
  std::uint64_t letters_done = 0;
  std::size_t done = 0;
  for (const EngineTask& task : searches) {
    letters += task.letters * static_cast<std::uint64_t>(plan_.shards);
    if (!tasks.finished(task.name)) continue;
    ++done;
    letters_done += task.letters * static_cast<std::uint64_t>(plan_.shards);
  }
  const std::size_t per_search = plan_.shards > 1 ? static_cast<std::size_t>(plan_.shards) + 1 : 1;
  watch.started(searches.size() * per_search, done * per_search, letters, letters_done);

  if (scouts) LOOM_CHECKED(remember(scouts->run(searches, tasks, stop)));

  std::vector<Job> jobs;
  for (std::size_t t = 0; t < searches.size(); ++t) {
    jobs.push_back({plan_.searches[t].threads, [&, t](std::stop_token job_stop) -> Status {
                      EngineTask task = searches[t];
                      if (scouts) {
                        LOOM_CHECKED(complete() ? scouts->merge(task, tasks) : scouts->narrow(task, tasks));
                      }
                      return tasks.run(task, std::move(job_stop));
                    }});
  }
  Slots slots(plan_.workers, std::move(jobs), stop);
  LOOM_CHECKED(remember(stitch(slots, tasks, messages)));
  return folder_.finish();
}

Status Local::stitch(Slots& slots, const TaskRunner& tasks, Messages& messages) {
  render::StitchSpec spec{.program = options().program(),
                          .format = format_,
                          .database = text_of(options(), "db", ""),
                          .queries_numbered = queries_numbered(),
                          .command_line = command_line(options().program(), options()),
                          .out = out(),
                          .scratch = folder_.path()};
  const auto stitcher = render::make_stitcher(std::move(spec));
  const fs::path target = out() == "-" ? "/dev/stdout" : out();
  const fs::path distinct = folder_.path() / "distinct.out";
  LOOM_TRY(AtomicFile file, AtomicFile::create(repeats_ ? distinct : target));
  render::Sink sink(file);
  for (std::size_t t = 0; t < plan_.searches.size(); ++t) {
    LOOM_CHECKED(slots.wait(t));
    const auto& unit = work_.units[plan_.searches[t].first_unit];
    const std::string name = fmt::format("task-{}", t + 1);
    const std::uint64_t first_query = queries_numbered() ? unit.first_record : 0;
    if (one_text()) {
      LOOM_TRY(const std::uint64_t size, render::size_of(tasks.output(name)));
      LOOM_CHECKED(render::copy_range(tasks.output(name), 0, size, sink));
    } else {
      LOOM_CHECKED(stitcher->add({.file = tasks.output(name), .first_query = first_query}, sink));
    }
    LOOM_TRY(const std::string said, read_file(tasks.stderr_file(name)));
    if (repeats_) {
      messages.add(take_messages(*repeats_, said), 0, 1);
    } else {
      messages.add(said, unit.first_record, unit.first_line);
    }
    if (out() == "-") LOOM_CHECKED(sink.flush());
    if (!folder_.resumable()) tasks.discard(name);
  }
  if (!one_text()) LOOM_CHECKED(stitcher->finish(sink));
  LOOM_CHECKED(sink.flush());
  LOOM_CHECKED(stitcher->commit());
  LOOM_CHECKED(file.commit());
  return repeats_ ? write_out_repeats(distinct, target, messages) : ok();
}

Status Local::write_out_repeats(const fs::path& distinct, const fs::path& target, Messages& messages) {
  LOOM_TRY(AtomicFile file, AtomicFile::create(target));
  render::Sink sink(file);
  const auto tell = [&messages](std::string_view line) { messages.add(line, 0, 1); };
  LOOM_CHECKED(write_for_each(*repeats_, all_queries_, distinct, format_, sink, tell));
  LOOM_CHECKED(sink.flush());
  return file.commit();
}

}  // namespace

Result<std::unique_ptr<LocalSearch>> LocalSearch::prepare(Request request, exec::ProcessRunner& runner) {
  LOOM_TRY(blast::OutFormat format,
           blast::parse_outfmt(request.options.program(), text_of(request.options, "outfmt", "0")));
  LOOM_TRY(WorkFolder folder, WorkFolder::open(request.settings.resume));
  auto search = std::make_unique<Local>(std::move(request), runner, std::move(format), std::move(folder));
  LOOM_CHECKED(search->prepare());
  return std::unique_ptr<LocalSearch>(std::move(search));
}

}  // namespace loom::search
