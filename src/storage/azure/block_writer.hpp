#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.hpp"
#include "storage/azure/blobs.hpp"
#include "storage/azure/upload_pool.hpp"

namespace loom::storage::azure {

/// Writes a blob of any size up to kMostBlocks blocks: one that fits a block in one request, a larger one in
/// blocks, several at once. A block's id is its number, its MD5 and its size, so that a writer of the same
/// bytes goes on where one that failed, or whose process was killed, stopped: the service keeps such blocks
/// for a week. Two writers of one key at once: the first to commit may take the other one's blocks
/// away, whose commit is then a conflict.
class BlockWriter {
 public:
  /// References are borrowed. `block_bytes`: 1 byte to 100 MiB.
  BlockWriter(Blobs& blobs, UploadPool& pool, ObjectKey key, std::size_t block_bytes);
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;
  /// Waits for the uploads under way; without commit() nothing shows.
  ~BlockWriter();

  /// Appends. Also: too_large, past what blocks can hold.
  Status write(std::span<const std::byte> bytes, Deadline deadline);
  /// Once.
  Status commit(Deadline deadline);

 private:
  Status end_block(Deadline deadline);
  Status upload(std::string id, std::vector<std::byte> bytes, Deadline deadline);
  void uploaded(Status done);
  Status wait_for_uploads();
  [[nodiscard]] std::size_t block_bytes() const;

  Blobs& blobs_;
  UploadPool& pool_;
  const ObjectKey key_;
  const std::size_t block_bytes_;
  std::vector<std::byte> buffer_;
  std::vector<std::string> ids_;
  std::optional<std::map<std::string, std::uint64_t>>
      there_;  ///< ids and sizes; looked up for the first block
  Md5 md5_;
  Mutex mutex_;
  CondVar changed_;
  std::size_t under_way_ GUARDED_BY(mutex_) = 0;
  std::optional<Error> failed_ GUARDED_BY(mutex_);
};

}  // namespace loom::storage::azure
