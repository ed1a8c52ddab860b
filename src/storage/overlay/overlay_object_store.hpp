#pragma once
#include "storage/object_store.hpp"

namespace loom::storage {

/// The objects of another store, which is only read, under those that were put here: these count where both
/// have a key. What is removed here shows the other's again, if it has one. Both are borrowed. A key of one
/// store must not be a folder of one of the other.
class OverlayObjectStore final : public ObjectStore {
 public:
  OverlayObjectStore(ObjectStore& under, ObjectStore& own) : under_(under), own_(own) {}

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
  ObjectStore& under_;
  ObjectStore& own_;
};

}  // namespace loom::storage
