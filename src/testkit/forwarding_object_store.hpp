#pragma once
#include "storage/object_store.hpp"

namespace loom::testkit {

/// Passes all calls on to `inner`, which is borrowed: a test overrides those that it watches or holds.
/// Thread-safe as `inner` is.
class ForwardingObjectStore : public storage::ObjectStore {
 public:
  explicit ForwardingObjectStore(storage::ObjectStore& inner) : inner_(inner) {}

  Status put(const storage::ObjectKey& key, std::span<const std::byte> body, Deadline deadline) override {
    return inner_.put(key, body, deadline);
  }
  Result<std::vector<std::byte>> get(const storage::ObjectKey& key, std::uint64_t max_bytes,
                                     Deadline deadline) override {
    return inner_.get(key, max_bytes, deadline);
  }
  Result<std::unique_ptr<storage::ObjectReader>> open_reader(const storage::ObjectKey& key,
                                                             Deadline deadline) override {
    return inner_.open_reader(key, deadline);
  }
  Result<std::unique_ptr<storage::ObjectWriter>> open_writer(const storage::ObjectKey& key,
                                                             Deadline deadline) override {
    return inner_.open_writer(key, deadline);
  }
  Result<storage::ObjectInfo> stat(const storage::ObjectKey& key, Deadline deadline) override {
    return inner_.stat(key, deadline);
  }
  Result<std::vector<storage::ObjectInfo>> list(std::string_view prefix, std::string_view after,
                                                std::size_t max_count, Deadline deadline) override {
    return inner_.list(prefix, after, max_count, deadline);
  }
  Status remove(const storage::ObjectKey& key, Deadline deadline) override {
    return inner_.remove(key, deadline);
  }

 private:
  storage::ObjectStore& inner_;
};

}  // namespace loom::testkit
