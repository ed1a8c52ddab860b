#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/multipart.hpp"
#include "api/refusal.hpp"
#include "async/blocking_pool.hpp"
#include "http/message.hpp"
#include "service/job_service.hpp"

namespace loom::api {

/// How long a submit may take once its body is there.
inline constexpr std::chrono::seconds kSubmitTime{120};
/// The most bytes of one field of a form that is not the query.
inline constexpr std::size_t kMostFieldBytes = 64U << 10U;

/// A search as a request asks for it, its query stored already.
struct Submission {
  service::SubmitRequest request;
  std::unique_ptr<service::Upload> query;
};

/// What a JSON body says. `query` is FASTA text.
struct JsonSubmission {
  service::SubmitRequest request;
  std::string query;
};

/// Strict: what is unknown, missing or of another type is refused by name.
Parsed<JsonSubmission> parse_submission(std::string_view body);

/// The fields of a form one after another, in any order, but for the query.
class SubmissionFields {
 public:
  /// `name` is program, database, title, priority, on_saturation, fresh, options or organisms (JSON objects)
  /// or option.NAME; each at most once.
  Parsed<std::monostate> set(const std::string& name, std::string_view value);
  /// All of them together. Once.
  Parsed<service::SubmitRequest> take();

 private:
  std::vector<std::string> seen_;
  service::SubmitRequest request_;
};

/// The most bytes of a submission, in whichever form.
Limit submission_limit(const service::Limits& limits);

/// Reads the body of `request`, JSON or multipart/form-data, and hands the query to the service as it comes:
/// what is kept in memory does not grow with the query of a form. On a refusal nothing is left.
http::net::awaitable<Parsed<Submission>> read_submission(http::Request& request, service::Caller caller,
                                                         service::JobService& jobs,
                                                         async::BlockingPool& blocking,
                                                         const service::Limits& limits);

/// The Idempotency-Key header. Refuses what is not 1 to 256 printable characters.
Parsed<std::optional<std::string>> idempotency_key(const http::Request& request);

}  // namespace loom::api
