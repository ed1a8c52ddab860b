#pragma once
#include <list>
#include <memory>
#include <set>
#include <string>

#include "base/mutex.hpp"
#include "storage/azure/blobs.hpp"
#include "storage/azure/upload_pool.hpp"
#include "storage/object_store.hpp"

namespace loom::storage::azure {

struct Tuning {
  RetryPolicy retry;
  std::size_t block_bytes = 4U << 20U;  ///< larger objects go in blocks of that; 1 byte to 100 MiB
  std::size_t upload_threads = 4;       ///< of the whole store
  std::shared_ptr<ClientPool<BlobClient>> clients{};  ///< shared with other stores; null: one of its own
};

/// Objects as block blobs of one container: key "a/b" is the blob "a/b". Several processes on several
/// machines may use it at once. Every byte is checked by an MD5, on its way there by the service and back by
/// us. Blobs whose names are no valid keys are not seen. What differs from files/:
/// - Two processes that put "a" and "a/b" at the same moment may both succeed.
/// - Containers with a hierarchical namespace order their blobs otherwise: list() refuses them.
class AzureObjectStore final : public ObjectStore {
 public:
  /// Checks the settings before any URL is made, and that the container is there; with an account key it is
  /// made. Blocking. Errors: invalid_argument, naming the setting; those of Blobs.
  static Result<std::unique_ptr<AzureObjectStore>> open(const Settings& settings, const Tuning& tuning,
                                                        Deadline deadline);

  Status put(const ObjectKey& key, std::span<const std::byte> body, Deadline deadline) override;
  Result<std::vector<std::byte>> get(const ObjectKey& key, std::uint64_t max_bytes,
                                     Deadline deadline) override;
  Result<std::unique_ptr<ObjectReader>> open_reader(const ObjectKey& key, Deadline deadline) override;
  Result<std::unique_ptr<ObjectWriter>> open_writer(const ObjectKey& key, Deadline deadline) override;
  Result<ObjectInfo> stat(const ObjectKey& key, Deadline deadline) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::string_view after, std::size_t max_count,
                                       Deadline deadline) override;
  Status remove(const ObjectKey& key, Deadline deadline) override;

  /// As put, of at most one block, under a condition; the new ETag. Also: conflict, when it does not hold.
  Result<std::string> put_if(const ObjectKey& key, std::span<const std::byte> body,
                             const Condition& condition, Deadline deadline);
  /// What there is, with its ETag. Also: not_found.
  Result<BlobInfo> info(const ObjectKey& key, Deadline deadline) { return blobs_.head(key, deadline); }

 private:
  friend class AzureWriter;
  AzureObjectStore(Account account, const std::string& container, const Tuning& tuning);

  Status refuse_folder(const ObjectKey& key, Deadline deadline);
  void remember_folders(const ObjectKey& key);
  void forget_folders(const ObjectKey& key);

  /// Where a list that ended at a key goes on: the service only knows its own markers.
  struct Bookmark {
    std::string prefix;
    std::string after;
    std::string marker;
  };
  std::string marker_behind(std::string_view prefix, std::string_view after);
  void keep_marker(std::string_view prefix, const std::string& after, std::string marker);

  Blobs blobs_;
  UploadPool pool_;
  std::size_t block_bytes_;
  Mutex mutex_;
  std::list<Bookmark> bookmarks_ GUARDED_BY(mutex_);               ///< the newest first
  std::set<std::string, std::less<>> folders_ GUARDED_BY(mutex_);  ///< that hold an object of ours
};

}  // namespace loom::storage::azure
