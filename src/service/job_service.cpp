#include "service/job_service.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "base/check.hpp"
#include "base/sha256.hpp"
#include "blast/engine.hpp"
#include "blast/outfmt.hpp"
#include "plan/planner.hpp"
#include "sched/archive_format.hpp"
#include "sched/job_keys.hpp"
#include "sched/job_spec.hpp"
#include "search/split_search.hpp"
#include "service/admissions.hpp"
#include "service/checksums.hpp"
#include "service/chosen_queries.hpp"
#include "service/databases.hpp"
#include "service/engine_version.hpp"
#include "service/explain.hpp"
#include "service/hit_indexes.hpp"
#include "service/imports.hpp"
#include "service/local_jobs.hpp"
#include "service/option_trial.hpp"
#include "service/pairwise.hpp"
#include "service/provenance.hpp"
#include "service/request_check.hpp"
#include "service/sequences.hpp"

namespace loom::service {

namespace {

namespace fs = std::filesystem;
using storage::ObjectKey;
using store::Job;
using store::JobId;

constexpr std::size_t kFilesInAPage = 500;
/// What a list waits for sums that are not there.
constexpr std::chrono::seconds kSumTime{3};
/// A plan that is waited for does not wait longer for a warning.
constexpr std::chrono::seconds kTaxidPatience{5};
constexpr const char* kMessages = "messages.txt";
constexpr std::size_t kHexSegment = 180;
constexpr std::size_t kChosenDigest = 16;

/// One text for each wish: the same for the same body only.
std::string fingerprint(const SubmitRequest& request, const std::string& query_sha256) {
  std::string text = fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n", request.program, request.database, request.title,
                                 request.priority, request.on_saturation, query_sha256);
  auto options = request.options;
  std::ranges::sort(options);
  for (const auto& [name, value] : options)
    text += fmt::format("{}:{}={}:{}\n", name.size(), name, value.size(), value);
  text +=
      fmt::format("{} not {}\n", fmt::join(request.organisms, ","), fmt::join(request.organisms_not, ","));
  if (request.fresh) text += "fresh\n";
  return sha256_hex(text);
}

class LocalJobs final : public JobService {
 public:
  explicit LocalJobs(LocalJobsParts parts)
      : parts_(std::move(parts)),
        admissions_(parts_.scheduler, parts_.limits),
        indexes_(parts_.objects, parts_.hits, [this] { return parts_.organisms.taxonomy(); }),
        engines_(parts_.runner),
        trial_(parts_.runner, parts_.uploads),
        pairwise_(parts_.runner, parts_.uploads),
        sums_(parts_.objects),
        imports_(parts_.store, parts_.objects, parts_.runner, parts_.uploads) {}

  Result<std::unique_ptr<Upload>> begin_upload(const Caller& caller) override;
  Result<store::Submitted> submit(const Caller& caller, const SubmitRequest& request,
                                  std::unique_ptr<Upload> query, const std::optional<std::string>& key,
                                  Deadline deadline) override;
  Result<Preflight> preflight(const Caller& caller, const SubmitRequest& request,
                              std::unique_ptr<Upload> query, Deadline deadline) override;
  Result<Job> get(const Caller& caller, const JobId& id, Deadline deadline) override {
    return allowed(caller, Action::read, id, deadline);
  }
  Result<store::JobPage> list(const Caller& caller, store::JobFilter filter,
                              const std::optional<store::JobCursor>& after, std::size_t limit,
                              Deadline deadline) override;
  Result<Job> cancel(const Caller& caller, const JobId& id, Deadline deadline) override;
  Result<Job> retry(const Caller& caller, const JobId& id, Deadline deadline) override;
  Status remove(const Caller& caller, const JobId& id, Deadline deadline) override;
  Result<std::vector<store::Task>> tasks(const Caller& caller, const JobId& id, std::uint32_t first,
                                         std::size_t limit, Deadline deadline) override;
  Result<std::vector<store::Event>> events(const Caller& caller, const JobId& id, std::uint64_t after,
                                           std::size_t limit, Deadline deadline) override;
  Result<std::vector<store::Event>> all_events(const Caller& caller, std::uint64_t after, std::size_t limit,
                                               std::uint64_t& last, Deadline deadline) override;
  Result<Explanation> explain(const Caller& caller, const JobId& id, Deadline deadline) override;
  Result<std::vector<ResultFile>> results(const Caller& caller, const JobId& id, Deadline deadline) override;
  Result<ResultFile> file(const Caller& caller, const JobId& id, const std::string& name,
                          Deadline deadline) override;
  Result<Rendered> output(const Caller& caller, const JobId& id, const OutputRequest& wanted,
                          Deadline deadline) override;
  Result<std::shared_ptr<results::HitIndex>> hits(const Caller& caller, const JobId& id,
                                                  Deadline deadline) override;
  Result<std::shared_ptr<results::HitIndex>> open_hits(const Caller& caller, const JobId& id,
                                                       Deadline deadline) override {
    LOOM_CHECKED(allowed(caller, Action::read, id, deadline));
    return indexes_.find(id);
  }
  Result<std::unique_ptr<storage::ObjectReader>> open(const Caller& caller, const JobId& id,
                                                      const ResultFile& file, Deadline deadline) override;
  Result<Job> import_result(const Caller& caller, const ImportRequest& request,
                            std::unique_ptr<Upload> file) override;
  Result<results::PairwiseTexts> pairwise(const Caller& caller, const JobId& id,
                                          std::span<const results::HspRow> rows, Deadline deadline) override;
  Result<FetchedSequences> sequences(const Caller& caller, const JobId& id, const SequenceRequest& request,
                                     Deadline deadline) override;
  Result<Provenance> provenance(const Caller& caller, const JobId& id, Deadline deadline) override;
  void stop() override {
    stop_.request_stop();
    indexes_.stop();
    imports_.stop();
  }
  Result<std::vector<DatabaseInfo>> databases(const Caller& /*caller*/, Deadline /*deadline*/) override {
    return parts_.databases.get();
  }
  [[nodiscard]] std::string outfmt_of(const Job& job) const override;

