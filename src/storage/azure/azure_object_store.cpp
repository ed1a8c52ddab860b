#include "storage/azure/azure_object_store.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/check.hpp"
#include "storage/azure/block_writer.hpp"

namespace loom::storage::azure {
namespace {

constexpr std::size_t kMostBookmarks = 64;
constexpr std::size_t kMostFolders = 4096;
constexpr int kReplacedReadings = 3;  // of an object that is replaced meanwhile
constexpr int kWritings = 5;          // beside other writers of the same key

Status in_time(Deadline deadline, const ObjectKey& key) {
  if (!deadline.passed()) return ok();
  return error(Code::timed_out, "the deadline passed before object '{}' was touched", key.str());
}

/// Every folder that `key` is in: "a", "a/b" for "a/b/c".
std::vector<std::string> folders_of(const ObjectKey& key) {
  std::vector<std::string> folders;
  for (std::size_t slash = key.str().find('/'); slash != std::string::npos;
       slash = key.str().find('/', slash + 1))
    folders.push_back(key.str().substr(0, slash));
  return folders;
}

std::string version_of(std::string etag) {
  std::erase(etag, '"');
  return etag;
}

/// Another writer's commit takes away blocks that are not committed: the same write may succeed later.
Error others_write(const Error& conflict) {
  return error(Code::unavailable, "{}", conflict.message);
}

/// Reads on in parts, of the version it was opened on.
class PartReader final : public ObjectReader {
 public:
  PartReader(Blobs& blobs, ObjectKey key, BlobPart first)
      : blobs_(blobs), key_(std::move(key)), part_(std::move(first)) {
    count(part_);
  }

  Result<std::size_t> read(std::span<std::byte> into, Deadline deadline) override {
    LOOM_CHECKED(in_time(deadline, key_));
    std::size_t filled = 0;
    while (filled < into.size()) {
      if (at_ == part_.bytes.size()) {
        if (fetched_ == part_.blob.size_bytes) break;
        LOOM_CHECKED(fetch(deadline));
      }
      const std::size_t count = std::min(into.size() - filled, part_.bytes.size() - at_);
      std::copy_n(part_.bytes.begin() + static_cast<std::ptrdiff_t>(at_), count,
                  into.begin() + static_cast<std::ptrdiff_t>(filled));
      at_ += count;
      filled += count;
    }
    return filled;
  }

  Status skip(std::uint64_t count, Deadline deadline) override {
    LOOM_CHECKED(in_time(deadline, key_));
    const std::uint64_t place = fetched_ - (part_.bytes.size() - at_);
    if (count > part_.blob.size_bytes - place)
      return error(Code::corrupt, "object '{}' has {} bytes, and ends before the place asked for", key_.str(),
                   part_.blob.size_bytes);
    if (place + count <= fetched_) {
      at_ += static_cast<std::size_t>(count);
      return ok();
    }
    fetched_ = place + count;
    at_ = part_.bytes.size();
    gap_ = true;
    return ok();
  }

 private:
  Status fetch(Deadline deadline) {
    LOOM_TRY(BlobPart next, blobs_.get(key_, fetched_, Blobs::kMostPartBytes, part_.blob.etag, deadline));
    if (!next.blob.md5) next.blob.md5 = part_.blob.md5;
    part_ = std::move(next);
    at_ = 0;
    count(part_);
    const bool ended = fetched_ == part_.blob.size_bytes;
    if (ended && !all_checked_ && !gap_ && part_.blob.md5 && base64(md5_.finish()) != *part_.blob.md5)
      return error(Code::corrupt, "object '{}' came damaged: its MD5 is not the one the store keeps",
                   key_.str());
    return ok();
  }

  void count(const BlobPart& part) {
    fetched_ += part.bytes.size();
    all_checked_ = all_checked_ && part.checked;
    md5_.update(part.bytes);
  }

