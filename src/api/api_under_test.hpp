#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/api.hpp"
#include "api/job_json.hpp"
#include "base/temp_dir.hpp"
#include "http/http_under_test.hpp"
#include "service/provenance.hpp"
#include "service/sequences.hpp"

namespace loom::api {

inline store::JobId job_id(int number) {
  return *store::JobId::parse(fmt::format("{:032x}", number));
}

inline store::Job make_job(int number, std::string owner = "local") {
  store::Job job{.id = job_id(number)};
  job.request.owner = std::move(owner);
  job.request.program = "blastp";
  job.request.database = "db";
  job.request.options =
      R"({"options":[{"name":"evalue","value":"1e-5"},{"name":"ungapped","value":""}],"snapshot":"s1"})";
  job.created = store::UnixTime(std::chrono::milliseconds(1'700'000'000'123 + number));
  job.version = 1;
  return job;
}

/// Tells its one listener what a test says has happened.
class FakeHub final : public events::Hub {
 public:
  [[nodiscard]] std::uint64_t generation() const override { return generation_; }
  std::uint64_t listen(Listener listener, std::shared_ptr<void>& handle) override {
    listener_ = std::move(listener);
    handle = std::make_shared<int>();
    return last_;
  }
  void tell(const std::vector<store::Event>& events) {
    last_ = events.back().order;
    listener_(events);
  }
  void change() { ++generation_; }

