#include "api/build_order.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>

#include "api/body.hpp"
#include "api/multipart.hpp"
#include "base/number.hpp"

namespace loom::api {
namespace {

using http::net::awaitable;
using service::BuildOrder;
using service::QueryUpload;

constexpr std::size_t kMostText = 240;
constexpr std::size_t kMostMasks = 8;
constexpr std::string_view kKnown =
    "name, molecule, append, title, parse_ids, taxid, source, path and object";

tl::unexpected<Refusal> refused(const Error& error, std::string_view field = {}) {
  return tl::unexpected(Refusal{error, std::string(field)});
}

Parsed<bool> truth(std::string_view name, std::string_view text) {
  if (text != "true" && text != "false")
    return wrong(name, "{}: true or false, not '{}'", name, text.substr(0, 80));
  return text == "true";
}

/// The fields one after another, in any order, each at most once.
class Fields {
 public:
  explicit Fields(BuildOrder& order) : order_(order) { order.request.source = "upload"; }

  Parsed<std::monostate> set(const std::string& name, std::string_view value) {
    if (std::ranges::find(seen_, name) != seen_.end()) return wrong(name, "{} is given twice", name);
    seen_.push_back(name);
    auto& request = order_.request;
    if (name == "name") return set_name(value);
    if (name == "molecule") return set_molecule(value);
    if (name == "taxid") return set_taxid(value);
    if (name == "append") return set_flag(name, value, request.append);
    if (name == "parse_ids") return set_flag(name, value, request.parse_ids);
    if (name == "path" || name == "object") {
      (name == "path" ? order_.path : order_.object) = value;
      return std::monostate{};
    }
    if (name != "title" && name != "source")
      return wrong(name, "unknown parameter '{}'; known are {}", name.substr(0, 80), kKnown);
    if (value.size() > kMostText) return wrong(name, "{} may have {} bytes", name, kMostText);
    (name == "title" ? request.title : request.source) = value;
    return std::monostate{};
  }

  /// What cannot be wrong in one field alone.
  Parsed<std::monostate> check() const {
    const auto given = [&](const char* name) { return std::ranges::find(seen_, name) != seen_.end(); };
    if (!given("name")) return wrong("name", "name: how the database is to be called is missing");
    if (!given("molecule") && !order_.request.append)
      return wrong("molecule", "molecule: protein or nucleotide is needed, not ''");
    if (order_.request.append && given("parse_ids"))
      return wrong("parse_ids", "parse_ids: what is appended has ids if what is there has; leave it out");
    return std::monostate{};
  }

 private:
  Parsed<std::monostate> set_name(std::string_view value) {
    order_.request.name = value;
    if (const Status good = catalog::check_database_name(value); !good) return refused(good.error(), "name");
    return std::monostate{};
  }
  Parsed<std::monostate> set_molecule(std::string_view value) {
    if (value != "protein" && value != "nucleotide")
      return wrong("molecule", "molecule: protein or nucleotide is needed, not '{}'", value.substr(0, 80));
    order_.request.molecule = value == "protein" ? blast::Molecule::protein : blast::Molecule::nucleotide;
    return std::monostate{};
  }
  Parsed<std::monostate> set_taxid(std::string_view value) {
    const auto taxid = number_of<std::int32_t>(value);
    if (!taxid || *taxid < 1)
      return wrong("taxid", "taxid: a whole number from 1 on is needed, not '{}'", value.substr(0, 80));
    order_.request.taxid = static_cast<std::uint32_t>(*taxid);
    return std::monostate{};
  }
  static Parsed<std::monostate> set_flag(std::string_view name, std::string_view value, bool& flag) {
    const auto read = truth(name, value);
    if (!read) return tl::unexpected(read.error());
    flag = *read;
    return std::monostate{};
  }

  BuildOrder& order_;
  std::vector<std::string> seen_;
};

/// Writes the files of a form to uploads. Its calls come on the blocking pool.
class Files final : public PartSink {
 public:
  Files(BuildOrder& order, Fields& fields, service::DatabaseWorks& works, const service::Caller& caller)
      : order_(order), fields_(fields), works_(works), caller_(caller) {}