 private:
  /// The job, if the caller may do that. The one place where the gate is asked for a job.
  Result<Job> allowed(const Caller& caller, Action action, const JobId& id, Deadline deadline) {
    Result<Job> job = parts_.store.get(id, deadline);
    const Status may = job ? authorise(caller, action, job->request.owner) : Status(job.error());
    if (may) return job;
    // In one text, so that nobody learns of another's job that it is there.
    if (may.error().code == Code::not_found)
      return error(Code::not_found, "there is no job {}, or it is not yours", id.str());
    return may.error();
  }
  Result<ObjectKey> keep_query(QueryUpload& query);
  Result<store::Submitted> submit_kept(const Caller& caller, const SubmitRequest& request,
                                       const Checked& checked, const std::optional<ObjectKey>& kept,
                                       QueryUpload& query, const std::optional<store::Idempotency>& once,
                                       Deadline deadline);
  void remove_objects(const Job& job);
  Result<ResultFile> describe(const ObjectKey& key, const std::string& name, const std::string& kind,
                              const std::string& outfmt, Deadline deadline);
  Result<ResultFile> describe_query(const Job& job, Deadline deadline);
  Result<std::vector<ResultFile>> describe_rendered(const JobId& id, Deadline deadline);
  Result<std::vector<ResultFile>> describe_all(const Job& job, Deadline deadline);
  /// The output and the messages of a completed job.
  Result<std::vector<ResultFile>> describe_own(const Job& job, Deadline deadline);
  /// Of those that have none.
  Status add_sums(std::span<ResultFile> files);
  Result<HitIndexes::Source> tabular_of(const Job& job, const ObjectKey& made, Deadline deadline);
  Result<Rendered> output_of_queries(const Job& job, const OutputRequest& wanted, Deadline deadline);
  [[nodiscard]] static ObjectKey rendered_key(const JobId& id, const std::string& outfmt);

