#include "api/sequences_routes.hpp"

#include <unistd.h>

#include <limits>

#include "api/body.hpp"
#include "api/replies.hpp"

namespace loom::api {
namespace {

using boost::beast::http::verb;
using http::Request;
using http::Response;
using service::Caller;
using service::SequenceRequest;

constexpr std::chrono::seconds kFetchTime{120};
constexpr std::size_t kMostMissingShown = 100;

/// A file from its start to its end.
class FileBody final : public http::BodySource {
 public:
  FileBody(Fd file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  [[nodiscard]] std::optional<std::uint64_t> size() const override { return size_; }
  Result<std::size_t> read(std::span<char> into) override {
    for (;;) {
      const ssize_t got = ::read(file_.get(), into.data(), into.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return system_error(errno, "read the sequences");
    }
  }

 private:
  Fd file_;
  std::uint64_t size_;
};

/// flank, missing: what both ways of asking have.
Parsed<SequenceRequest> read_common(const Request& request) {
  SequenceRequest wanted;
  const auto flank = number_parameter(request, "flank", 0, std::numeric_limits<std::int32_t>::max(), 0);
  if (!flank) return tl::unexpected(flank.error());
  wanted.flank = static_cast<std::uint32_t>(*flank);
  const std::string_view missing = request.parameter("missing").value_or("fail");
  if (missing != "fail" && missing != "skip")
    return wrong("missing", "missing must be fail or skip, not '{}'", missing.substr(0, 80));
  wanted.skip_missing = missing == "skip";
  return wanted;
}

/// ids=A,B, all with the same range=FROM-TO and strand.
Parsed<SequenceRequest> read_ids(const Request& request) {
  if (const auto known =
          check_parameters(request, {"ids", "range", "strand", "flank", "missing", "snapshot"});
      !known)
    return tl::unexpected(known.error());
  auto wanted = read_common(request);
  if (!wanted) return wanted;
  std::string behind;
  for (const char* name : {"range", "strand"})
    if (const auto word = request.parameter(name)) behind += " " + std::string(*word);
  std::string lines;
  std::string_view rest = request.parameter("ids").value_or("");
  while (!rest.empty()) {
    const std::string_view id = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(id.size() + 1, rest.size()));
    if (!id.empty()) lines += std::string(id) + behind + "\n";
  }
  auto parts = service::parse_sequence_parts(lines);
  if (!parts) return tl::unexpected(Refusal{parts.error(), "ids"});
  wanted->parts = *std::move(parts);
  return wanted;
}

}  // namespace

void SequencesRoutes::add_to(std::vector<http::Route>& routes) {
  const std::string pattern = "/api/blast/databases/{name}/sequences";
  auto some = [this](Request& request, Caller caller) { return get(request, std::move(caller)); };
  routes.push_back(download_route(context_, pattern, std::move(some)));
  auto many = [this](Request& request, Caller caller) { return post(request, std::move(caller)); };
  routes.push_back(
      {verb::post, pattern, with_caller(context_, std::move(many)), context_.deps.limits.body_bytes});
}

/// GET …/sequences?ids= -> 200 | 400 | 401 | 404 | 413 | 503 (as many downloads run as may).
SequencesRoutes::Reply SequencesRoutes::get(Request& request, Caller /*caller*/) {
  auto wanted = read_ids(request);
  if (!wanted) co_return context_.fail(request, wanted.error());
  co_return co_await send(request, *std::move(wanted));
}

/// POST …/sequences, a line for each part -> as get.
SequencesRoutes::Reply SequencesRoutes::post(Request& request, Caller /*caller*/) {
  if (const auto known = check_parameters(request, {"flank", "missing", "snapshot"}); !known)
    co_return context_.fail(request, known.error());
  auto wanted = read_common(request);
  if (!wanted) co_return context_.fail(request, wanted.error());
  const auto lines = co_await read_body(request, context_.deps.limits.body_bytes);
  if (!lines) co_return context_.fail(request, lines.error());
  auto parts = service::parse_sequence_parts(*lines);
  if (!parts) co_return context_.fail(request, parts.error());
  wanted->parts = *std::move(parts);
  co_return co_await send(request, *std::move(wanted));
}

SequencesRoutes::Reply SequencesRoutes::send(Request& request, SequenceRequest wanted) {
  // Fetching takes a thread for up to minutes, and its file lies on the disk until it is sent.
  auto permit = co_await context_.streams.take();
  if (!permit) co_return context_.fail(request, permit.error());
  const std::string snapshot(request.parameter("snapshot").value_or(""));
  const auto call = [&] {
    return context_.deps.works->sequences(request.captures[0], snapshot, wanted, Deadline::in(kFetchTime));
  };
  auto fetched = co_await context_.deps.blocking.run(call);
  if (!fetched) co_return context_.fail(request, fetched.error());
  Response response{200,
                    {{"Content-Type", "text/x-fasta; charset=utf-8"},
                     {"Content-Disposition", "attachment; filename=\"sequences.fa\""},
                     {"X-Content-Type-Options", "nosniff"},
                     {"Cache-Control", "private, no-cache"},
                     {"Blastloom-Missing-Count", std::to_string(fetched->missing.size())}},
                    std::string()};
  if (!fetched->missing.empty()) {
    fetched->missing.resize(std::min(fetched->missing.size(), kMostMissingShown));
    response.headers.emplace_back("Blastloom-Missing", fmt::format("{}", fmt::join(fetched->missing, " ")));
  }
  auto file = std::make_unique<FileBody>(std::move(fetched->text), fetched->bytes);
  response.body = with_permit(std::move(file), *std::move(permit));
  co_return response;
}

}  // namespace loom::api
