#include "http/serving/gzip.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>

#include "base/text.hpp"

namespace loom::http {
namespace {

constexpr int kLevel = 5;             // twice as fast as 6 on JSON, within 2 % of its size
constexpr int kGzipWindow = 15 + 16;  // zlib's way to ask for a gzip wrapper
constexpr std::size_t kMostKept = 64;

std::string_view cut(std::string_view& rest, char mark) {
  const auto end = std::min(rest.find(mark), rest.size());
  const auto piece = trimmed(rest.substr(0, end), kFieldBlanks);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

bool refused(std::string_view parameters) {
  while (!parameters.empty()) {
    const auto parameter = cut(parameters, ';');
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    const auto weight = parameter.substr(2);
    return weight.find_first_not_of("0.") == std::string_view::npos;
  }
  return false;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  bool any = false;
  while (!accept_encoding.empty()) {
    auto parameters = cut(accept_encoding, ',');
    const auto coding = cut(parameters, ';');
    if (boost::beast::iequals(coding, "gzip") || boost::beast::iequals(coding, "x-gzip")) {
      return !refused(parameters);
    }
    if (coding == "*") any = !refused(parameters);
  }
  return any;
}

bool compressible(std::string_view content_type) {
  const auto type = cut(content_type, ';');
  for (const std::string_view known : {"application/json", "application/xml", "application/javascript"}) {
    if (boost::beast::iequals(type, known)) return true;
  }
  return type.starts_with("text/") || type.ends_with("+json") || type.ends_with("+xml");
}

Gzip::~Gzip() {
  if (ready_) deflateEnd(&stream_);
}

Result<std::string> Gzip::compress(std::string_view text) {
  if (!ready_ && deflateInit2(&stream_, kLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return error(Code::out_of_memory, "no memory to compress a reply");
  }
  ready_ = true;
  deflateReset(&stream_);
  std::string out(deflateBound(&stream_, text.size()), '\0');
  // zlib takes the input by a pointer to non-const and does not write there.
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream_.avail_in = static_cast<uInt>(text.size());
  stream_.next_out = reinterpret_cast<Bytef*>(out.data());
  stream_.avail_out = static_cast<uInt>(out.size());
  if (text.size() > UINT32_MAX / 2 || deflate(&stream_, Z_FINISH) != Z_STREAM_END) {
    return error(Code::internal, "a reply of {} bytes could not be compressed", text.size());
  }
  out.resize(stream_.total_out);
  return out;
}

Result<std::shared_ptr<const std::string>> Gzip::compress_shared(
    const std::shared_ptr<const std::string>& text) {
  if (auto packed = kept(text)) return packed;
  LOOM_TRY(auto packed, compress(*text));
  auto shared = std::make_shared<const std::string>(std::move(packed));
  keep(text, shared);
  return shared;
}

std::shared_ptr<const std::string> Gzip::kept(const std::shared_ptr<const std::string>& text) const {
  // The address alone may have been used again by another body.
  const auto found = kept_.find(text.get());
  if (found == kept_.end() || found->second.of.lock() != text) return nullptr;
  return found->second.packed;
}

void Gzip::keep(const std::shared_ptr<const std::string>& text, std::shared_ptr<const std::string> packed) {
  if (kept_.size() >= kMostKept) forget_dead();
  kept_[text.get()] = Kept{text, std::move(packed)};
}

void Gzip::forget_dead() {
  std::erase_if(kept_, [](const auto& entry) { return entry.second.of.expired(); });
  if (kept_.size() >= kMostKept) kept_.clear();
}

}  // namespace loom::http
