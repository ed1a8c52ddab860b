#include "search/split_search.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "blast/engine.hpp"
#include "blast/outfmt.hpp"
#include "blast/split_limits.hpp"
#include "render/part_text.hpp"
#include "render/stitcher.hpp"
#include "search/engine_args.hpp"
#include "search/query_file.hpp"
#include "search/repeats.hpp"
#include "search/scout.hpp"

namespace loom::search {

namespace {

namespace fs = std::filesystem;
using blast::Program;

/// Letters in a row of an alignment, from which on a row that is no gap has its numbers.
constexpr std::int64_t kLeastLine = 10;

class Split final : public SplitSearch {
 public:
  Split(Request request, exec::ProcessRunner& runner, blast::OutFormat format, fs::path folder)
      : request_(std::move(request)),
        runner_(runner),
        format_(std::move(format)),
        folder_(std::move(folder)) {}

  Status prepare(std::optional<plan::Plan> pinned);

  [[nodiscard]] const Request& request() const override { return request_; }
  [[nodiscard]] const fs::path& engine() const override { return engine_; }
  [[nodiscard]] const QueryFile& queries() const override { return queries_; }
  [[nodiscard]] const plan::Workload& workload() const override { return work_; }
  [[nodiscard]] const plan::Plan& plan() const override { return plan_; }
  [[nodiscard]] std::span<const Step> steps() const override { return steps_; }
  [[nodiscard]] std::uint64_t known_queries() const override {
    return repeats_ ? repeats_->known.records : 0;
  }
  /// What the engine writes is the output as it stands where one task does all, and its format names no file
  /// or command of its own.
  [[nodiscard]] bool one_text() const override {
    return plan_.searches.size() == 1 && plan_.shards == 1 && !repeats_ && format_.number != 13 &&
           format_.number != 14 && format_.number != 17;
  }
  Result<TaskUse> run_step(std::size_t index, TaskRunner& tasks, std::stop_token stop) override;
  Result<exec::ProcessOutcome> run_straight(Messages& messages, std::stop_token stop) override;
  Status write_output(const TaskRunner& tasks, bool keep, const std::function<Status(std::size_t)>& wait,
                      Messages& messages) override;

 private:
  [[nodiscard]] const blast::Options& options() const { return request_.options; }
  [[nodiscard]] std::string one_piece_because() const;
  [[nodiscard]] std::string out() const {
    return request_.out.empty() ? text_of(options(), "out", "-") : request_.out.string();
  }
  [[nodiscard]] bool complete() const { return request_.settings.on_saturation == OnSaturation::complete; }
  /// BLAST+ takes something else in place of queries where these are given.
  [[nodiscard]] bool takes_queries() const {
    return options().has("query") || !request_.query.empty() ||
           !(options().has("in_msa") || options().has("in_pssm") || options().has("import_search_strategy"));
  }
  [[nodiscard]] bool queries_numbered() const { return !options().has("parse_deflines"); }
  /// Queries that need not be searched: repeats, and those whose rows are known.
  Status leave_out(std::uint64_t unit_letters, bool pinned);
  Result<std::optional<KnownRows>> known_rows(bool pinned) const;
  Status make_scouts();
  Status search_whole(const Error& why);
  void describe_work();
  [[nodiscard]] plan::Resources resources() const;
  void list_steps();
  [[nodiscard]] std::uint64_t room_for_subjects() const;
  [[nodiscard]] EngineTask search_task(std::size_t index) const;
  Status write_out_repeats(const fs::path& distinct, const fs::path& target, Messages& messages);

