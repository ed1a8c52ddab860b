#include "testkit/faulty_object_store.hpp"

namespace loom::testkit {
namespace {

using storage::ObjectInfo;
using storage::ObjectKey;
using storage::ObjectReader;
using storage::ObjectWriter;

class FaultyReader final : public ObjectReader {
 public:
  FaultyReader(std::unique_ptr<ObjectReader> inner, FaultPlan& plan)
      : inner_(std::move(inner)), plan_(plan) {}
  Result<std::size_t> read(std::span<std::byte> into, Deadline deadline) override {
    LOOM_CHECKED(plan_.next("read"));
    return inner_->read(into, deadline);
  }
  Status skip(std::uint64_t count, Deadline deadline) override {
    LOOM_CHECKED(plan_.next("skip"));
    return inner_->skip(count, deadline);
  }

 private:
  std::unique_ptr<ObjectReader> inner_;
  FaultPlan& plan_;
};

class FaultyWriter final : public ObjectWriter {
 public:
  FaultyWriter(std::unique_ptr<ObjectWriter> inner, FaultPlan& plan)
      : inner_(std::move(inner)), plan_(plan) {}
  Status write(std::span<const std::byte> bytes, Deadline deadline) override {
    LOOM_CHECKED(plan_.next("write"));
    return inner_->write(bytes, deadline);
  }
  Status commit(Deadline deadline) override {
    LOOM_CHECKED(plan_.next("commit"));
    return inner_->commit(deadline);
  }

 private:
  std::unique_ptr<ObjectWriter> inner_;
  FaultPlan& plan_;
};

}  // namespace

Status FaultyObjectStore::put(const ObjectKey& key, std::span<const std::byte> body, Deadline deadline) {
  LOOM_CHECKED(plan_.next("put"));
  return inner_.put(key, body, deadline);
}

Result<std::vector<std::byte>> FaultyObjectStore::get(const ObjectKey& key, std::uint64_t max_bytes,
                                                      Deadline deadline) {
  LOOM_CHECKED(plan_.next("get"));
  return inner_.get(key, max_bytes, deadline);
}

Result<std::unique_ptr<ObjectReader>> FaultyObjectStore::open_reader(const ObjectKey& key,
                                                                     Deadline deadline) {
  LOOM_CHECKED(plan_.next("open_reader"));
  LOOM_TRY(auto reader, inner_.open_reader(key, deadline));
  return std::make_unique<FaultyReader>(std::move(reader), plan_);
}

Result<std::unique_ptr<ObjectWriter>> FaultyObjectStore::open_writer(const ObjectKey& key,
                                                                     Deadline deadline) {
  LOOM_CHECKED(plan_.next("open_writer"));
  LOOM_TRY(auto writer, inner_.open_writer(key, deadline));
  return std::make_unique<FaultyWriter>(std::move(writer), plan_);
}

Result<ObjectInfo> FaultyObjectStore::stat(const ObjectKey& key, Deadline deadline) {
  LOOM_CHECKED(plan_.next("stat"));
  return inner_.stat(key, deadline);
}

Result<std::vector<ObjectInfo>> FaultyObjectStore::list(std::string_view prefix, std::string_view after,
                                                        std::size_t max_count, Deadline deadline) {
  LOOM_CHECKED(plan_.next("list"));
  return inner_.list(prefix, after, max_count, deadline);
}

Status FaultyObjectStore::remove(const ObjectKey& key, Deadline deadline) {
  LOOM_CHECKED(plan_.next("remove"));
  return inner_.remove(key, deadline);
}

}  // namespace loom::testkit
