#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "storage/object_store.hpp"

namespace loom::storage {

/// How many bytes all reads of one request may bring in together. Thread-safe.
class ReadBudget {
 public:
  explicit ReadBudget(std::uint64_t bytes) : all_(bytes), left_(bytes) {}

  [[nodiscard]] std::uint64_t left() const { return left_.load(); }
  /// Takes `bytes`, or nothing. Errors: too_large, naming `key` and both limits.
  Status take(const ObjectKey& key, std::uint64_t bytes);
  /// What is said when `cause`, about one object, comes from there being too little left.
  [[nodiscard]] Error exhausted(const Error& cause) const;

 private:
  std::uint64_t all_;
  std::atomic<std::uint64_t> left_;
};

/// As ObjectStore::get, out of a request's budget: too_large as well when too little is left, and then
/// nothing is taken. Reads of one request that run at once are each held to what is left when they begin:
/// together they may bring in more, and the last to end fails.
Result<std::vector<std::byte>> get(ObjectStore& store, const ObjectKey& key, std::uint64_t max_bytes,
                                   ReadBudget& budget, Deadline deadline);

/// As ObjectStore::open_reader, for a request that keeps what it reads. Its read() fails with too_large where
/// the object goes on past `max_bytes` or past what is left of the budget (shared), never with an early end.
Result<std::unique_ptr<ObjectReader>> open_reader(ObjectStore& store, const ObjectKey& key,
                                                  std::uint64_t max_bytes, std::shared_ptr<ReadBudget> budget,
                                                  Deadline deadline);

}  // namespace loom::storage