  Request request_;
  exec::ProcessRunner& runner_;
  blast::OutFormat format_;
  fs::path folder_;
  fs::path engine_;
  QueryFile queries_;  // what is searched
  std::optional<Repeats> repeats_;
  QueryFile all_queries_;  // with repeats: what the user asked
  std::optional<catalog::Database> database_;
  plan::Workload work_;
  plan::Plan plan_;
  std::vector<Step> steps_;
  std::optional<Scouts> scouts_;
};

std::string Split::one_piece_because() const {
  const auto limits = blast::split_limits(options());
  for (const auto& limit : limits) {
    if (limit.forbids == blast::Forbids::batches || limit.forbids == blast::Forbids::both) {
      return fmt::format("{}: {}", limit.cause, limit.why);
    }
  }
  if (std::string why = read_once_because(options()); !why.empty()) return why;
  const bool xml = format_.number == 5 || format_.number == 14 || format_.number == 16;
  if (xml && !queries_.map.ascii_titles)
    return "a query's title is not ASCII, and BLAST+ then leaves out what it cannot write in this format";
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

Status Split::prepare(std::optional<plan::Plan> pinned) {
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
    LOOM_TRY(queries_,
             open_queries(request_.query.empty() ? text_of(options(), "query", "-") : request_.query.string(),
                          options().program(), batch_size_of_user().value_or(fixed), folder_));
    LOOM_CHECKED(leave_out(fixed, pinned.has_value()));
  }
  // Without a record there still is a search: BLAST+ itself says that there is no query.
  if (queries_.map.units.empty()) queries_.map.units.emplace_back();
  if (options().program() == Program::blastn && !batch_size_of_user()) {
    sequence::join_short_end(queries_.map, kBlastnUnitLetters / 2);
  }
  if (options().has("db") && !options().has("remote")) {
    LOOM_TRY(database_, open_search_database(options(), request_.settings.database_path));
  }
  describe_work();
  plan_ = pinned ? *std::move(pinned) : plan::make_plan(work_, resources());
  for (const plan::Task& task : plan_.searches) {
    if (task.first_unit >= task.last_unit || task.last_unit > work_.units.size())
      return error(Code::corrupt, "the plan does not fit the queries: they changed since it was made");
  }
  LOOM_CHECKED(make_scouts());
  if (repeats_) {
    const std::uint64_t known = repeats_->known.records;
    plan_.reasons.push_back(known > 0
                                ? known_queries_told(known, all_queries_.map.records)
                                : fmt::format("{} queries have {} distinct sequences: each is searched once.",
                                              all_queries_.map.records, repeats_->distinct));
  }
  list_steps();
  return ok();
}

Status Split::make_scouts() {
  if (plan_.shards == 1) return ok();
  std::optional<Filtered> filtered;
  if (!list_option(options()).empty()) {
    auto resolved = resolve_list(options(), *database_, runner_, folder_);
    if (!resolved) return search_whole(resolved.error());
    filtered = *std::move(resolved);
    plan_.reasons.push_back(fmt::format("-{} leaves {} sequences: each part has its share of them.",
                                        list_option(options()), filtered->oids.size()));
  }
  LOOM_TRY(Scouts scouts,
           Scouts::make(runner_, options(), request_.settings.on_saturation, engine_, *database_,
                        std::move(filtered), plan_.shards, folder_, room_for_subjects()));
  scouts_.emplace(std::move(scouts));
  return ok();
}

/// What the list leaves is not known to the last digit: the engine's own run over the whole database is.
Status Split::search_whole(const Error& why) {
  if (why.code == Code::disk_full || why.code == Code::cancelled) return why;
  work_.whole_database_because = fmt::format("-{}: {}", list_option(options()), why.message);
  plan_ = plan::make_plan(work_, resources());
  return ok();
}

Result<std::optional<KnownRows>> Split::known_rows(bool pinned) const {
  // A plan that was made has what was known then.
  if (pinned) return load_known(queries_, folder_);
  if (!request_.known || complete()) return std::optional<KnownRows>();
  const auto rule = part_rule(options(), queries_.map.records, queries_.map.letters);
  if (!rule) return std::optional<KnownRows>();
  return find_known(queries_, *rule, request_.known, folder_);
}

Status Split::leave_out(std::uint64_t unit_letters, bool pinned) {
  if (batch_size_of_user() || !one_piece_because().empty()) return ok();
  const fs::path distinct = folder_ / "distinct.fasta";
  LOOM_TRY(auto known, known_rows(pinned));
  if (known) {
    LOOM_TRY(repeats_, leave_out_known(queries_, options().program(), *std::move(known), distinct));
  } else if (repeats_allowed(options(), format_)) {
    LOOM_TRY(repeats_, find_repeats(queries_, options().program(), options().has("lcase_masking"), distinct));
  }
  if (!repeats_) return ok();
  LOOM_TRY(QueryFile found, open_queries(distinct.string(), options().program(), unit_letters, folder_));
  all_queries_ = std::exchange(queries_, std::move(found));
  return ok();
}

void Split::describe_work() {
  work_.program = options().program();
  work_.task = text_of(options(), "task", "");
  work_.units = queries_.map.units;
  work_.one_piece_because = one_piece_because();
  work_.whole_database_because =
      queries_.map.records == 0 ? "there is no query" : whole_database_because(options(), format_, database_);
  work_.threads_allowed =
      request_.settings.engine_threads && blast::find_option(options().program(), "num_threads") != nullptr &&
      !options().has("subject") && !options().has("remote") && blast::allows_threads(options());
  if (!database_) return;
  work_.database_letters = database_->letters;
  work_.database_sequences = database_->sequences;
  work_.database_bytes = database_->bytes;
}

plan::Resources Split::resources() const {
  plan::Resources resources;
  resources.workers = request_.settings.workers > 0
                          ? request_.settings.workers
                          : static_cast<int>(integer_or(options(), "num_threads", usable_cores()));
  resources.memory_bytes = request_.settings.memory_bytes.value_or(usable_memory_bytes());
  resources.on_one_machine = request_.settings.engine_threads;
  resources.shards = request_.settings.shards;
  resources.batch_letters = request_.settings.batch_letters;
  return resources;
}

/// Bytes of the subjects of one search that are worth a copy: what all workers' searches have, is half of the
/// memory.
std::uint64_t Split::room_for_subjects() const {
  const plan::Resources all = resources();
  if (!all.on_one_machine) return 0;  // they are in the memory of another one
  return all.memory_bytes / 2 / static_cast<std::uint64_t>(all.workers);
}

void Split::list_steps() {
  const auto step_of = [&](std::size_t search, std::optional<std::size_t> shard) {
    const plan::Task& task = plan_.searches[search];
    Step step{.search = search, .shard = shard, .threads = shard ? 1 : task.threads, .seconds = task.seconds};
    for (std::size_t u = task.first_unit; u < task.last_unit; ++u) {
      step.letters += work_.units[u].letters;
      step.queries += work_.units[u].records;
    }
    step.first_query = work_.units[task.first_unit].first_record;
    return step;
  };
  for (std::size_t s = 0; scouts_ && s < scouts_->shards(); ++s) {
    for (std::size_t t = 0; t < plan_.searches.size(); ++t) steps_.push_back(step_of(t, s));
  }
  for (std::size_t t = 0; t < plan_.searches.size(); ++t) steps_.push_back(step_of(t, std::nullopt));
}

Result<exec::ProcessOutcome> Split::run_straight(Messages& messages, std::stop_token stop) {
  exec::ProcessSpec spec;
  spec.argv = engine_argv(engine_, task_options(options(), plan_.searches.front().threads));
  if (takes_queries()) {
    spec.argv.insert(spec.argv.end(), {"-query", queries_.path.string()});
  }
  spec.temp_dir = folder_;
  if (!read_once_because(options()).empty()) {
    spec.input = exec::BorrowedFd{STDIN_FILENO};
    spec.keeps_descriptors = true;
  }
  LOOM_TRY(AtomicFile file, AtomicFile::create(out() == "-" ? "/dev/stdout" : out()));
  spec.output = exec::BorrowedFd{file.fd()};
  LOOM_TRY(exec::ProcessOutcome outcome, runner_.run(spec, Deadline::never(), std::move(stop)));
  messages.add(outcome.stderr_text, 0, 1);
  if (outcome.succeeded()) LOOM_CHECKED(file.commit());
  return outcome;
}

EngineTask Split::search_task(std::size_t index) const {
  const plan::Task& planned = plan_.searches[index];
  EngineTask task;
  task.name = search_name(index);
  task.argv = engine_argv(engine_, task_options(options(), planned.threads));
  task.threads = planned.threads;
  task.letters = steps_[steps_.size() - plan_.searches.size() + index].letters;
  task.takes_queries = takes_queries();
  task.database = text_of(options(), "db", "");
  if (!repeats_) {
    const auto& unit = work_.units[planned.first_unit];
    task.first_query = unit.first_record;
    task.first_line = unit.first_line;
  }
  const QueryFile& queries = queries_;
  task.write_queries = [&queries, planned](const fs::path& path) {
    return write_units(queries, planned.first_unit, planned.last_unit, path);
  };
  return task;
}

Result<TaskUse> Split::run_step(std::size_t index, TaskRunner& tasks, std::stop_token stop) {
  const Step& step = steps_[index];
  EngineTask task = search_task(step.search);
  if (step.shard) {
    // What only fed a search that is done need not be found again.
    if (tasks.finished(task.name)) return TaskUse{};
    LOOM_TRY(TaskUse use, tasks.run(scouts_->scout(task, *step.shard), std::move(stop)));
    if (!complete()) LOOM_CHECKED(scouts_->collect(task, *step.shard, tasks));
    return use;
  }
  if (scouts_ && !tasks.finished(task.name))
    LOOM_CHECKED(complete() ? scouts_->merge(task, tasks) : scouts_->narrow(task, tasks));
  LOOM_TRY(TaskUse use, tasks.run(task, std::move(stop)));
  if (scouts_) scouts_->forget(task);
  return use;
}

Status Split::write_output(const TaskRunner& tasks, bool keep, const std::function<Status(std::size_t)>& wait,
                           Messages& messages) {
  render::StitchSpec spec{.program = options().program(),
                          .format = format_,
                          .database = scouts_ ? std::optional(text_of(options(), "db", "")) : std::nullopt,
                          .queries_numbered = queries_numbered(),
                          .command_line = command_line(options().program(), options()),
                          .out = out(),
                          .scratch = folder_};
  const auto stitcher = render::make_stitcher(std::move(spec));
  const fs::path target = out() == "-" ? "/dev/stdout" : out();
  const fs::path distinct = folder_ / "distinct.out";
  LOOM_TRY(AtomicFile file, AtomicFile::create(repeats_ ? distinct : target));
  render::Sink sink(file);
  for (std::size_t t = 0; t < plan_.searches.size(); ++t) {
    LOOM_CHECKED(wait(t));
    const auto& unit = work_.units[plan_.searches[t].first_unit];
    const std::string name = search_name(t);
    const std::uint64_t first_query = queries_numbered() ? unit.first_record : 0;
    // First, for it may say why there is no output.
    LOOM_TRY(const std::string said, read_said(tasks.stderr_file(name)));
    if (repeats_) {
      messages.add(take_messages(*repeats_, said), 0, 1);
    } else {
      messages.add(said, unit.first_record, unit.first_line);
    }
    if (one_text()) {
      LOOM_TRY(const std::uint64_t size, render::size_of(tasks.output(name)));
      LOOM_CHECKED(render::copy_range(tasks.output(name), 0, size, sink));
    } else {
      LOOM_CHECKED(stitcher->add({.file = tasks.output(name), .first_query = first_query}, sink));
    }
    if (out() == "-") LOOM_CHECKED(sink.flush());
    if (!keep) tasks.discard(name);
  }
  if (!one_text()) LOOM_CHECKED(stitcher->finish(sink));
  LOOM_CHECKED(sink.flush());
  LOOM_CHECKED(stitcher->commit());
  LOOM_CHECKED(file.commit());
  return repeats_ ? write_out_repeats(distinct, target, messages) : ok();
}

Status Split::write_out_repeats(const fs::path& distinct, const fs::path& target, Messages& messages) {
  LOOM_TRY(AtomicFile file, AtomicFile::create(target));
  render::Sink sink(file);
  const auto tell = [&messages](std::string_view line) { messages.add(line, 0, 1); };
  LOOM_CHECKED(write_for_each(*repeats_, all_queries_, options().program(), distinct, format_, sink, tell));
  LOOM_CHECKED(sink.flush());
  return file.commit();
}

}  // namespace

std::string SplitSearch::search_name(std::size_t search) {
  return fmt::format("task-{}", search + 1);
}

Result<std::unique_ptr<SplitSearch>> SplitSearch::prepare(Request request, exec::ProcessRunner& runner,
                                                          const fs::path& folder,
                                                          std::optional<plan::Plan> pinned) {
  LOOM_TRY(blast::OutFormat format,
           blast::parse_outfmt(request.options.program(), text_of(request.options, "outfmt", "0")));
  auto search = std::make_unique<Split>(std::move(request), runner, std::move(format), folder);
  LOOM_CHECKED(search->prepare(std::move(pinned)));
  return std::unique_ptr<SplitSearch>(std::move(search));
}

}  // namespace loom::search