  Blobs& blobs_;
  ObjectKey key_;
  BlobPart part_;
  std::size_t at_ = 0;
  std::uint64_t fetched_ = 0;
  bool all_checked_ = true;
  bool gap_ = false;  // bytes that were skipped: the MD5 of the whole cannot be had
  Md5 md5_;
};

}  // namespace

class AzureWriter final : public ObjectWriter {
 public:
  AzureWriter(AzureObjectStore& store, const ObjectKey& key)
      : store_(store), key_(key), blocks_(store.blobs_, store.pool_, key, store.block_bytes_) {}

  Status write(std::span<const std::byte> bytes, Deadline deadline) override {
    LOOM_CHECKED(in_time(deadline, key_));
    return blocks_.write(bytes, deadline);
  }

  Status commit(Deadline deadline) override {
    LOOM_CHECKED(in_time(deadline, key_));
    LOOM_CHECKED(store_.refuse_folder(key_, deadline));
    const Status done = blocks_.commit(deadline);
    if (!done) return done.error().code == Code::conflict ? others_write(done.error()) : done.error();
    store_.remember_folders(key_);
    return ok();
  }

 private:
  AzureObjectStore& store_;
  ObjectKey key_;
  BlockWriter blocks_;
};

AzureObjectStore::AzureObjectStore(Account account, const std::string& container, const Tuning& tuning)
    : blobs_(tuning.clients ? tuning.clients : std::make_shared<ClientPool<BlobClient>>(), std::move(account),
             tuning.retry, container),
      pool_(tuning.upload_threads),
      block_bytes_(tuning.block_bytes) {}

Result<std::unique_ptr<AzureObjectStore>> AzureObjectStore::open(const Settings& settings,
                                                                 const Tuning& tuning, Deadline deadline) {
  LOOM_TRY(Account account, check(settings));
  std::unique_ptr<AzureObjectStore> store(
      new AzureObjectStore(std::move(account), settings.container, tuning));
  LOOM_CHECKED(store->blobs_.open_container(deadline));
  return store;
}

/// Refuses `key` when it is a folder, or one of its folders is an object.
Status AzureObjectStore::refuse_folder(const ObjectKey& key, Deadline deadline) {
  for (const std::string& folder : folders_of(key)) {
    {
      const MutexLock lock(mutex_);
      if (folders_.contains(folder)) continue;
    }
    LOOM_TRY(const ObjectKey above, ObjectKey::parse(folder));
    const auto there = blobs_.head(above, deadline);
    if (there) return key_in_the_way(key);
    if (there.error().code != Code::not_found) return there.error();
  }
  LOOM_TRY(const BlobPage below, blobs_.list(key.str() + "/", "", 1, deadline));
  if (!below.items.empty()) return key_in_the_way(key);
  return ok();
}

void AzureObjectStore::remember_folders(const ObjectKey& key) {
  const MutexLock lock(mutex_);
  if (folders_.size() > kMostFolders) folders_.clear();
  for (std::string& folder : folders_of(key)) folders_.insert(std::move(folder));
}

void AzureObjectStore::forget_folders(const ObjectKey& key) {
  const MutexLock lock(mutex_);
  for (const std::string& folder : folders_of(key)) folders_.erase(folder);
}

Status AzureObjectStore::put(const ObjectKey& key, std::span<const std::byte> body, Deadline deadline) {
  LOOM_CHECKED(in_time(deadline, key));
  LOOM_CHECKED(refuse_folder(key, deadline));
  for (int writing = 1;; ++writing) {
    BlockWriter blocks(blobs_, pool_, key, block_bytes_);
    Status done = blocks.write(body, deadline);
    if (done) done = blocks.commit(deadline);
    if (done) remember_folders(key);
    if (done || done.error().code != Code::conflict) return done;
    if (writing == kWritings) return others_write(done.error());
  }
}

Result<std::vector<std::byte>> AzureObjectStore::get(const ObjectKey& key, std::uint64_t max_bytes,
                                                     Deadline deadline) {
  for (int reading = 1;; ++reading) {
    LOOM_TRY(
        BlobPart first,
        blobs_.get(key, 0, std::clamp<std::uint64_t>(max_bytes, 1, Blobs::kMostPartBytes), "", deadline));
    const std::uint64_t size = first.blob.size_bytes;
    if (size > max_bytes) return object_too_large(key, size, max_bytes);
    if (first.bytes.size() == size) return std::move(first.bytes);
    std::vector<std::byte> bytes(size);
    PartReader reader(blobs_, key, std::move(first));
    const auto got = reader.read(bytes, deadline);
    if (got) return bytes;
    if (got.error().code != Code::conflict || reading == kReplacedReadings) return got.error();
  }
}

Result<std::unique_ptr<ObjectReader>> AzureObjectStore::open_reader(const ObjectKey& key, Deadline deadline) {
  LOOM_TRY(BlobPart first, blobs_.get(key, 0, Blobs::kMostPartBytes, "", deadline));
  return std::make_unique<PartReader>(blobs_, key, std::move(first));
}

Result<std::unique_ptr<ObjectWriter>> AzureObjectStore::open_writer(const ObjectKey& key, Deadline deadline) {
  LOOM_CHECKED(in_time(deadline, key));
  return std::make_unique<AzureWriter>(*this, key);
}

Result<ObjectInfo> AzureObjectStore::stat(const ObjectKey& key, Deadline deadline) {
  LOOM_TRY(const BlobInfo there, blobs_.head(key, deadline));
  return ObjectInfo{key, there.size_bytes, version_of(there.etag)};
}

Status AzureObjectStore::remove(const ObjectKey& key, Deadline deadline) {
  forget_folders(key);
  return blobs_.remove(key, deadline);
}

std::string AzureObjectStore::marker_behind(std::string_view prefix, std::string_view after) {
  const MutexLock lock(mutex_);
  for (const Bookmark& mark : bookmarks_)
    if (mark.prefix == prefix && mark.after == after) return mark.marker;
  return {};
}

void AzureObjectStore::keep_marker(std::string_view prefix, const std::string& after, std::string marker) {
  const MutexLock lock(mutex_);
  bookmarks_.push_front({std::string(prefix), after, std::move(marker)});
  if (bookmarks_.size() > kMostBookmarks) bookmarks_.pop_back();
}

Result<std::vector<ObjectInfo>> AzureObjectStore::list(std::string_view prefix, std::string_view after,
                                                       std::size_t max_count, Deadline deadline) {
  LOOM_CHECK(max_count > 0, "a page holds at least one object");
  std::vector<ObjectInfo> found;
  std::string marker = after.empty() ? std::string() : marker_behind(prefix, after);
  std::string last;
  for (;;) {
    LOOM_TRY(BlobPage page, blobs_.list(prefix, marker, max_count - found.size(), deadline));
    for (BlobPage::Item& item : page.items) {
      if (!last.empty() && item.name <= last)
        return error(
            Code::internal,
            "Azure container '{}' lists '{}' behind '{}'; containers with a hierarchical namespace are not "
            "supported, use one without",
            blobs_.container(), item.name, last);
      last = item.name;
      auto key = ObjectKey::parse(item.name);
      if (key && item.name > after)
        found.push_back({*std::move(key), item.size_bytes, version_of(std::move(item.etag))});
    }
    if (page.next_marker.empty()) return found;
    marker = std::move(page.next_marker);
    if (found.size() == max_count) break;
  }
  if (found.back().key.str() == last) keep_marker(prefix, last, std::move(marker));
  return found;
}

Result<std::string> AzureObjectStore::put_if(const ObjectKey& key, std::span<const std::byte> body,
                                             const Condition& condition, Deadline deadline) {
  if (body.size() > block_bytes_) return object_too_large(key, body.size(), block_bytes_);
  LOOM_CHECKED(refuse_folder(key, deadline));
  LOOM_TRY(std::string etag, blobs_.put(key, body, condition, deadline));
  remember_folders(key);
  return etag;
}

}  // namespace loom::storage::azure
