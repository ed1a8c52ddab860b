#include "api/hit_requests.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "api/replies.hpp"
#include "base/number.hpp"

namespace loom::api {
namespace {

using results::Filter;
using results::Op;
using results::PageRequest;

constexpr std::size_t kMostRows = 1000;
constexpr std::size_t kMostSelected = 10'000;
constexpr std::uint64_t kMostFlank = 1'000'000'000;
constexpr std::size_t kMostWords = 20;

struct Bound {
  std::string_view parameter;
  std::string_view field;
  Op op;
};
constexpr std::array kBounds{
    Bound{"evalue_max", "evalue", Op::at_most},
    Bound{"bits_min", "bitscore", Op::at_least},
    Bound{"identity_min", "pident", Op::at_least},
    Bound{"identity_max", "pident", Op::at_most},
    Bound{"cover_min", "coverage", Op::at_least},
    Bound{"length_min", "length", Op::at_least},
    Bound{"length_max", "length", Op::at_most},
    Bound{"taxid", "taxid", Op::equal},
    Bound{"clade", "clade", Op::equal},
};
constexpr std::array<std::string_view, 9> kOthers{"where",  "query", "words", "subject",   "sort",
                                                  "cursor", "limit", "hsps",  "alignments"};

Parsed<std::monostate> read_place(const http::Request& request, PageRequest& page, bool pages = true) {
  if (const auto query = request.parameter("query"); query) {
    page.query = number_of<std::int64_t>(*query);
    if (!page.query || *page.query < 0)
      return wrong("query", "query: '{}' is no number of a query; they count from 0", query->substr(0, 40));
  }
  if (const auto sort = request.parameter("sort"); sort) {
    const auto known = results::parse_sort(*sort);
    if (!known) return tl::unexpected(Refusal{known.error(), "sort"});
    page.sort = *known;
  }
  page.after = request.parameter("cursor").value_or("");
  if (!pages) return std::monostate{};
  const auto limit = number_parameter(request, "limit", 0, kMostRows, page.limit);
  if (!limit) return tl::unexpected(limit.error());
  page.limit = *limit;
  return std::monostate{};
}

Parsed<std::monostate> read_filter(const http::Request& request, Filter& filter) {
  if (const auto where = request.parameter("where"); where) {
    auto parsed = Filter::parse(*where);
    if (!parsed) return tl::unexpected(Refusal{parsed.error(), "where"});
    filter.also(*parsed);
  }
  for (const Bound& bound : kBounds) {
    const auto text = request.parameter(bound.parameter);
    if (!text) continue;
    const auto number = number_of<double>(*text);
    if (!number || *number != *number)
      return wrong(bound.parameter, "{}: '{}' is no number", bound.parameter, text->substr(0, 40));
    const Status added = filter.also(bound.field, bound.op, *number);
    if (!added) return tl::unexpected(Refusal{added.error(), std::string(bound.parameter)});
  }
  if (const auto subject = request.parameter("subject"); subject) {
    const Status added = filter.also("subject", Op::equal, std::string(*subject));
    if (!added) return tl::unexpected(Refusal{added.error(), "subject"});
  }
  std::string_view words = request.parameter("words").value_or("");
  for (std::size_t count = 0; !words.empty(); ++count) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (count == kMostWords) return wrong("words", "words: more than {}", kMostWords);
    if (end > 0) filter.also_word(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return std::monostate{};
}

Parsed<std::monostate> check_names(const http::Request& request,
                                   std::initializer_list<std::string_view> also) {
  std::vector<std::string_view> known(kOthers.begin(), kOthers.end());
  for (const Bound& bound : kBounds) known.push_back(bound.parameter);
  known.insert(known.end(), also.begin(), also.end());
  return check_parameters(request, known);
}

}  // namespace

Parsed<PageRequest> hit_request(const http::Request& request, std::initializer_list<std::string_view> also) {
  PageRequest page;
  const bool pages = std::ranges::find(also, "limit") == also.end();
  if (const auto known = check_names(request, also); !known) return tl::unexpected(known.error());
  if (const auto read = read_place(request, page, pages); !read) return tl::unexpected(read.error());
  if (const auto read = read_filter(request, page.filter); !read) return tl::unexpected(read.error());
  const auto alignments = flag_parameter(request, "alignments");
  if (!alignments) return tl::unexpected(alignments.error());
  page.alignments = alignments->value_or(false);
  const auto hsps = number_parameter(request, "hsps", 0, kMostRows, page.hsps_per_hit);
  if (!hsps) return tl::unexpected(hsps.error());
  page.hsps_per_hit = *hsps;
  if (std::ranges::find(also, "select") == also.end()) return page;
  auto selected = id_list(request, "select", kMostSelected);
  if (!selected) return tl::unexpected(selected.error());
  page.select = *std::move(selected);
  return page;
}

Parsed<PageRequest> list_request(const http::Request& request) {
  PageRequest page;
  if (const auto read = read_place(request, page); !read) return tl::unexpected(read.error());
  page.find = request.parameter("find").value_or("");
  const auto with_hits = flag_parameter(request, "with_hits");
  if (!with_hits) return tl::unexpected(with_hits.error());
  page.with_hits = *with_hits;
  for (const auto& [name, into] : {std::pair{"taxid", &page.taxid}, std::pair{"clade", &page.clade}}) {
    const auto text = request.parameter(name);
    if (!text) continue;
    *into = number_of<std::int64_t>(*text);
    if (!*into) return wrong(name, "{}: '{}' is no number", name, text->substr(0, 40));
  }
  return page;
}

Parsed<results::ExportRequest> export_request(const http::Request& request) {
  results::ExportRequest wanted;
  auto rows =
      hit_request(request, {"format", "columns", "header", "select", "on", "region", "flank", "limit"});
  if (!rows) return tl::unexpected(rows.error());
  wanted.rows.rows = *std::move(rows);
  wanted.rows.hits = std::exchange(wanted.rows.rows.select, {});
  const std::string_view named = request.parameter("format").value_or("tsv");
  if (named != "fasta") {
    const auto format = results::parse_export_format(named);
    if (!format) return wrong("format", "{} or fasta", format.error().message);
    wanted.format = *format;
  }
  wanted.columns = request.parameter("columns").value_or("");
  if (request.parameter("limit")) {
    const auto most = number_parameter(request, "limit", 1, std::numeric_limits<std::int64_t>::max(), 0);
    if (!most) return tl::unexpected(most.error());
    wanted.rows.most = *most;
  }
  const auto header = flag_parameter(request, "header");
  if (!header) return tl::unexpected(header.error());
  wanted.header = *header;
  const std::string_view on = request.parameter("on").value_or("subject");
  if (on != "subject" && on != "query")
    return wrong("on", "on must be subject or query, not '{}'", on.substr(0, 40));
  wanted.style.on_query = on == "query";
  return wanted;
}

Parsed<std::optional<service::FastaWish>> fasta_request(const http::Request& request) {
  const bool asked = request.parameter("format").value_or("") == "fasta";
  if (!asked) {
    for (const char* name : {"region", "flank"})
      if (request.parameter(name)) return wrong(name, "{} is for format=fasta", name);
    return std::optional<service::FastaWish>();
  }
  service::FastaWish wish;
  const std::string_view region = request.parameter("region").value_or("subject");
  if (region != "subject" && region != "aligned")
    return wrong("region", "region must be subject or aligned, not '{}'", region.substr(0, 40));
  wish.aligned = region == "aligned";
  const auto flank = number_parameter(request, "flank", 0, kMostFlank, 0);
  if (!flank) return tl::unexpected(flank.error());
  if (request.parameter("flank") && !wish.aligned) return wrong("flank", "flank is for region=aligned");
  wish.flank = static_cast<std::uint32_t>(*flank);
  return std::optional(wish);
}

Refusal refusal_of(const Error& error) {
  if (error.code != Code::invalid_argument) return {error};
  const std::string& words = error.message;
  if (words.starts_with("sort:")) return {error, "sort"};
  if (words.starts_with("columns:")) return {error, "columns"};
  if (words.starts_with("format:")) return {error, "format"};
  if (words.starts_with("the cursor")) return {error, "cursor"};
  if (words.starts_with("there is no query")) return {error, "query"};
  if (words.starts_with("there is no hit")) return {error, "select"};
  return {error, "where"};
}

}  // namespace loom::api