  LocalJobsParts parts_;
  Admissions admissions_;
  HitIndexes indexes_;
  KnownDatabases known_;
  EngineVersions engines_;
  OptionTrial trial_;
  PairwiseWriter pairwise_;
  Checksums sums_;
  Imports imports_;
  std::stop_source stop_;
};

Result<std::unique_ptr<Upload>> LocalJobs::begin_upload(const Caller& caller) {
  LOOM_CHECKED(authorise(caller, Action::change, caller.name));
  return std::make_unique<QueryUpload>(parts_.uploads, parts_.limits.upload_bytes);
}

Result<ObjectKey> LocalJobs::keep_query(QueryUpload& query) {
  LOOM_TRY(const fs::path file, query.file());
  LOOM_TRY(ObjectKey key, ObjectKey::parse("queries/" + file.filename().string()));
  LOOM_CHECKED(storage::put_file(parts_.objects, key, file, Deadline::never()));
  return key;
}

Result<store::Submitted> LocalJobs::submit(const Caller& caller, const SubmitRequest& request,
                                           std::unique_ptr<Upload> query,
                                           const std::optional<std::string>& key, Deadline deadline) {
  LOOM_CHECKED(authorise(caller, Action::change, caller.name));
  auto sent = upload_of(std::move(query));
  std::optional<store::Idempotency> once;
  if (key) {
    once = store::Idempotency{*key, fingerprint(request, sent->sha256())};
    LOOM_TRY(auto before, parts_.store.submitted(caller.name, *once, deadline));
    if (before) return store::Submitted{*std::move(before), store::Submitted::Outcome::repeated};
  }
  LOOM_TRY(const Admissions::Place place, admissions_.enter(caller.name, deadline));
  LOOM_TRY(const auto upload, unpacked(std::move(sent), stop_.get_token(), deadline));
  SubmitRequest settled = request;
  LOOM_CHECKED(parts_.organisms.settle(settled, deadline));
  LOOM_TRY(Checked checked, check_request(settled, *upload, parts_.limits, known_,
                                          parts_.databases.path_of(request.database)));
  LOOM_CHECKED(trial_.check(checked.spec.options));
  // An engine that does not tell its version fails the job, not the submit.
  checked.spec.engine = engines_.get(checked.spec.options.program()).value_or("");
  std::optional<ObjectKey> kept;
  if (upload->text() == nullptr) {
    LOOM_TRY(kept, keep_query(*upload));
  }
  auto submitted = submit_kept(caller, request, checked, kept, *upload, once, deadline);
  // After an error past the store's deadline the job may be there after all: then the query must be too.
  const bool unsure = !submitted && submitted.error().code != Code::conflict &&
                      submitted.error().code != Code::invalid_argument &&
                      submitted.error().code != Code::too_many;
  const bool used = submitted && submitted->outcome == store::Submitted::Outcome::created;
  if (kept && !used && !unsure) static_cast<void>(parts_.objects.remove(*kept, Deadline::never()));
  if (used) parts_.scheduler.queued(submitted->job);
  return submitted;
}

Result<store::Submitted> LocalJobs::submit_kept(const Caller& caller, const SubmitRequest& request,
                                                const Checked& checked, const std::optional<ObjectKey>& kept,
                                                QueryUpload& query,
                                                const std::optional<store::Idempotency>& once,
                                                Deadline deadline) {
  store::NewJob job{.owner = caller.name,
                    .title = request.title,
                    .program = std::string(blast::name(checked.spec.options.program())),
                    .database = request.database,
                    .options = sched::to_json(checked.spec),
                    .query_key = kept ? kept->str() : std::string(),
                    .queries = checked.queries.records,
                    .letters = checked.queries.letters,
                    .sha256 = query.sha256(),
                    .priority = request.priority,
                    .query = kept ? std::string() : *query.text()};
  return parts_.store.submit(job, once, store::wall_now(), deadline);
}

Result<Preflight> LocalJobs::preflight(const Caller& caller, const SubmitRequest& request,
                                       std::unique_ptr<Upload> query, Deadline deadline) {
  LOOM_CHECKED(authorise(caller, Action::read, caller.name));
  LOOM_TRY(const auto upload, unpacked(upload_of(std::move(query)), stop_.get_token(), deadline));
  SubmitRequest settled = request;
  LOOM_CHECKED(parts_.organisms.settle(settled, deadline));
  LOOM_TRY(const Checked checked, check_request(settled, *upload, parts_.limits, known_,
                                                parts_.databases.path_of(request.database)));
  LOOM_CHECKED(trial_.check(checked.spec.options));
  LOOM_TRY(const fs::path file, upload->file());
  const fs::path folder = file.string() + ".plan";
  LOOM_CHECKED(search::make_empty_folder(folder));
  search::Request wanted{.options = checked.spec.options, .settings = {}, .query = file};
  wanted.settings.workers = parts_.cores;
  wanted.settings.memory_bytes = parts_.memory_bytes;
  wanted.settings.engine_threads = parts_.engine_threads;
  wanted.settings.on_saturation = checked.spec.on_saturation;
  wanted.settings.database_path = checked.spec.database_path;
  const auto split = search::SplitSearch::prepare(std::move(wanted), parts_.runner, folder);
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  if (!split) return split.error();
  LOOM_TRY(std::vector<std::string> warnings, warnings_of(checked, *upload, parts_.memory_bytes));
  // Those of organisms were taken from the database.
  const bool given = request.organisms.empty() && request.organisms_not.empty();
  std::string lacking = given ? parts_.organisms.warning_of(request.database, checked.spec.options,
                                                            Deadline::in(kTaxidPatience))
                              : std::string();
  if (!lacking.empty()) warnings.push_back(std::move(lacking));
  // The submit that mostly follows need not start a process to ask for it then.
  static_cast<void>(engines_.get(checked.spec.options.program()));
  double cpu = 0;
  for (const search::Step& step : (*split)->steps()) cpu += step.seconds;
  if (parts_.scheduler.knows_answer(checked.spec, upload->sha256()))
    return Preflight{.queries = checked.queries.records,
                     .letters = checked.queries.letters,
                     .tasks = 1,
                     .reasons = {"Nothing will be searched: an equal search was answered before, and its "
                                 "result is kept. With fresh it is searched again."},
                     .warnings = std::move(warnings)};
  return Preflight{.queries = checked.queries.records,
                   .letters = checked.queries.letters,
                   .tasks = (*split)->steps().size(),
                   .shards = (*split)->plan().shards,
                   .cpu_seconds = cpu,
                   .wall_seconds = (*split)->plan().seconds,
                   .workers = (*split)->plan().workers,
                   .reasons = (*split)->plan().reasons,
                   .warnings = std::move(warnings)};
}

Result<store::JobPage> LocalJobs::list(const Caller& caller, store::JobFilter filter,
                                       const std::optional<store::JobCursor>& after, std::size_t limit,
                                       Deadline deadline) {
  if (caller.role != Role::admin) {
    if (filter.owner && *filter.owner != caller.name) return store::JobPage{};
    filter.owner = caller.name;
  }
  return parts_.store.list(filter, after, limit, deadline);
}

Result<Job> LocalJobs::cancel(const Caller& caller, const JobId& id, Deadline deadline) {
  LOOM_CHECKED(allowed(caller, Action::change, id, deadline));
  LOOM_TRY(Job job, parts_.store.cancel(id, store::wall_now(), deadline));
  parts_.scheduler.forget(id);
  return job;
}

Result<Job> LocalJobs::retry(const Caller& caller, const JobId& id, Deadline deadline) {
  LOOM_TRY(const Job before, allowed(caller, Action::change, id, deadline));
  if (!store::may_move(before.state, store::JobState::queued))
    return error(Code::conflict, "job {} is {}; only a failed or cancelled one can be retried{}", id.str(),
                 name(before.state),
                 before.state == store::JobState::completed
                     ? ": submit it again, with fresh to search once more"
                     : "");
  LOOM_TRY(const Admissions::Place place, admissions_.enter(caller.name, deadline));
  LOOM_TRY(Job job, parts_.store.retry(id, store::wall_now(), deadline));
  parts_.scheduler.queued(job);
  return job;
}

void LocalJobs::remove_objects(const Job& job) {
  // What a crash leaves of these is found by the beat's sweep.
  if (const auto query = ObjectKey::parse(job.request.query_key); query)
    static_cast<void>(parts_.objects.remove(*query, Deadline::never()));
  remove_files_of(parts_.objects, job.id);
}

Status LocalJobs::remove(const Caller& caller, const JobId& id, Deadline deadline) {
  LOOM_TRY(const Job job, allowed(caller, Action::change, id, deadline));
  LOOM_CHECKED(parts_.store.remove(id, deadline));
  parts_.scheduler.discard(id);
  remove_objects(job);
  indexes_.forget(id);
  return ok();
}

Result<std::vector<store::Task>> LocalJobs::tasks(const Caller& caller, const JobId& id, std::uint32_t first,
                                                  std::size_t limit, Deadline deadline) {
  LOOM_CHECKED(allowed(caller, Action::read, id, deadline));
  return parts_.store.tasks(id, first, limit, deadline);
}

Result<std::vector<store::Event>> LocalJobs::events(const Caller& caller, const JobId& id,
                                                    std::uint64_t after, std::size_t limit,
                                                    Deadline deadline) {
  LOOM_CHECKED(allowed(caller, Action::read, id, deadline));
  return parts_.store.read_events(id, after, limit, deadline);
}

Result<std::vector<store::Event>> LocalJobs::all_events(const Caller& caller, std::uint64_t after,
                                                        std::size_t limit, std::uint64_t& last,
                                                        Deadline deadline) {
  LOOM_TRY(std::vector<store::Event> events, parts_.store.read_all_events(after, limit, deadline));
  last = events.empty() ? after : events.back().order;
  std::erase_if(events,
                [&](const store::Event& event) { return !authorise(caller, Action::read, event.owner); });
  return events;
}

Result<Explanation> LocalJobs::explain(const Caller& caller, const JobId& id, Deadline deadline) {
  LOOM_TRY(const Job job, allowed(caller, Action::read, id, deadline));
  LOOM_TRY(const auto tasks, parts_.store.tasks(id, 0, store::kMostRows, deadline));
  const auto notes = sched::notes_of(parts_.objects, id, deadline);
  return explain_job(job, tasks, parts_.scheduler.standing(id), notes);
}

std::string LocalJobs::outfmt_of(const Job& job) const {
  const auto spec = sched::parse_job_spec(job.request.program, job.request.options);
  if (!spec) return "0";
  const auto* outfmt = spec->options.find("outfmt");
  return outfmt == nullptr ? "0" : outfmt->text;
}

ObjectKey LocalJobs::rendered_key(const JobId& id, const std::string& outfmt) {
  std::string hex;
  for (const char c : outfmt) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  // In segments that a file system takes; the last one says so, and is never a folder of another's.
  for (std::size_t at = kHexSegment; at < hex.size(); at += kHexSegment + 1) hex.insert(at, 1, '/');
  return ObjectKey::parse(fmt::format("{}rendered/{}-", sched::prefix_of(id), hex)).value();
}

ResultFile file_of(storage::ObjectInfo info, const std::string& name, const std::string& kind,
                   const std::string& outfmt) {
  ResultFile file{.name = name, .kind = kind, .outfmt = outfmt, .size_bytes = info.size_bytes, .sha256 = {}};
  file.object = std::move(info);
  return file;
}

Status LocalJobs::add_sums(std::span<ResultFile> files) {
  const Deadline deadline = Deadline::in(kSumTime);
  for (ResultFile& file : files) {
    if (!file.object || !file.sha256.empty()) continue;
    const auto sum = sums_.get(*file.object, deadline);
    // Of one that was replaced meanwhile the sum is found when it is asked for again.
    if (!sum && sum.error().code != Code::conflict) return sum.error();
    if (sum) file.sha256 = *sum;
  }
  return ok();
}

Result<ResultFile> LocalJobs::describe(const ObjectKey& key, const std::string& name, const std::string& kind,
                                       const std::string& outfmt, Deadline deadline) {
  LOOM_TRY(storage::ObjectInfo info, parts_.objects.stat(key, deadline));
  return file_of(std::move(info), name, kind, outfmt);
}

Result<ResultFile> LocalJobs::describe_query(const Job& job, Deadline deadline) {
  ResultFile file{.name = "query.fasta", .kind = "query", .outfmt = {}, .sha256 = job.request.sha256};
  if (job.request.query_key.empty()) {
    LOOM_TRY(const std::string text, parts_.store.query(job.id, deadline));
    file.size_bytes = text.size();
    return file;
  }
  LOOM_TRY(const auto key, ObjectKey::parse(job.request.query_key));
  LOOM_TRY(file.object, parts_.objects.stat(key, deadline));
  file.size_bytes = file.object->size_bytes;
  return file;
}

/// JobSpec::imported of a job.
std::string imported_kind(const Job& job) {
  const auto spec = sched::parse_job_spec(job.request.program, job.request.options);
  return spec ? spec->imported : std::string();
}

/// "output.outfmt-6". Where that does not spell the format whole, a digest tells it from those alike:
/// "output.outfmt-6_qseqid_sseqid-0f8e2a4c".
std::string file_name(std::string_view kind, const std::string& outfmt) {
  constexpr std::size_t kMostSpelt = 60;
  constexpr std::size_t kDigest = 8;
  std::string spelt = outfmt.substr(0, kMostSpelt);
  for (char& c : spelt) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain) c = '_';
  }
  if (spelt != outfmt) spelt += '-' + sha256_hex(outfmt).substr(0, kDigest);
  return fmt::format("{}.outfmt-{}", kind, spelt);
}

