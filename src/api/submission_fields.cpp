#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/json.hpp>

#include "api/submission.hpp"
#include "base/number.hpp"
#include "blast/option_spec.hpp"

namespace loom::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kMembers =
    "program, database, query, options, organisms, title, priority, on_saturation and fresh";

std::string_view text_of(const json::string& text) {
  return {text.data(), text.size()};
}

// An option's value as BLAST+ is given it; nullopt for what is no scalar.
std::optional<std::string> option_text(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string:
      return std::string(text_of(value.get_string()));
    case json::kind::bool_:
      return value.get_bool() ? "true" : "false";
    case json::kind::int64:
      return fmt::format("{}", value.get_int64());
    case json::kind::uint64:
      return fmt::format("{}", value.get_uint64());
    case json::kind::double_:
      return fmt::format("{}", value.get_double());
    default:
      return std::nullopt;
  }
}

using Options = std::vector<std::pair<std::string, std::string>>;

Parsed<std::monostate> read_options(const json::value& value, Options& into) {
  if (!value.is_object())
    return wrong("options", "options must be an object such as {{\"evalue\": 1e-5, \"outfmt\": \"6\"}}");
  for (const auto& [key, content] : value.get_object()) {
    auto text = option_text(content);
    const std::string name(key);
    if (!text) return wrong("options." + name, "option {} must be a string, a number, true or false", name);
    into.emplace_back(name, *std::move(text));
  }
  return std::monostate{};
}

// {"include": [9606], "exclude": [9605]}
Parsed<std::monostate> read_organisms(const json::value& value, service::SubmitRequest& into) {
  const auto refuse = [] {
    return wrong("organisms",
                 "organisms must be an object of taxids such as {{\"include\": [9606], \"exclude\": []}}");
  };
  if (!value.is_object()) return refuse();
  for (const auto& [key, list] : value.get_object()) {
    if ((key != "include" && key != "exclude") || !list.is_array()) return refuse();
    for (const json::value& one : list.get_array()) {
      boost::system::error_code no_number;
      const auto taxid = one.to_number<std::uint32_t>(no_number);
      if (no_number || taxid == 0) return refuse();
      (key == "include" ? into.organisms : into.organisms_not).push_back(taxid);
    }
  }
  return std::monostate{};
}

Parsed<json::value> parse_field(const std::string& name, std::string_view text) {
  boost::system::error_code failed;
  json::value parsed = json::parse({text.data(), text.size()}, failed);
  if (failed) return wrong(name, "{} is not valid JSON: {}", name, failed.message());
  return parsed;
}

Parsed<std::string> need_text(const json::value& value, std::string_view name) {
  if (!value.is_string()) return wrong(name, "{} must be a string", name);
  return std::string(text_of(value.get_string()));
}

Parsed<std::int32_t> priority_of(std::int64_t number) {
  if (number < INT32_MIN || number > INT32_MAX)
    return wrong("priority", "priority {} is not a whole number of 32 bits", number);
  return static_cast<std::int32_t>(number);
}

// A flag is given without a value: true sets it, false leaves it out. Needs the program, so it comes last.
// What is unknown is left to the service, which names what is near.
void settle_flags(service::SubmitRequest& request) {
  const auto program = blast::parse_program(request.program);
  if (!program) return;
  std::erase_if(request.options, [&](auto& option) {
    const auto* spec = blast::find_option(*program, option.first);
    if (spec == nullptr || spec->type != blast::Type::flag) return false;
    if (option.second == "true") option.second.clear();
    return option.second == "false";
  });
}

Parsed<std::monostate> check_whole(service::SubmitRequest& request) {
  if (request.program.empty()) return wrong("program", "program is missing: name one, such as blastp");
  if (request.database.empty())
    return wrong("database", "database is missing: GET /api/blast/databases names those there are");
  for (std::size_t i = 0; i < request.options.size(); ++i) {
    const std::string& name = request.options[i].first;
    const auto same = [&](const auto& other) { return other.first == name; };
    if (std::any_of(request.options.begin(), request.options.begin() + static_cast<std::ptrdiff_t>(i), same))
      return wrong("options." + name, "option {} is given twice", name);
  }
  settle_flags(request);
  return std::monostate{};
}

