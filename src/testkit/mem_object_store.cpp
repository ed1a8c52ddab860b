#include "testkit/mem_object_store.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace loom::testkit {
namespace {

using storage::ObjectInfo;
using storage::ObjectKey;
using storage::ObjectReader;
using storage::ObjectWriter;

class MemReader final : public ObjectReader {
 public:
  MemReader(std::shared_ptr<const std::vector<std::byte>> body, const Clock& clock)
      : body_(std::move(body)), clock_(clock) {}

  Result<std::size_t> read(std::span<std::byte> into, Deadline deadline) override {
    if (deadline.passed(clock_)) return error(Code::timed_out, "the deadline passed");
    const std::size_t count = std::min(into.size(), body_->size() - at_);
    std::copy_n(body_->begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    return count;
  }

 private:
  std::shared_ptr<const std::vector<std::byte>> body_;
  const Clock& clock_;
  std::size_t at_ = 0;
};

class MemWriter final : public ObjectWriter {
 public:
  MemWriter(MemObjectStore& store, ObjectKey key, const Clock& clock)
      : store_(store), key_(std::move(key)), clock_(clock) {}

  Status write(std::span<const std::byte> bytes, Deadline deadline) override {
    if (deadline.passed(clock_)) return error(Code::timed_out, "the deadline passed");
    body_.insert(body_.end(), bytes.begin(), bytes.end());
    return ok();
  }

  Status commit(Deadline deadline) override { return store_.put(key_, body_, deadline); }

 private:
  MemObjectStore& store_;
  ObjectKey key_;
  const Clock& clock_;
  std::vector<std::byte> body_;
};

}  // namespace

Status MemObjectStore::in_time(Deadline deadline) const {
  if (!deadline.passed(clock_)) return ok();
  return error(Code::timed_out, "the deadline passed");
}

bool MemObjectStore::contains(std::string_view key) {
  const auto parsed = ObjectKey::parse(key);
  const MutexLock lock(mutex_);
  return parsed && objects_.contains(*parsed);
}

Result<MemObjectStore::Object> MemObjectStore::find(const ObjectKey& key) {
  const MutexLock lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return storage::no_such_object(key);
  return found->second;
}

Status MemObjectStore::put(const ObjectKey& key, std::span<const std::byte> body, Deadline deadline) {
  LOOM_CHECKED(in_time(deadline));
  const MutexLock lock(mutex_);
  for (const auto& [other, ignored] : objects_) {
    if (other.str().starts_with(key.str() + '/') || key.str().starts_with(other.str() + '/')) {
      return storage::key_in_the_way(key);
    }
  }
  objects_.insert_or_assign(key, Object{std::make_shared<std::vector<std::byte>>(body.begin(), body.end()),
                                        fmt::to_string(++puts_)});
  return ok();
}

Result<std::vector<std::byte>> MemObjectStore::get(const ObjectKey& key, std::uint64_t max_bytes,
                                                   Deadline deadline) {
  LOOM_CHECKED(in_time(deadline));
  LOOM_TRY(const Object found, find(key));
  const auto& body = *found.body;
  if (body.size() > max_bytes) return storage::object_too_large(key, body.size(), max_bytes);
  return body;
}

Result<std::unique_ptr<ObjectReader>> MemObjectStore::open_reader(const ObjectKey& key, Deadline deadline) {
  LOOM_CHECKED(in_time(deadline));
  LOOM_TRY(Object found, find(key));
  return std::make_unique<MemReader>(std::move(found.body), clock_);
}

Result<std::unique_ptr<ObjectWriter>> MemObjectStore::open_writer(const ObjectKey& key, Deadline deadline) {
  LOOM_CHECKED(in_time(deadline));
  return std::make_unique<MemWriter>(*this, key, clock_);
}

Result<ObjectInfo> MemObjectStore::stat(const ObjectKey& key, Deadline deadline) {
  LOOM_CHECKED(in_time(deadline));
  LOOM_TRY(Object found, find(key));
  return ObjectInfo{key, found.body->size(), std::move(found.version)};
}

Result<std::vector<ObjectInfo>> MemObjectStore::list(std::string_view prefix, std::string_view after,
                                                     std::size_t max_count, Deadline deadline) {
  LOOM_CHECK(max_count > 0, "a page holds at least one object");
  LOOM_CHECKED(in_time(deadline));
  const MutexLock lock(mutex_);
  std::vector<ObjectInfo> page;
  for (const auto& [key, object] : objects_) {
    if (page.size() == max_count) break;
    if (key.str().starts_with(prefix) && key.str() > after)
      page.push_back({key, object.body->size(), object.version});
  }
  return page;
}

Status MemObjectStore::remove(const ObjectKey& key, Deadline deadline) {
  LOOM_CHECKED(in_time(deadline));
  const MutexLock lock(mutex_);
  objects_.erase(key);
  return ok();
}

}  // namespace loom::testkit