std::string text_of_hex(std::string_view segments) {
  std::string text;
  std::string hex(segments);
  std::erase_if(hex, [](char c) { return c == '/' || c == '-'; });
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    text += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
  return text;
}

Result<std::vector<ResultFile>> LocalJobs::describe_own(const Job& job, Deadline deadline) {
  const std::string own = outfmt_of(job);
  const std::string name = file_name("output", own);
  if (job.answer_bytes) {
    LOOM_TRY(const store::Answer answer, parts_.store.answer(job.id, deadline));
    const auto file = [](const std::string& called, const char* kind, const std::string& format,
                         const std::string& text) {
      return ResultFile{.name = called,
                        .kind = kind,
                        .outfmt = format,
                        .size_bytes = text.size(),
                        .sha256 = sha256_hex(text)};
    };
    return std::vector{file(name, "output", own, answer.output),
                       file(kMessages, "messages", "", answer.messages)};
  }
  LOOM_TRY(ResultFile output, describe(sched::output_key(job.id), name, "output", own, deadline));
  LOOM_TRY(ResultFile said, describe(sched::messages_key(job.id), kMessages, "messages", "", deadline));
  return std::vector{std::move(output), std::move(said)};
}

Result<std::vector<ResultFile>> LocalJobs::describe_rendered(const JobId& id, Deadline deadline) {
  const std::string prefix = sched::prefix_of(id) + "rendered/";
  std::vector<ResultFile> files;
  for (std::string after;;) {
    LOOM_TRY(const auto page, parts_.objects.list(prefix, after, kFilesInAPage, deadline));
    for (const storage::ObjectInfo& one : page) {
      const std::string outfmt = text_of_hex(std::string_view(one.key.str()).substr(prefix.size()));
      files.push_back(file_of(one, file_name("rendered", outfmt), "rendered", outfmt));
    }
    if (page.size() < kFilesInAPage) return files;
    after = page.back().key.str();
  }
}