Parsed<std::monostate> read_member(std::string_view name, const json::value& value, JsonSubmission& into) {
  service::SubmitRequest& request = into.request;
  if (name == "options") return read_options(value, request.options);
  if (name == "organisms") return read_organisms(value, request);
  if (name == "priority") {
    if (!value.is_int64()) return wrong(name, "priority must be a whole number");
    const auto number = priority_of(value.get_int64());
    if (!number) return tl::unexpected(number.error());
    request.priority = *number;
    return std::monostate{};
  }
  if (name == "fresh") {
    if (!value.is_bool()) return wrong(name, "fresh must be true or false");
    request.fresh = value.get_bool();
    return std::monostate{};
  }
  const std::array<std::pair<std::string_view, std::string*>, 5> texts{
      {{"program", &request.program},
       {"database", &request.database},
       {"query", &into.query},
       {"title", &request.title},
       {"on_saturation", &request.on_saturation}}};
  for (const auto& [known, target] : texts) {
    if (known != name) continue;
    auto text = need_text(value, name);
    if (!text) return tl::unexpected(text.error());
    *target = *std::move(text);
    return std::monostate{};
  }
  return wrong(name, "unknown member '{}'; known are {}", name, kMembers);
}

}  // namespace

Parsed<JsonSubmission> parse_submission(std::string_view body) {
  boost::system::error_code failed;
  const json::value value = json::parse({body.data(), body.size()}, failed);
  if (failed) return wrong("", "the body is not valid JSON: {}", failed.message());
  if (!value.is_object()) return wrong("", "the body must be a JSON object with the members {}", kMembers);
  JsonSubmission submission;
  for (const auto& [key, content] : value.get_object()) {
    const auto read = read_member({key.data(), key.size()}, content, submission);
    if (!read) return tl::unexpected(read.error());
  }
  const auto whole = check_whole(submission.request);
  if (!whole) return tl::unexpected(whole.error());
  if (submission.query.empty()) return wrong("query", "query is missing: give sequences as FASTA text");
  return submission;
}

Parsed<std::monostate> SubmissionFields::set(const std::string& name, std::string_view value) {
  if (std::ranges::find(seen_, name) != seen_.end()) return wrong(name, "the field {} is given twice", name);
  seen_.push_back(name);
  constexpr std::string_view kOption = "option.";
  if (name.size() > kOption.size() && name.starts_with(kOption)) {
    request_.options.emplace_back(name.substr(kOption.size()), std::string(value));
    return std::monostate{};
  }
  if (name == "options" || name == "organisms") {
    const auto parsed = parse_field(name, value);
    if (!parsed) return tl::unexpected(parsed.error());
    return name == "options" ? read_options(*parsed, request_.options) : read_organisms(*parsed, request_);
  }
  if (name == "priority") {
    const auto number = number_of<std::int64_t>(value);
    if (!number) return wrong(name, "priority must be a whole number");
    const auto priority = priority_of(*number);
    if (!priority) return tl::unexpected(priority.error());
    request_.priority = *priority;
    return std::monostate{};
  }
  if (name == "fresh") {
    if (value != "true" && value != "false") return wrong(name, "fresh must be true or false");
    request_.fresh = value == "true";
    return std::monostate{};
  }
  const std::array<std::pair<std::string_view, std::string*>, 4> texts{
      {{"program", &request_.program},
       {"database", &request_.database},
       {"title", &request_.title},
       {"on_saturation", &request_.on_saturation}}};
  for (const auto& [known, target] : texts) {
    if (known != name) continue;
    *target = value;
    return std::monostate{};
  }
  return wrong(name, "unknown field '{}'; known are {}, and option.NAME", name, kMembers);
}

Parsed<service::SubmitRequest> SubmissionFields::take() {
  const auto whole = check_whole(request_);
  if (!whole) return tl::unexpected(whole.error());
  return std::move(request_);
}

Parsed<std::optional<std::string>> idempotency_key(const http::Request& request) {
  constexpr std::size_t kLongest = 256;
  for (const auto& [name, value] : request.headers) {
    if (!boost::beast::iequals(name, "Idempotency-Key")) continue;
    const bool printable = std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
    if (value.empty() || value.size() > kLongest || !printable)
      return wrong("Idempotency-Key", "Idempotency-Key must be 1 to {} printable ASCII characters", kLongest);
    return std::optional(value);
  }
  return std::optional<std::string>();
}

}  // namespace loom::api
