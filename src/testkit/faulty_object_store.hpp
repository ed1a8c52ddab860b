#pragma once
#include <memory>

#include "storage/object_store.hpp"
#include "testkit/fault_plan.hpp"

namespace loom::testkit {

/// Passes calls on to `inner`, except that call number `fail_at` fails without reaching it. Calls of its
/// readers and writers count too. Walk fail_at upwards until a run succeeds, and every call has failed once.
class FaultyObjectStore final : public storage::ObjectStore {
 public:
  FaultyObjectStore(storage::ObjectStore& inner, int fail_at, Code code = Code::unavailable)
      : inner_(inner), plan_(fail_at, code) {}

  [[nodiscard]] int calls() const { return plan_.calls(); }

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
  storage::ObjectStore& inner_;
  FaultPlan plan_;
};

}  // namespace loom::testkit
