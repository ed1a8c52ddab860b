#pragma once
#include <filesystem>

#include "storage/object_store.hpp"

namespace loom::storage {

/// Objects as files below one folder: key "a/b" is the file ROOT/a/b. Several processes, on a shared folder
/// several machines, may use it at once. Written by AtomicFile: a put is whole or absent, also after kill -9
/// or loss of power. Files whose path is no valid key (hidden ones among them) are not seen. The deadline is
/// looked at between system calls; a disk that hangs in one is not interrupted.
/// A page of a listing costs about its own size, and the names in each folder on the way to it.
class FilesObjectStore final : public ObjectStore {
 public:
  /// Makes the folder if need be.
  static Result<std::unique_ptr<FilesObjectStore>> open(const std::filesystem::path& root);

  Status put(const ObjectKey& key, std::span<const std::byte> body, Deadline deadline) override;
  Result<std::vector<std::byte>> get(const ObjectKey& key, std::uint64_t max_bytes,
                                     Deadline deadline) override;
  Result<std::unique_ptr<ObjectReader>> open_reader(const ObjectKey& key, Deadline deadline) override;
  Result<std::unique_ptr<ObjectWriter>> open_writer(const ObjectKey& key, Deadline deadline) override;
  Result<ObjectInfo> stat(const ObjectKey& key, Deadline deadline) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::string_view after, std::size_t max_count,
                                       Deadline deadline) override;
  Status remove(const ObjectKey& key, Deadline deadline) override;

 private:
  explicit FilesObjectStore(std::filesystem::path root) : root_(std::move(root)) {}
  [[nodiscard]] std::filesystem::path path_of(const ObjectKey& key) const { return root_ / key.str(); }

  std::filesystem::path root_;  // absolute
};

}  // namespace loom::storage