Result<std::vector<ResultFile>> LocalJobs::describe_all(const Job& job, Deadline deadline) {
  std::vector<ResultFile> files;
  if (imported_kind(job).empty()) {
    LOOM_TRY(ResultFile asked, describe_query(job, deadline));
    files.push_back(std::move(asked));
  }
  if (job.state == store::JobState::failed) {
    auto said = describe(sched::messages_key(job.id), kMessages, "messages", "", deadline);
    if (!said && said.error().code != Code::not_found) return said.error();
    if (said) files.push_back(*std::move(said));
  }
  if (job.state != store::JobState::completed) return files;
  LOOM_TRY(std::vector<ResultFile> own, describe_own(job, deadline));
  std::ranges::move(own, std::back_inserter(files));
  LOOM_TRY(std::vector<ResultFile> rendered, describe_rendered(job.id, deadline));
  std::ranges::move(rendered, std::back_inserter(files));
  return files;
}

Result<std::vector<ResultFile>> LocalJobs::results(const Caller& caller, const JobId& id, Deadline deadline) {
  LOOM_TRY(const Job job, allowed(caller, Action::read, id, deadline));
  LOOM_TRY(std::vector<ResultFile> files, describe_all(job, deadline));
  LOOM_CHECKED(add_sums(files));
  return files;
}

