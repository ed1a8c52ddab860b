#include "storage/azure/blobs.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/check.hpp"
#include "base/log.hpp"
#include "base/number.hpp"
#include "base/random.hpp"

namespace loom::storage::azure {
namespace {

constexpr std::uint64_t kMostListBytes = 32U << 20U;
constexpr int kDamagedReadings = 3;  // of bytes that come damaged
constexpr std::size_t kMostListed = 5000;
constexpr std::string_view kWriterHeader = "x-ms-meta-loomwriter";

/// "bytes 0-9/100": 0 and 100.
struct ContentRange {
  std::uint64_t first;
  std::uint64_t total;
};
std::optional<ContentRange> parse_content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const std::size_t slash = text.find('/');
  const std::size_t hyphen = text.find('-');
  if (slash == std::string_view::npos || hyphen == std::string_view::npos || hyphen > slash)
    return std::nullopt;
  const auto first = number_of<std::uint64_t>(text.substr(0, hyphen));
  const auto total = number_of<std::uint64_t>(text.substr(slash + 1));
  if (!first || !total) return std::nullopt;
  return ContentRange{*first, *total};
}

std::optional<std::string> text_or_none(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

/// Of where the account is and what is used with it; a digest in place of the secret.
ClientKey key_of(const Account& account) {
  const std::string& secret = account.key.empty() ? account.sas : account.key;
  return ClientKey(fmt::format("{}{} {} {} {}", account.origin, account.base_path, account.name,
                               account.ca_file, hmac_sha256_base64(secret, "client")));
}

Error changed(const ObjectKey& key) {
  return error(Code::conflict, "object '{}' was replaced while it was read; read it again", key.str());
}

}  // namespace

Blobs::Blobs(std::shared_ptr<ClientPool<BlobClient>> pool, Account account, const RetryPolicy& retry,
             std::string container)
    : pool_(std::move(pool)),
      account_(std::move(account)),
      retry_(retry),
      client_key_(key_of(account_)),
      container_(std::move(container)) {}

Result<Reply> Blobs::send(const Request& request, Deadline deadline) const {
  const auto client =
      pool_->acquire(client_key_, [this] { return std::make_shared<BlobClient>(account_, retry_); });
  return client->send(request, deadline);
}

Request Blobs::request(std::string method, const ObjectKey& key) const {
  return {.method = std::move(method), .path = "/" + container_ + "/" + percent_encode(key.str(), true)};
}

Error Blobs::refused(const Reply& reply, const Request& request, std::string_view key) const {
  const std::string_view code = reply.error_code();
  const std::string& account = account_.name;
  if (code == "ContainerNotFound" || code == "ContainerBeingDeleted")
    return error(Code::unavailable, "Azure account '{}' has no container '{}'; make it, or name another",
                 account, container_);
  if (reply.status == 404) return error(Code::not_found, "no object '{}'", key);
  if (reply.status == 401 || reply.status == 403)
    return error(
        Code::forbidden,
        "Azure account '{}' refuses the {} of '{}' ({} {}); check the key or SAS, its permissions and "
        "expiry, and this machine's clock",
        account, request.method, key, reply.status, code);
  if (reply.status == 409 || reply.status == 412)
    return error(Code::conflict, "object '{}': the store refuses the {}: {}", key, request.method, code);
  if (code == "InvalidBlockList")
    return error(Code::conflict, "object '{}': another writer replaced its parts; write it again", key);
  if (reply.status == 413) return error(Code::too_large, "object '{}' is too large for one request", key);
  // Azure's support asks for the request's id. It stands in the log alone, for the same error is to have the
  // same words.
  log::write(log::Level::warning, "azure.failed",
             {{"method", request.method},
              {"key", key},
              {"status", reply.status},
              {"code", code},
              {"request", reply.header("x-ms-request-id")}});
  return error(Code::internal, "Azure account '{}': {} of '{}': HTTP {} {}", account, request.method, key,
               reply.status, code);
}

Status Blobs::open_container(Deadline deadline) {
  const auto listed = list("", "", 1, deadline);
  if (listed || account_.key.empty()) {
    if (listed) return ok();
    return listed.error();
  }
  if (listed.error().code != Code::unavailable ||
      listed.error().message.find("has no container") == std::string::npos)
    return listed.error();
  const Request make{.method = "PUT", .path = "/" + container_, .query = {{"restype", "container"}}};
  LOOM_TRY(const Reply reply, send(make, deadline));
  if (!reply.success() && reply.error_code() != "ContainerAlreadyExists")
    return refused(reply, make, container_);
  return ok();
}

/// Sends a write. One whose reply got lost is known by its mark when the next attempt finds it done.
Result<std::string> Blobs::written(Request& request, const ObjectKey& key, const Condition& condition,
                                   Deadline deadline) {
  const bool conditional = condition.if_absent || !condition.if_match.empty();
  const std::string mark = conditional ? random_token() : std::string();
  if (conditional) request.headers.emplace(kWriterHeader, mark);
  if (condition.if_absent) request.headers["if-none-match"] = "*";
  if (!condition.if_match.empty()) request.headers["if-match"] = condition.if_match;
  LOOM_TRY(const Reply reply, send(request, deadline));
  if (reply.success()) return std::string(reply.header("etag"));
  if (conditional && reply.sent_before && (reply.status == 409 || reply.status == 412)) {
    const auto there = head(key, deadline);
    if (there && there->writer == mark) return there->etag;
  }
  return refused(reply, request, key.str());
}

Result<std::string> Blobs::put(const ObjectKey& key, std::span<const std::byte> body,
                               const Condition& condition, Deadline deadline) {
  Request put = request("PUT", key);
  put.body = body;
  put.headers = {{"x-ms-blob-type", "BlockBlob"},
                 {"content-md5", base64(Md5::of(body))},
                 {"content-type", "application/octet-stream"}};
  return written(put, key, condition, deadline);
}

Result<BlobInfo> Blobs::head(const ObjectKey& key, Deadline deadline) {
  const Request head = request("HEAD", key);
  LOOM_TRY(const Reply reply, send(head, deadline));
  if (!reply.success()) return refused(reply, head, key.str());
  const auto size = number_of<std::uint64_t>(reply.header("content-length"));
  if (!size) return error(Code::corrupt, "object '{}': the store does not tell its size", key.str());
  return BlobInfo{.size_bytes = *size,
                  .etag = std::string(reply.header("etag")),
                  .md5 = text_or_none(reply.header("content-md5")),
                  .writer = std::string(reply.header(kWriterHeader))};
}

Result<BlobPart> Blobs::get(const ObjectKey& key, std::uint64_t offset, std::uint64_t max_bytes,
                            const std::string& etag, Deadline deadline) {
  LOOM_CHECK(max_bytes > 0 && max_bytes <= kMostPartBytes, "a part has 1 byte to 4 MiB");
  for (int reading = 1;; ++reading) {
    auto part = try_get(key, offset, max_bytes, etag, deadline);
    if (part || part.error().code != Code::corrupt || reading == kDamagedReadings) return part;
  }
}

Result<BlobPart> Blobs::try_get(const ObjectKey& key, std::uint64_t offset, std::uint64_t max_bytes,
                                const std::string& etag, Deadline deadline) {
  Request get = request("GET", key);
  get.max_reply_bytes = kMostPartBytes;
  get.headers = {{"x-ms-range", fmt::format("bytes={}-{}", offset, offset + max_bytes - 1)},
                 {"x-ms-range-get-content-md5", "true"}};
  if (!etag.empty()) get.headers["if-match"] = etag;
  LOOM_TRY(Reply reply, send(get, deadline));
  if (reply.status == 412) return changed(key);
  if (reply.status == 416) {  // at or past the end: of an empty blob too
    LOOM_TRY(BlobInfo blob, head(key, deadline));
    if (!etag.empty() && blob.etag != etag) return changed(key);
    return BlobPart{.blob = std::move(blob), .bytes = {}, .checked = true};
  }
  if (!reply.success()) return refused(reply, get, key.str());
  const auto range = parse_content_range(reply.header("content-range"));
  if (reply.status != 206 || !range || range->first != offset || range->total < offset ||
      reply.body.size() != std::min(max_bytes, range->total - offset))
    return error(Code::corrupt,
                 "object '{}': the store gave other bytes than those asked for, {} of them at {}", key.str(),
                 reply.body.size(), offset);
  if (!etag.empty() && reply.header("etag") != etag) return changed(key);
  BlobPart part{.blob = {.size_bytes = range->total,
                         .etag = std::string(reply.header("etag")),
                         .md5 = text_or_none(reply.header("x-ms-blob-content-md5")),
                         .writer = {}},
                .bytes = std::move(reply.body)};
  const std::string_view md5 = reply.header("content-md5");
  const bool whole = part.bytes.size() == range->total;
  const std::string_view wanted =
      !md5.empty() || !whole || !part.blob.md5 ? md5 : std::string_view(*part.blob.md5);
  if (wanted.empty()) return part;
  if (base64(Md5::of(part.bytes)) != wanted)
    return error(Code::corrupt,
                 "object '{}': {} bytes at {} came damaged: their MD5 is not the one the store sent",
                 key.str(), part.bytes.size(), offset);
  part.checked = true;
  return part;
}

Status Blobs::remove(const ObjectKey& key, Deadline deadline) {
  Request remove = request("DELETE", key);
  remove.headers["x-ms-delete-snapshots"] = "include";
  LOOM_TRY(const Reply reply, send(remove, deadline));
  if (reply.success() || (reply.status == 404 && reply.error_code() != "ContainerNotFound")) return ok();
  return refused(reply, remove, key.str());
}

Result<BlobPage> Blobs::list(std::string_view prefix, std::string_view marker, std::size_t max_count,
                             Deadline deadline) {
  Request list{.method = "GET",
               .path = "/" + container_,
               .query = {{"restype", "container"},
                         {"comp", "list"},
                         {"maxresults", fmt::to_string(std::min(max_count, kMostListed))}},
               .max_reply_bytes = kMostListBytes};
  if (!prefix.empty()) list.query["prefix"] = prefix;
  if (!marker.empty()) list.query["marker"] = marker;
  LOOM_TRY(const Reply reply, send(list, deadline));
  if (!reply.success()) return refused(reply, list, container_);
  auto page = parse_blob_page(reply.body);
  if (!page) return page.error().at(fmt::format("list Azure container '{}'", container_));
  return page;
}

Status Blobs::put_block(const ObjectKey& key, const std::string& id, std::span<const std::byte> body,
                        Deadline deadline) {
  Request put = request("PUT", key);
  put.query = {{"comp", "block"}, {"blockid", id}};
  put.body = body;
  put.headers = {{"content-md5", base64(Md5::of(body))}};
  LOOM_TRY(const Reply reply, send(put, deadline));
  if (!reply.success()) return refused(reply, put, key.str());
  return ok();
}

Result<std::vector<Block>> Blobs::uncommitted(const ObjectKey& key, Deadline deadline) {
  Request get = request("GET", key);
  get.query = {{"comp", "blocklist"}, {"blocklisttype", "uncommitted"}};
  get.max_reply_bytes = kMostListBytes;
  LOOM_TRY(const Reply reply, send(get, deadline));
  if (reply.status == 404 && reply.error_code() != "ContainerNotFound") return std::vector<Block>();
  if (!reply.success()) return refused(reply, get, key.str());
  return parse_uncommitted_blocks(reply.body);
}

Result<std::string> Blobs::commit(const ObjectKey& key, const std::vector<std::string>& ids,
                                  const Md5Digest& md5, const Condition& condition, Deadline deadline) {
  std::string list = R"(<?xml version="1.0" encoding="utf-8"?><BlockList>)";
  for (const std::string& id : ids) list += "<Latest>" + id + "</Latest>";
  list += "</BlockList>";
  Request put = request("PUT", key);
  put.query = {{"comp", "blocklist"}};
  put.body = std::as_bytes(std::span(list));
  put.headers = {{"content-md5", base64(Md5::of(put.body))},
                 {"content-type", "application/xml"},
                 {"x-ms-blob-content-md5", base64(md5)},
                 {"x-ms-blob-content-type", "application/octet-stream"}};
  return written(put, key, condition, deadline);
}

}  // namespace loom::storage::azure
