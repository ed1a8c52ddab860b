#include "storage/read_budget.hpp"

#include <algorithm>
#include <array>

namespace loom::storage {
namespace {

class BudgetReader final : public ObjectReader {
 public:
  BudgetReader(std::unique_ptr<ObjectReader> inner, ObjectKey key, std::uint64_t max_bytes,
               std::shared_ptr<ReadBudget> budget)
      : inner_(std::move(inner)), key_(std::move(key)), max_bytes_(max_bytes), budget_(std::move(budget)) {}

  Result<std::size_t> read(std::span<std::byte> into, Deadline deadline) override {
    const auto allowed = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), max_bytes_ - read_));
    LOOM_TRY(const std::size_t got, inner_->read(into.first(allowed), deadline));
    read_ += got;
    LOOM_CHECKED(budget_->take(key_, got));
    if (got == allowed && allowed < into.size()) LOOM_CHECKED(must_end(deadline));
    return got;
  }

  Status skip(std::uint64_t count, Deadline deadline) override { return inner_->skip(count, deadline); }

 private:
  Status must_end(Deadline deadline) {
    std::array<std::byte, 1> more{};
    LOOM_TRY(const std::size_t got, inner_->read(more, deadline));
    if (got == 0) return ok();
    return error(Code::too_large, "object '{}' has more than the {} bytes that this read allows", key_.str(),
                 max_bytes_);
  }

  std::unique_ptr<ObjectReader> inner_;
  ObjectKey key_;
  std::uint64_t max_bytes_;
  std::uint64_t read_ = 0;
  std::shared_ptr<ReadBudget> budget_;
};

}  // namespace

Error ReadBudget::exhausted(const Error& cause) const {
  return error(Code::too_large,
               "{}; all reads of this request may have {} bytes together, of which {} are left",
               cause.message, all_, left());
}

Status ReadBudget::take(const ObjectKey& key, std::uint64_t bytes) {
  for (std::uint64_t left = left_.load();;) {
    if (bytes > left)
      return exhausted(error(Code::too_large, "object '{}': {} bytes are too many", key.str(), bytes));
    if (left_.compare_exchange_weak(left, left - bytes)) return ok();
  }
}

Result<std::vector<std::byte>> get(ObjectStore& store, const ObjectKey& key, std::uint64_t max_bytes,
                                   ReadBudget& budget, Deadline deadline) {
  const std::uint64_t left = budget.left();
  auto bytes = store.get(key, std::min(max_bytes, left), deadline);
  if (!bytes) {
    const bool ours = bytes.error().code == Code::too_large && left < max_bytes;
    return ours ? budget.exhausted(bytes.error()) : std::move(bytes.error());
  }
  LOOM_CHECKED(budget.take(key, bytes->size()));
  return bytes;
}

Result<std::unique_ptr<ObjectReader>> open_reader(ObjectStore& store, const ObjectKey& key,
                                                  std::uint64_t max_bytes, std::shared_ptr<ReadBudget> budget,
                                                  Deadline deadline) {
  LOOM_TRY(auto reader, store.open_reader(key, deadline));
  return std::make_unique<BudgetReader>(std::move(reader), key, max_bytes, std::move(budget));
}

}  // namespace loom::storage
