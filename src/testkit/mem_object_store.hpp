#pragma once
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "base/mutex.hpp"
#include "storage/object_store.hpp"

namespace loom::testkit {

/// Objects in memory, with the whole contract of ObjectStore. The deadline is compared with `clock`.
class MemObjectStore final : public storage::ObjectStore {
 public:
  explicit MemObjectStore(const Clock& clock = steady_clock()) : clock_(clock) {}

  [[nodiscard]] bool contains(std::string_view key);

  Status put(const storage::ObjectKey& key, std::span<const std::byte> body, Deadline deadline) override;
  Result<std::vector<std::byte>> get(const storage::ObjectKey& key, std::uint64_t max_bytes,
                                     Deadline deadline) override;
  Result<std::unique_ptr<storage::ObjectReader>> open_reader(const storage::ObjectKey& key,
                                                             Deadline deadline) override;
  Result<std::unique_ptr<storage::ObjectWriter>> open_writer(const storage::ObjectKey& key,
                                                             Deadline deadline) override;
  Result<storage::ObjectInfo> stat(const storage::ObjectKey& key, Deadline deadline) override;
  Result<std::vector<storage::ObjectInfo>> list(std::string_view prefix, std::string_view after,
                                                std::size_t max_count, Deadline deadline) override;
  Status remove(const storage::ObjectKey& key, Deadline deadline) override;

 private:
  /// Shared, so that a reader keeps the bytes it was opened on.
  using Body = std::shared_ptr<const std::vector<std::byte>>;
  struct Object {
    Body body;
    std::string version;
  };
  [[nodiscard]] Status in_time(Deadline deadline) const;
  Result<Object> find(const storage::ObjectKey& key) EXCLUDES(mutex_);

  const Clock& clock_;
  Mutex mutex_;
  std::map<storage::ObjectKey, Object> objects_ GUARDED_BY(mutex_);
  std::uint64_t puts_ GUARDED_BY(mutex_) = 0;
};

}  // namespace loom::testkit
