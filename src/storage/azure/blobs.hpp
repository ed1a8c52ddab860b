#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/azure/blob_client.hpp"
#include "storage/azure/encoding.hpp"
#include "storage/azure/list_reply.hpp"
#include "storage/client_pool.hpp"
#include "storage/object_store.hpp"

namespace loom::storage::azure {

/// Under which condition a blob is written.
struct Condition {
  std::string if_match{};  ///< only over this ETag; "": over any
  bool if_absent = false;  ///< only where nothing is
};

struct BlobInfo {
  std::uint64_t size_bytes = 0;
  std::string etag{};
  std::optional<std::string> md5;  ///< of the whole, base64, if the service keeps it
  std::string writer{};            ///< the mark of who wrote it under a condition, or ""
};

/// Bytes of a blob from an offset on.
struct BlobPart {
  BlobInfo blob;
  std::vector<std::byte> bytes;
  bool checked = false;  ///< against an MD5 of these bytes
};

/// The operations of the Blob service on one container. Thread-safe. Blocking. Errors common to all: those of
/// BlobClient::send; forbidden; unavailable when the container is missing; not_found where said.
class Blobs {
 public:
  static constexpr std::uint64_t kMostPartBytes = 4U << 20U;  ///< the service gives an MD5 up to that

  Blobs(std::shared_ptr<ClientPool<BlobClient>> pool, Account account, const RetryPolicy& retry,
        std::string container);

  [[nodiscard]] const std::string& container() const { return container_; }

  /// Makes the container where the account may; finds out that it is there and may be listed.
  Status open_container(Deadline deadline);

  /// One request, whole or not at all; its ETag. `blob` and `body` are borrowed. Also: conflict, when the
  /// condition does not hold.
  Result<std::string> put(const ObjectKey& key, std::span<const std::byte> body, const Condition& condition,
                          Deadline deadline);

  /// Also: not_found.
  Result<BlobInfo> head(const ObjectKey& key, Deadline deadline);

  /// At most `max_bytes` (1 to kMostPartBytes) from `offset` on; fewer only at the end of the blob. With
  /// `etag`, of that version only. Damage is asked for again. Also: not_found; conflict when there is another
  /// version; corrupt when the bytes come damaged each time.
  Result<BlobPart> get(const ObjectKey& key, std::uint64_t offset, std::uint64_t max_bytes,
                       const std::string& etag, Deadline deadline);

  /// Nothing is removed when nothing is there.
  Status remove(const ObjectKey& key, Deadline deadline);

  /// Blobs whose name begins with `prefix`, from `marker` ("": the first) on; at most `max_count`, often
  /// fewer.
  Result<BlobPage> list(std::string_view prefix, std::string_view marker, std::size_t max_count,
                        Deadline deadline);

  /// A part of a blob to be; it does not show before commit().
  Status put_block(const ObjectKey& key, const std::string& id, std::span<const std::byte> body,
                   Deadline deadline);
  /// Those that are not committed; none when there is no such blob.
  Result<std::vector<Block>> uncommitted(const ObjectKey& key, Deadline deadline);
  /// Puts the blob together; its ETag. Also: conflict, when the condition does not hold or a
  /// block is gone because another writer was here.
  Result<std::string> commit(const ObjectKey& key, const std::vector<std::string>& ids, const Md5Digest& md5,
                             const Condition& condition, Deadline deadline);

 private:
  Request request(std::string method, const ObjectKey& key) const;
  Error refused(const Reply& reply, const Request& request, std::string_view key) const;
  Result<std::string> written(Request& request, const ObjectKey& key, const Condition& condition,
                              Deadline deadline);
  Result<BlobPart> try_get(const ObjectKey& key, std::uint64_t offset, std::uint64_t max_bytes,
                           const std::string& etag, Deadline deadline);

  Result<Reply> send(const Request& request, Deadline deadline) const;

  std::shared_ptr<ClientPool<BlobClient>> pool_;
  Account account_;
  RetryPolicy retry_;
  ClientKey client_key_;
  std::string container_;
};

}  // namespace loom::storage::azure