  Status begin_part(PartHead head) override {
    name_ = std::move(head.name);
    value_.clear();
    file_ = nullptr;
    if (name_ != "sequences" && name_ != "taxid_map" && name_ != "masks") return ok();
    LOOM_TRY(auto upload, works_.begin_upload(caller_));
    if (name_ == "masks") {
      if (order_.masks.size() == kMostMasks)
        return blame(error(Code::invalid_argument, "masks: {} files at most", kMostMasks));
      file_ = order_.masks.emplace_back(std::move(upload)).get();
      return ok();
    }
    auto& place = name_ == "sequences" ? order_.sequences : order_.taxid_map;
    if (has(place)) return blame(error(Code::invalid_argument, "the file {} is given twice", name_));
    place = std::move(upload);
    file_ = place.get();
    return ok();
  }
  Status part_data(std::string_view bytes) override {
    if (file_ != nullptr) return file_->write(bytes);
    value_ += bytes;
    if (value_.size() <= kMostField) return ok();
    return blame(error(Code::too_large, "the field {} is over {} bytes", name_.substr(0, 80), kMostField));
  }
  Status end_part() override {
    if (file_ != nullptr) return ok();
    const auto set = fields_.set(name_, value_);
    if (set) return ok();
    refusal_ = set.error();
    return refusal_->error;
  }
  [[nodiscard]] Refusal refusal(Refusal otherwise) const { return refusal_.value_or(std::move(otherwise)); }

 private:
  static constexpr std::size_t kMostField = 4096;
  static bool has(const std::unique_ptr<QueryUpload>& file) { return file && file->size_bytes() > 0; }
  Status blame(Error why) {
    refusal_ = Refusal{why, name_};
    return why;
  }

  BuildOrder& order_;
  Fields& fields_;
  service::DatabaseWorks& works_;
  const service::Caller& caller_;
  std::string name_;
  std::string value_;
  QueryUpload* file_ = nullptr;  // of the part, if it is one
  std::optional<Refusal> refusal_;
};

/// Hands the body to `take` block by block, on the pool. What takes it tells why it does not.
template <class Take>
awaitable<Parsed<std::monostate>> read_blocks(http::Request& request, async::BlockingPool& blocking,
                                              Take& take) {
  std::string block(kBodyPiece, '\0');
  for (;;) {
    const auto came = co_await request.body->read_some(block);
    if (!came) co_return body_refused(came.error());
    if (*came == 0) co_return std::monostate{};
    const auto work = [&] { return take(std::string_view(block).substr(0, *came)); };
    const Status taken = co_await blocking.run(work);
    if (!taken) co_return refused(taken.error());
  }
}

}  // namespace

awaitable<Parsed<BuildOrder>> read_build_order(http::Request& request, service::Caller caller,
                                               service::DatabaseWorks& works, async::BlockingPool& blocking) {
  BuildOrder order;
  Fields fields(order);
  for (const auto& [name, value] : request.query) {
    const auto set = fields.set(name, value);
    if (!set) co_return tl::unexpected(set.error());
  }
  const bool form = has_type(request, kFormType);
  if (!form) {
    const auto whole = fields.check();
    if (!whole) co_return tl::unexpected(whole.error());
  }
  // First, so that who may not is told before he has sent a gigabyte.
  const auto begin = [&] { return works.begin_upload(caller); };
  auto upload = co_await blocking.run(begin);
  if (!upload) co_return refused(upload.error());
  order.sequences = *std::move(upload);
  if (!form) {
    const auto take = [&](std::string_view bytes) { return order.sequences->write(bytes); };
    const auto came = co_await read_blocks(request, blocking, take);
    if (!came) co_return tl::unexpected(came.error());
    co_return std::move(order);
  }
  auto boundary = MultipartParser::boundary_of(request.header("Content-Type"));
  if (!boundary) co_return refused(boundary.error());
  Files files(order, fields, works, caller);
  MultipartParser parser(*boundary, files);
  const auto take = [&](std::string_view bytes) { return parser.feed(bytes); };
  const auto came = co_await read_blocks(request, blocking, take);
  if (!came) co_return tl::unexpected(files.refusal(came.error()));
  const Status end = parser.finish();
  if (!end) co_return refused(end.error());
  const auto whole = fields.check();
  if (!whole) co_return tl::unexpected(whole.error());
  co_return std::move(order);
}

}  // namespace loom::api