Result<ResultFile> LocalJobs::file(const Caller& caller, const JobId& id, const std::string& name,
                                   Deadline deadline) {
  LOOM_TRY(const Job job, allowed(caller, Action::read, id, deadline));
  LOOM_TRY(std::vector<ResultFile> files, describe_all(job, deadline));
  const auto found = std::ranges::find(files, name, &ResultFile::name);
  if (found == files.end())
    return error(Code::not_found, "the job has no file '{}'; its results name those there are",
                 name.substr(0, 80));
  return std::move(*found);
}

/// Errors: conflict for what cannot be made of an imported result; invalid_argument for a format that is
/// none.
Status check_can_render(const Job& job, const std::string& own, const std::string& outfmt, bool all_queries) {
  const std::string imported = imported_kind(job);
  if (imported == sched::kImportedArchive && !all_queries)
    return error(Code::conflict,
                 "the result was imported, and blast_formatter writes all queries of an archive; leave query "
                 "away, or take results/export?query=, which gives the hits of one as tsv, csv, jsonl, gff3, "
                 "bed, sam or fasta");
  if (!imported.empty() && imported != sched::kImportedArchive)
    return error(
        Code::conflict,
        "the result was imported as a file of outfmt {}, of which BLAST+ makes no other; "
        "results/output gives the file as it came, results/export its hits as tsv, csv, jsonl, gff3, "
        "bed, sam or fasta. Of an imported archive (outfmt 11) others are made",
        own);
  LOOM_TRY(const blast::Program program, blast::parse_program(job.request.program));
  LOOM_TRY(const blast::OutFormat format, blast::parse_outfmt(program, outfmt));
  if (format.number == 13 || format.number == 14)
    return error(Code::invalid_argument, "outfmt {} writes a file for each query; use {}", format.number,
                 format.number + 2);
  const bool tells_statistics = format.number == 5 || format.number == 15 || format.number == 16;
  if (!imported.empty() && job.request.queries > 1 && tells_statistics)
    return error(
        Code::conflict,
        "an archive keeps the statistics (lambda, K, search space) of the first query of each batch only, "
        "and outfmt {} would state them for all {} queries; formats 6 to 12 and 18 have all else",
        format.number, job.request.queries);
  if (outfmt.size() > 400) return error(Code::invalid_argument, "outfmt: more than 400 characters");
  return ok();
}

/// Where the output of chosen queries lies, by a digest of them and the format; with ".fasta" the queries.
Result<ObjectKey> chosen_key(const JobId& id, std::string_view digest, std::string_view ending = {}) {
  return ObjectKey::parse(fmt::format("{}chosen/{}{}", sched::prefix_of(id), digest, ending));
}