 private:
  std::atomic<std::uint64_t> generation_{1};
  std::uint64_t last_ = 0;
  Listener listener_;
};

class FakeScheduler final : public sched::Scheduler {
 public:
  Status start() override { return ok(); }
  void close() override {}
  void stop(Duration /*grace*/) override {}
  void queued(const store::Job& /*job*/) override {}
  void forget(const store::JobId& /*id*/) override {}
  void discard(const store::JobId& /*id*/) override {}
  Status render(const store::Job& /*job*/, const std::string& /*outfmt*/, const storage::ObjectKey& /*key*/,
                Deadline /*deadline*/) override {
    return ok();
  }
  [[nodiscard]] bool knows_answer(const sched::JobSpec& /*spec*/, const std::string& /*sha256*/) override {
    return false;
  }
  [[nodiscard]] sched::Standing standing(const store::JobId& /*id*/) const override {
    return {.position = 1, .waits_for = {}, .eta_seconds = 7.5, .eta_error = {}, .plan = {}};
  }
  [[nodiscard]] sched::SchedulerCounts counts() const override { return {.tasks_done = 12}; }
  [[nodiscard]] Unfinished unfinished(const std::string& /*owner*/) const override { return {}; }
  Result<std::uint64_t> reconcile() override { return 0U; }
};

class TextReader final : public storage::ObjectReader {
 public:
  explicit TextReader(std::string text) : text_(std::move(text)) {}
  Result<std::size_t> read(std::span<std::byte> into, Deadline /*deadline*/) override {
    const std::size_t count = std::min(into.size(), text_.size() - at_);
    std::memcpy(into.data(), text_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

/// Answers from what a test put there, and remembers what it was asked. With `failure` every call fails.
class FakeJobs final : public service::JobService {
 public:
  std::mutex mutex;
  std::optional<Error> failure;
  std::optional<Error> refused;  ///< what submit and preflight say
  std::vector<store::Job> jobs;
  std::vector<store::Event> log;
  std::map<std::string, std::string> contents;  ///< of files, by name
  std::vector<service::ResultFile> files;
  std::shared_ptr<results::HitIndex> index;  ///< null: it is being made
  bool rendering = false;
  bool repeated = false;

  service::Caller caller;
  service::SubmitRequest submitted;
  std::string query;
  std::size_t greatest_write = 0;
  std::optional<std::string> key;
  store::JobFilter filter;
  std::optional<store::JobCursor> after;
  std::size_t lists = 0;
  std::string rendered_as;
  service::ImportRequest imported;
  std::vector<service::SequencePart> parts;

  void stop() override {}
  Result<std::unique_ptr<service::Upload>> begin_upload(const service::Caller& who) override {
    if (failure) return *failure;
    caller = who;
    query.clear();
    return std::make_unique<Taking>(*this);
  }
  Result<store::Submitted> submit(const service::Caller& /*who*/, const service::SubmitRequest& request,
                                  std::unique_ptr<service::Upload> /*upload*/,
                                  const std::optional<std::string>& once, Deadline /*deadline*/) override {
    if (refused) return *refused;
    if (failure) return *failure;
    submitted = request;
    key = once;
    return store::Submitted{
        make_job(1), repeated ? store::Submitted::Outcome::repeated : store::Submitted::Outcome::created};
  }
  Result<service::Preflight> preflight(const service::Caller& /*who*/, const service::SubmitRequest& request,
                                       std::unique_ptr<service::Upload> /*upload*/,
                                       Deadline /*deadline*/) override {
    if (refused) return *refused;
    if (failure) return *failure;
    submitted = request;
    return service::Preflight{.queries = 3, .letters = 9, .tasks = 2, .reasons = {"because"}, .warnings = {}};
  }
  Result<store::Job> get(const service::Caller& who, const store::JobId& id, Deadline /*deadline*/) override {
    const std::lock_guard lock(mutex);
    if (failure) return *failure;
    for (const store::Job& job : jobs) {
      if (job.id != id) continue;
      LOOM_CHECKED(service::authorise(who, service::Action::read, job.request.owner));
      return job;
    }
    return store::no_such_job(id);
  }
  Result<store::JobPage> list(const service::Caller& who, store::JobFilter wanted,
                              const std::optional<store::JobCursor>& from, std::size_t limit,
                              Deadline /*deadline*/) override {
    const std::lock_guard lock(mutex);
    ++lists;
    if (failure) return *failure;
    caller = who;
    filter = std::move(wanted);
    after = from;
    store::JobPage page;
    for (const store::Job& job : jobs)
      if (page.jobs.size() < limit) page.jobs.push_back(job);
    if (page.jobs.size() < jobs.size()) page.next = {page.jobs.back().created, page.jobs.back().id};
    return page;
  }
  Result<store::Job> cancel(const service::Caller& who, const store::JobId& id, Deadline deadline) override {
    LOOM_TRY(store::Job job, get(who, id, deadline));
    job.state = store::JobState::cancelled;
    return job;
  }
  Result<store::Job> retry(const service::Caller& who, const store::JobId& id, Deadline deadline) override {
    return get(who, id, deadline);
  }
  Status remove(const service::Caller& who, const store::JobId& id, Deadline deadline) override {
    LOOM_CHECKED(get(who, id, deadline));
    return ok();
  }
  Result<std::vector<store::Task>> tasks(const service::Caller& /*who*/, const store::JobId& id,
                                         std::uint32_t first, std::size_t limit,
                                         Deadline /*deadline*/) override {
    if (failure) return *failure;
    std::vector<store::Task> some;
    for (std::uint32_t i = first; some.size() < limit && i < 5; ++i) some.push_back({.id = {id, i}});
    return some;
  }
  Result<std::vector<store::Event>> events(const service::Caller& who, const store::JobId& id,
                                           std::uint64_t seq, std::size_t limit, Deadline deadline) override {
    LOOM_CHECKED(get(who, id, deadline));
    const std::lock_guard lock(mutex);
    std::vector<store::Event> some;
    for (const store::Event& event : log)
      if (event.job == id && event.seq > seq && some.size() < limit) some.push_back(event);
    return some;
  }
  Result<std::vector<store::Event>> all_events(const service::Caller& who, std::uint64_t order,
                                               std::size_t limit, std::uint64_t& last,
                                               Deadline /*deadline*/) override {
    const std::lock_guard lock(mutex);
    if (failure) return *failure;
    last = order;
    std::vector<store::Event> some;
    std::size_t read = 0;
    for (const store::Event& event : log) {
      if (event.order <= order || read == limit) continue;
      ++read;
      last = event.order;
      if (who.role == service::Role::admin || event.owner == who.name) some.push_back(event);
    }
    return some;
  }
  Result<service::Explanation> explain(const service::Caller& /*who*/, const store::JobId& /*id*/,
                                       Deadline /*deadline*/) override {
    if (failure) return *failure;
    service::Explanation answer;
    answer.summary = "It waits.";
    answer.reasons = {"a", "b"};
    answer.position = 2;
    return answer;
  }
  Result<std::vector<service::ResultFile>> results(const service::Caller& /*who*/, const store::JobId& /*id*/,
                                                   Deadline /*deadline*/) override {
    if (failure) return *failure;
    return files;
  }
  Result<service::ResultFile> file(const service::Caller& /*who*/, const store::JobId& /*id*/,
                                   const std::string& name, Deadline /*deadline*/) override {
    if (failure) return *failure;
    const auto found = std::ranges::find(files, name, &service::ResultFile::name);
    if (found == files.end()) return error(Code::not_found, "no {}", name);
    return *found;
  }
  Result<service::Rendered> output(const service::Caller& /*who*/, const store::JobId& /*id*/,
                                   const service::OutputRequest& wanted, Deadline /*deadline*/) override {
    if (failure) return *failure;
    rendered_as = wanted.outfmt;
    if (rendering) return service::Rendered{};
    return service::Rendered{files.at(0)};
  }
  Result<std::shared_ptr<results::HitIndex>> open_hits(const service::Caller& who, const store::JobId& id,
                                                       Deadline deadline) override {
    return hits(who, id, deadline);
  }
  Result<std::shared_ptr<results::HitIndex>> hits(const service::Caller& who, const store::JobId& id,
                                                  Deadline deadline) override {
    LOOM_CHECKED(get(who, id, deadline));
    return index;
  }
  Result<std::unique_ptr<storage::ObjectReader>> open(const service::Caller& /*who*/,
                                                      const store::JobId& /*id*/,
                                                      const service::ResultFile& file,
                                                      Deadline /*deadline*/) override {
    if (!contents.contains(file.name)) return error(Code::not_found, "no {}", file.name);
    return std::make_unique<TextReader>(contents[file.name]);
  }
  Result<store::Job> import_result(const service::Caller& who, const service::ImportRequest& request,
                                   std::unique_ptr<service::Upload> /*upload*/) override {
    if (failure) return *failure;
    caller = who;
    imported = request;
    return make_job(1);
  }
  Result<results::PairwiseTexts> pairwise(const service::Caller& /*who*/, const store::JobId& /*id*/,
                                          std::span<const results::HspRow> rows,
                                          Deadline /*deadline*/) override {
    if (failure) return *failure;
    results::PairwiseTexts texts;
    for (const results::HspRow& row : rows)
      texts[row.hsp.id] = {fmt::format(">{}\n", row.subject.name), fmt::format(" Score of {}\n", row.hsp.id)};
    return texts;
  }
  Result<service::FetchedSequences> sequences(const service::Caller& /*who*/, const store::JobId& /*id*/,
                                              const service::SequenceRequest& request,
                                              Deadline /*deadline*/) override {
    if (failure) return *failure;
    parts = request.parts;
    return error(Code::invalid_argument, "db was made without -parse_seqids");
  }
  Result<service::Provenance> provenance(const service::Caller& who, const store::JobId& id,
                                         Deadline deadline) override {
    LOOM_TRY(store::Job job, get(who, id, deadline));
    sched::JobSpec spec{.options = blast::Options(blast::Program::blastp), .snapshot = "5 sequences"};
    LOOM_CHECKED(spec.options.set("db", "a db's"));
    spec.engine = "2.12.0+";
    return service::Provenance{
        .job = std::move(job), .spec = std::move(spec), .executable = "blastp", .output = {}};
  }
  Result<std::vector<service::DatabaseInfo>> databases(const service::Caller& /*who*/,
                                                       Deadline /*deadline*/) override {
    if (failure) return *failure;
    service::DatabaseInfo database;
    database.name = "db";
    database.title = "A \"db\"";
    database.molecule = "protein";
    return std::vector{database};
  }
  [[nodiscard]] std::string outfmt_of(const store::Job& /*job*/) const override { return "6"; }

  void add_file(const std::string& name, const std::string& outfmt, const std::string& text) {
    files.push_back({name, "output", outfmt, text.size(), std::string(64, 'a')});
    contents[name] = text;
  }

 private:
  class Taking final : public service::Upload {
   public:
    explicit Taking(FakeJobs& into) : into_(into) {}
    Status write(std::string_view bytes) override {
      into_.query += bytes;
      into_.greatest_write = std::max(into_.greatest_write, bytes.size());
      return ok();
    }

   private:
    FakeJobs& into_;
  };
};

/// The routes on a real server over fakes.
class ApiTest : public testing::Test {
 protected:
  using Reply = http::RawClient::Reply;

  void start(bool loopback = true) {
    ApiDeps deps{jobs_, *tokens_, scheduler_, hub_, pool_, loopback, "1.2.3", {}, {}, {}, {}, {}};
    deps.ready = [this] {
      const std::lock_guard lock(mutex_);
      return ReadyState{lacking_, degraded_};
    };
    deps.who_changes = who_changes_;
    deps.streams = streams_;
    deps.works = works_;
    deps.limits = limits_;
    deps.wall = [this] { return now_; };
    deps.beat = [] { return std::string(R"({"tasks":[]})"); };
    deps.counts = [] { return Result<store::JobCounts>(store::JobCounts{1, 2, 3, 4, 5, 6}); };
    deps.report = [this](const http::Request& /*request*/, const Error& error) {
      const std::lock_guard lock(mutex_);
      reported_.push_back(error.message);
    };
    api_ = std::make_unique<Api>(std::move(deps));
    server_ = std::make_unique<http::RunningServer>(http::ServerOptions{}, api_->routes());
  }
  void SetUp() override { tokens_ = std::make_unique<service::Tokens>(folder_->path() / "tokens"); }
  void TearDown() override { server_.reset(); }

  /// One exchange on a connection of its own.
  Reply ask(const std::string& method, const std::string& target, const std::string& fields = "",
            const std::string& body = "", const std::string& host = "localhost") {
    http::RawClient client(server_->port());
    std::string head = method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields;
    if (method == "POST" || !body.empty()) head += fmt::format("Content-Length: {}\r\n", body.size());
    client.send(head + "Connection: close\r\n\r\n" + body);
    return client.reply();
  }
  Reply get(const std::string& target, const std::string& fields = "") { return ask("GET", target, fields); }
  Reply post_json(const std::string& target, const std::string& body, const std::string& fields = "") {
    return ask("POST", target, "Content-Type: application/json\r\n" + fields, body);
  }
  static boost::json::value json(const Reply& reply) { return boost::json::parse(reply.body); }
  static std::string member(const Reply& reply, const std::string& name) {
    const auto value = json(reply);
    const auto* found = value.as_object().if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : "";
  }
  static std::string path(int job, const std::string& rest = "") { return job_path(job_id(job)) + rest; }

  Result<TempDir> folder_ = TempDir::create();
  std::unique_ptr<service::Tokens> tokens_;
  FakeJobs jobs_;
  FakeScheduler scheduler_;
  FakeHub hub_;
  async::BlockingPool pool_{2};
  std::mutex mutex_;
  std::vector<std::string> reported_;
  std::vector<std::string> lacking_;
  std::vector<std::string> degraded_;
  std::function<std::string()> who_changes_;  ///< set: it only reads
  StreamPermits::Limits streams_;
  service::DatabaseWorks* works_ = nullptr;
  service::Limits limits_;
  store::UnixTime now_{std::chrono::milliseconds(1'700'000'000'123)};
  std::unique_ptr<Api> api_;
  std::unique_ptr<http::RunningServer> server_;
};

}  // namespace loom::api
