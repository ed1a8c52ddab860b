#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/refusal.hpp"
#include "http/message.hpp"
#include "store/job.hpp"

namespace loom::api {

http::Response json_reply(int status, std::string body);

/// 202: the hits are being indexed, ask again.
http::Response indexing_reply();

/// 200 with the tag, or 304 when the client has just that. `etag` has its quotes.
http::Response tagged_reply(const http::Request& request, std::string_view content_type,
                            std::string_view etag, std::shared_ptr<const std::string> body);

/// Refuses a query parameter that is not among `known`, or came more than once, by name.
Parsed<std::monostate> check_parameters(const http::Request& request,
                                        std::span<const std::string_view> known);
Parsed<std::monostate> check_parameters(const http::Request& request,
                                        std::initializer_list<std::string_view> known);

/// A whole number from `least` to `most`, or `otherwise` if it is not given.
Parsed<std::uint64_t> number_parameter(const http::Request& request, std::string_view name,
                                       std::uint64_t least, std::uint64_t most, std::uint64_t otherwise);

/// true, 1, false or 0; nullopt if it is not given.
Parsed<std::optional<bool>> flag_parameter(const http::Request& request, std::string_view name);

/// Ids of rows with commas between them, at most `most`; empty if they are not given.
Parsed<std::vector<std::int64_t>> id_list(const http::Request& request, std::string_view name,
                                          std::size_t most);

/// An {id} in a path. What is no id is not found, as one that nobody has.
Parsed<store::JobId> read_job_id(std::string_view text);
/// That of the request's own path.
Parsed<store::JobId> job_id_of(const http::Request& request);

}  // namespace loom::api