Result<Rendered> LocalJobs::output_of_queries(const Job& job, const OutputRequest& wanted,
                                              Deadline deadline) {
  const auto digest_of = [](const std::string& text) { return sha256_hex(text).substr(0, kChosenDigest); };
  const std::string numbers = fmt::format("{}", fmt::join(wanted.queries, ","));
  const std::string digest = digest_of(numbers + "\n" + wanted.outfmt);
  LOOM_TRY(const ObjectKey key, chosen_key(job.id, digest));
  if (!parts_.objects.stat(key, deadline)) {
    LOOM_TRY(const ObjectKey queries, chosen_key(job.id, digest_of(numbers), ".fasta"));
    LOOM_TRY(const Job part,
             with_queries(job, wanted.queries, queries, parts_.store, parts_.objects, deadline));
    const Status made = parts_.scheduler.render(part, wanted.outfmt, key, deadline);
    if (!made && made.error().code == Code::timed_out) return Rendered{};
    LOOM_CHECKED(Status(made));
  }
  const std::string kind =
      wanted.queries.size() == 1 ? fmt::format("query-{}", wanted.queries.front()) : "queries";
  const std::string name = fmt::format("{}-{}", file_name(kind, wanted.outfmt), digest);
  LOOM_TRY(ResultFile file, describe(key, name, "rendered", wanted.outfmt, Deadline::never()));
  return Rendered{std::move(file)};
}

Result<Rendered> LocalJobs::output(const Caller& caller, const JobId& id, const OutputRequest& request,
                                   Deadline deadline) {
  LOOM_TRY(const Job job, allowed(caller, Action::read, id, deadline));
  if (job.state != store::JobState::completed)
    return error(Code::conflict, "the job is {}; its results are there once it is completed",
                 store::name(job.state));
  const std::string own = outfmt_of(job);
  OutputRequest wanted{.outfmt = request.outfmt.empty() ? own : request.outfmt};
  LOOM_TRY(wanted.queries, sorted_ordinals(job, request.queries));
  const bool all = wanted.queries.empty() || wanted.queries.size() == job.request.queries;
  if (all && wanted.outfmt == own) {
    LOOM_TRY(auto files, describe_own(job, deadline));
    return Rendered{std::move(files.front())};
  }
  const std::string& outfmt = wanted.outfmt;
  LOOM_CHECKED(check_can_render(job, own, outfmt, all));
  if (!all) return output_of_queries(job, wanted, deadline);
  const ObjectKey key = rendered_key(id, outfmt);
  if (!parts_.objects.stat(key, deadline)) {
    const Status made = parts_.scheduler.render(job, outfmt, key, deadline);
    if (!made && made.error().code == Code::timed_out) return Rendered{};
    LOOM_CHECKED(Status(made));
  }
  LOOM_TRY(ResultFile file,
           describe(key, file_name("rendered", outfmt), "rendered", outfmt, Deadline::never()));
  return Rendered{std::move(file)};
}

/// Where the index of a job is read from: its own output if that tells enough, else one rendered for it.
Result<HitIndexes::Source> LocalJobs::tabular_of(const Job& job, const ObjectKey& made, Deadline deadline) {
  LOOM_TRY(const sched::JobSpec spec, sched::parse_job_spec(job.request.program, job.request.options));
  if (!spec.imported.empty()) return imports_.source(job, spec, made, deadline);
  const blast::Program program = spec.options.program();
  LOOM_TRY(const blast::OutFormat own, blast::parse_outfmt(program, outfmt_of(job)));
  const std::string outfmt = results::index_outfmt(own);
  LOOM_TRY(const blast::OutFormat whole, blast::parse_outfmt(program, outfmt));
  const bool complete = results::is_complete(own);
  LOOM_TRY(results::Layout layout, results::Layout::of(complete ? own : whole));
  const auto from = [&](const ObjectKey& key) {
    return HitIndexes::Source{
        .open = [this, key] { return parts_.objects.open_reader(key, Deadline::never()); },
        .layout = std::move(layout)};
  };
  if (complete)
    return HitIndexes::Source{
        .open = [this,
                 job] { return sched::open_output(parts_.store, parts_.objects, job, Deadline::never()); },
        .layout = std::move(layout)};
  const ObjectKey rendered = rendered_key(job.id, outfmt);
  if (parts_.objects.stat(rendered, deadline)) return from(rendered);
  if (!parts_.objects.stat(made, deadline))
    LOOM_CHECKED(parts_.scheduler.render(job, outfmt, made, deadline));
  HitIndexes::Source source = from(made);
  source.done = [this, made] { static_cast<void>(parts_.objects.remove(made, Deadline::never())); };
  return source;
}

Result<Job> LocalJobs::import_result(const Caller& caller, const ImportRequest& request,
                                     std::unique_ptr<Upload> file) {
  LOOM_CHECKED(authorise(caller, Action::change, caller.name));
  return imports_.take(caller.name, request, std::move(file));
}

