#include "api/submission.hpp"

#include "api/body.hpp"

namespace loom::api {
namespace {

using http::net::awaitable;

/// Less than an upload keeps in memory.
constexpr std::size_t kSmallBody = 16U << 10U;

/// The query, and what there may be beside it.
Limit form_limit(const service::Limits& limits) {
  constexpr std::uint64_t kBeside =
      MultipartParser::kMostParts * (MultipartParser::kMostHeadBytes + kMostFieldBytes);
  Limit limit = limits.upload_bytes;
  if (limit.most != 0) limit.most += kBeside;
  return limit;
}

template <class T>
tl::unexpected<Refusal> refused(const Result<T>& result, std::string_view field = {}) {
  return tl::unexpected(Refusal{result.error(), std::string(field)});
}

/// Puts the fields of a form together and gathers what came of the query since it was last asked.
class FormSink final : public PartSink {
 public:
  Status begin_part(PartHead head) override {
    name_ = std::move(head.name);
    value_.clear();
    in_query_ = name_ == "query";
    if (!in_query_) return ok();
    if (has_query_) return blame("query", "the field query is given twice; put all sequences into one file");
    has_query_ = true;
    return ok();
  }
  Status part_data(std::string_view bytes) override {
    if (in_query_) {
      query_ += bytes;
      return ok();
    }
    value_ += bytes;
    if (value_.size() <= kMostFieldBytes) return ok();
    refusal_ =
        Refusal{error(Code::too_large, "the field {} is over {} bytes", name_, kMostFieldBytes), name_};
    return refusal_->error;
  }
  Status end_part() override {
    if (in_query_) return ok();
    const auto set = fields_.set(name_, value_);
    if (set) return ok();
    refusal_ = set.error();
    return refusal_->error;
  }

  /// What feed()'s error was about.
  [[nodiscard]] Refusal refusal(const Error& error) const { return refusal_.value_or(Refusal{error}); }
  [[nodiscard]] bool has_query() const { return has_query_; }
  [[nodiscard]] std::string& query() { return query_; }
  [[nodiscard]] SubmissionFields& fields() { return fields_; }

 private:
  Status blame(std::string_view field, std::string_view why) {
    refusal_ = Refusal{error(Code::invalid_argument, "{}", why), std::string(field)};
    return refusal_->error;
  }

  SubmissionFields fields_;
  std::string name_;
  std::string value_;
  std::string query_;  ///< not written yet
  bool in_query_ = false;
  bool has_query_ = false;
  std::optional<Refusal> refusal_;
};

/// One request's way into the service. Blocking calls run on the pool.
class Intake {
 public:
  Intake(http::Request& request, service::Caller caller, service::JobService& jobs,
         async::BlockingPool& blocking, const service::Limits& limits)
      : request_(request), caller_(std::move(caller)), jobs_(jobs), blocking_(blocking), limits_(limits) {}

  awaitable<Parsed<Submission>> read_json();
  awaitable<Parsed<Submission>> read_form();

 private:
  Parsed<Submission> take_json(const std::string& body);
  awaitable<Status> begin();
  awaitable<Status> write(std::string& bytes);
  awaitable<Parsed<std::monostate>> read_parts(FormSink& sink, std::string boundary);

  http::Request& request_;
  service::Caller caller_;
  service::JobService& jobs_;
  async::BlockingPool& blocking_;
  const service::Limits& limits_;
  std::unique_ptr<service::Upload> upload_;
};

awaitable<Status> Intake::begin() {
  const auto open = [this] { return jobs_.begin_upload(caller_); };
  auto upload = co_await blocking_.run(open);
  if (!upload) co_return upload.error();
  upload_ = *std::move(upload);
  co_return ok();
}

awaitable<Status> Intake::write(std::string& bytes) {
  const auto append = [this, &bytes] { return upload_->write(bytes); };
  Status written = co_await blocking_.run(append);
  bytes.clear();
  co_return written;
}

awaitable<Parsed<Submission>> Intake::read_json() {
  auto body = co_await read_body(request_, limits_.body_bytes);
  if (!body) {
    Refusal refusal = std::move(body.error());
    if (refusal.error.code == Code::too_large)
      refusal.error.message += "; send a larger query as a file in multipart/form-data";
    co_return tl::unexpected(std::move(refusal));
  }
  // What is small stays in memory, and is read sooner than another thread wakes up.
  if (body->size() <= kSmallBody) co_return take_json(*body);
  const auto take = [this, &body]() -> Result<Parsed<Submission>> { return take_json(*body); };
  auto taken = co_await blocking_.run(take);
  if (!taken) co_return refused(taken);
  co_return *std::move(taken);
}

Parsed<Submission> Intake::take_json(const std::string& body) {
  auto parsed = parse_submission(body);
  if (!parsed) return tl::unexpected(parsed.error());
  auto upload = jobs_.begin_upload(caller_);
  if (!upload) return refused(upload);
  const Status written = (*upload)->write(parsed->query);
  if (!written) return refused(written, "query");
  return Submission{std::move(parsed->request), *std::move(upload)};
}

awaitable<Parsed<std::monostate>> Intake::read_parts(FormSink& sink, std::string boundary) {
  MultipartParser parser(boundary, sink);
  std::string block(kBodyPiece, '\0');
  for (;;) {
    const auto came = co_await request_.body->read_some(block);
    if (!came) co_return body_refused(came.error());
    if (*came == 0) break;
    const Status fed = parser.feed(std::string_view(block).substr(0, *came));
    if (!fed) co_return tl::unexpected(sink.refusal(fed.error()));
    if (sink.query().size() < kBodyPiece) continue;
    const Status written = co_await write(sink.query());
    if (!written) co_return refused(written, "query");
  }
  const Status whole = parser.finish();
  if (!whole) co_return refused(whole);
  if (!sink.query().empty()) {
    const Status written = co_await write(sink.query());
    if (!written) co_return refused(written, "query");
  }
  co_return std::monostate{};
}

awaitable<Parsed<Submission>> Intake::read_form() {
  auto boundary = MultipartParser::boundary_of(request_.header("Content-Type"));
  if (!boundary) co_return refused(boundary);
  const Status fits = check_announced(request_, form_limit(limits_));
  if (!fits) co_return refused(fits);
  // First, so that who may not submit is told before he has sent a gigabyte.
  const Status begun = co_await begin();
  if (!begun) co_return refused(begun);
  FormSink sink;
  const auto read = co_await read_parts(sink, *std::move(boundary));
  if (!read) co_return tl::unexpected(read.error());
  auto request = sink.fields().take();
  if (!request) co_return tl::unexpected(request.error());
  if (!sink.has_query())
    co_return wrong("query", "query is missing: send the sequences as a file part of that name");
  co_return Submission{*std::move(request), std::move(upload_)};
}

}  // namespace

Limit submission_limit(const service::Limits& limits) {
  const Limit form = form_limit(limits);
  return form.passed_by(limits.body_bytes.most) ? limits.body_bytes : form;
}

awaitable<Parsed<Submission>> read_submission(http::Request& request, service::Caller caller,
                                              service::JobService& jobs, async::BlockingPool& blocking,
                                              const service::Limits& limits) {
  Intake intake(request, std::move(caller), jobs, blocking, limits);
  if (has_type(request, "application/json")) co_return co_await intake.read_json();
  if (has_type(request, kFormType)) co_return co_await intake.read_form();
  co_return wrong("Content-Type", "Content-Type must be application/json or multipart/form-data");
}

}  // namespace loom::api