Result<results::PairwiseTexts> LocalJobs::pairwise(const Caller& caller, const JobId& id,
                                                   std::span<const results::HspRow> rows, Deadline deadline) {
  LOOM_TRY(const Job job, allowed(caller, Action::read, id, deadline));
  LOOM_TRY(const sched::JobSpec spec, sched::parse_job_spec(job.request.program, job.request.options));
  if (!spec.imported.empty())
    return error(Code::conflict, "the result was imported, so BLAST+ cannot write its report here");
  LOOM_TRY(const auto query, sched::open_query(parts_.store, parts_.objects, job, deadline));
  return pairwise_.write(spec, *query, rows, deadline);
}

Result<FetchedSequences> LocalJobs::sequences(const Caller& caller, const JobId& id,
                                              const SequenceRequest& request, Deadline deadline) {
  LOOM_TRY(const Job job, allowed(caller, Action::read, id, deadline));
  LOOM_TRY(const sched::JobSpec spec, sched::parse_job_spec(job.request.program, job.request.options));
  if (!spec.options.has("db"))
    return error(Code::conflict,
                 "the result names no database of this server, so there are no sequences of it");
  LOOM_TRY(catalog::Database database, sched::open_job_database(spec));
  const OpenDatabase from{std::move(database), spec.database_path};
  const std::string version =
      fmt::format("{}@{} in {}", from.database.names, spec.snapshot, spec.database_path);
  return parts_.reader.fetch(version, from, request, deadline);
}

Result<Provenance> LocalJobs::provenance(const Caller& caller, const JobId& id, Deadline deadline) {
  LOOM_TRY(Job job, allowed(caller, Action::read, id, deadline));
  LOOM_TRY(sched::JobSpec spec, sched::parse_job_spec(job.request.program, job.request.options));
  Provenance found{.job = job, .spec = std::move(spec), .executable = job.request.program, .output = {}};
  if (const auto engine = blast::find_engine(found.spec.options.program()); engine)
    found.executable = engine->filename().string();
  LOOM_TRY(const auto tasks, parts_.store.tasks(id, 0, store::kMostRows, deadline));
  if (!tasks.empty()) {
    LOOM_TRY(const plan::Plan plan, sched::plan_of(tasks));
    found.shards = plan.shards;
  }
  if (job.state != store::JobState::completed) return found;
  LOOM_TRY(auto own, describe_own(job, deadline));
  LOOM_CHECKED(add_sums(std::span(own).first(1)));
  found.output = std::move(own.front());
  return found;
}

Result<std::shared_ptr<results::HitIndex>> LocalJobs::hits(const Caller& caller, const JobId& id,
                                                           Deadline deadline) {
  LOOM_TRY(const Job job, allowed(caller, Action::read, id, deadline));
  if (job.state != store::JobState::completed)
    return error(Code::conflict, "the job is {}; its results are there once it is completed",
                 store::name(job.state));
  if (auto open = indexes_.find(id); open) return open;
  const std::string prefix = sched::prefix_of(id) + "hits/";
  LOOM_TRY(const ObjectKey key, ObjectKey::parse(prefix + "index"));
  LOOM_TRY(const ObjectKey tabular, ObjectKey::parse(prefix + "tabular"));
  auto found = Result<std::shared_ptr<results::HitIndex>>(nullptr);
  if (parts_.objects.stat(key, deadline)) {
    // Kept by this program or an older one; only the latter is made anew, from what is there or can be.
    auto source = HitIndexes::Source{.open = []() -> Result<std::unique_ptr<storage::ObjectReader>> {
                                       return error(Code::corrupt, "the hit index is of another version");
                                     },
                                     .layout = {}};
    found = indexes_.get(id, key, std::move(source), deadline);
    if (!found && found.error().code == Code::corrupt)
      static_cast<void>(parts_.objects.remove(key, deadline));
    if (found || found.error().code != Code::corrupt) {
      if (!found && found.error().code == Code::timed_out) return nullptr;
      return found;
    }
  }
  auto source = tabular_of(job, tabular, deadline);
  if (source) {
    found = indexes_.get(id, key, *std::move(source), deadline);
  } else {
    found = source.error();
  }
  if (!found && found.error().code == Code::timed_out) return nullptr;
  return found;
}

Result<std::unique_ptr<storage::ObjectReader>> LocalJobs::open(const Caller& caller, const JobId& id,
                                                               const ResultFile& file, Deadline deadline) {
  LOOM_TRY(const Job job, allowed(caller, Action::read, id, deadline));
  if (file.object) return parts_.objects.open_reader(file.object->key, deadline);
  if (file.kind == "query") return sched::open_query(parts_.store, parts_.objects, job, deadline);
  if (file.kind == "messages") return sched::open_messages(parts_.store, parts_.objects, job, deadline);
  return sched::open_output(parts_.store, parts_.objects, job, deadline);
}

}  // namespace

std::unique_ptr<JobService> make_local_jobs(LocalJobsParts parts) {
  return std::make_unique<LocalJobs>(std::move(parts));
}

}  // namespace loom::service
