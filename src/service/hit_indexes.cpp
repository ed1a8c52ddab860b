#include "service/hit_indexes.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "base/folder.hpp"
#include "base/guarded.hpp"

namespace loom::service {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostWaiting = 1000;

/// An open index and its file, which goes with it.
struct Kept {
  Kept() = default;
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() {
    index.reset();
    std::error_code ignored;
    fs::remove(file, ignored);
  }

  std::shared_ptr<results::HitIndex> index;
  fs::path file;
};

}  // namespace

HitIndexes::HitIndexes(storage::ObjectStore& objects, fs::path folder, results::OpenTaxonomy taxonomy,
                       HitIndexLimits most)
    : objects_(objects), folder_(std::move(folder)), taxonomy_(std::move(taxonomy)), most_(most) {
  std::error_code ignored;
  fs::create_directories(folder_, ignored);
  static_cast<void>(
      for_entries(folder_, [&](const fs::directory_entry& left) { fs::remove_all(left.path(), ignored); }));
  maker_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

HitIndexes::~HitIndexes() {
  stop();
  maker_ = {};  // waits
}

void HitIndexes::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;  // first, so that who waits hears of it and not of what is given up for it
    waiting_.clear();
    changed_.notify_all();
  }
  maker_.request_stop();
}

std::shared_ptr<results::HitIndex> HitIndexes::find(const store::JobId& id) {
  const MutexLock lock(mutex_);
  const auto known = entries_.find(id);
  if (known == entries_.end() || !known->second->outcome || !*known->second->outcome) return nullptr;
  known->second->used = ++uses_;
  return **known->second->outcome;
}

HitIndexes::Opened HitIndexes::get(const store::JobId& id, const storage::ObjectKey& key, Source source,
                                   Deadline deadline) {
  const MutexLock lock(mutex_);
  if (stopping_) return error(Code::unavailable, "the server is stopping; ask again later");
  auto& place = entries_[id];
  if (!place) {
    if (waiting_.size() >= kMostWaiting) {
      entries_.erase(id);
      return error(Code::too_many, "{} results wait to be indexed; try again later", kMostWaiting);
    }
    place = std::make_shared<Entry>(Entry{.id = id, .key = key, .source = std::move(source)});
    waiting_.push_back(place);
    changed_.notify_all();
  }
  const std::shared_ptr<Entry> entry = place;
  entry->used = ++uses_;
  while (!entry->outcome) {
    if (stopping_) return error(Code::unavailable, "the server is stopping; ask again later");
    if (deadline.passed()) return error(Code::timed_out, "the hits are still being indexed; ask again");
    changed_.wait_until(mutex_, deadline.when());
  }
  return *entry->outcome;
}

void HitIndexes::forget(const store::JobId& id) {
  std::shared_ptr<Entry> gone;  // its file is removed without the lock
  const MutexLock lock(mutex_);
  const auto known = entries_.find(id);
  if (known == entries_.end()) return;
  gone = known->second;
  entries_.erase(known);
  if (std::erase(waiting_, gone) == 0) return;
  gone->outcome = error(Code::not_found, "the job was removed");
  changed_.notify_all();
}

void HitIndexes::work(const std::stop_token& stop) {
  for (;;) {
    std::shared_ptr<Entry> entry;
    fs::path file;
    {
      const MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) changed_.wait(mutex_);
      if (stopping_) return;
      entry = waiting_.front();
      waiting_.pop_front();
      file = folder_ / fmt::format("{}-{}", entry->id.str(), ++files_);
    }
    Opened opened = guarded([&] { return make(*entry, file, stop); });
    std::error_code unknown;
    const std::uintmax_t bytes = fs::file_size(file, unknown);
    if (!opened) fs::remove(file, unknown);
    entry->source = {};
    const MutexLock lock(mutex_);
    entry->bytes = bytes;
    // What failed is tried again when it is asked for again.
    if (const auto known = entries_.find(entry->id);
        !opened && known != entries_.end() && known->second == entry)
      entries_.erase(known);
    entry->outcome = std::move(opened);
    drop_unused();
    changed_.notify_all();
  }
}

HitIndexes::Opened HitIndexes::make(const Entry& entry, const fs::path& file, const std::stop_token& stop) {
  const auto open = [this, &file]() -> Opened {
    LOOM_TRY(auto index, results::HitIndex::open(file, taxonomy_));
    auto kept = std::make_shared<Kept>();
    kept->index = std::move(index);
    kept->file = file;
    results::HitIndex* opened = kept->index.get();
    return std::shared_ptr<results::HitIndex>(std::move(kept), opened);
  };
  if (const Status copied = storage::get_file(objects_, entry.key, file, Deadline::never(), stop); copied) {
    // One of an older version is made anew.
    if (auto opened = open(); opened || opened.error().code != Code::corrupt) return opened;
  } else if (copied.error().code != Code::not_found) {
    return copied.error();
  }
  LOOM_TRY(const auto reader, entry.source.open());
  const results::ReadBytes read = [&reader](std::span<char> into) {
    return reader->read(std::as_writable_bytes(into), Deadline::never());
  };
  LOOM_CHECKED(results::build_index(file, entry.source.layout, read, stop));
  LOOM_CHECKED(storage::put_file(objects_, entry.key, file, Deadline::never()));
  if (entry.source.done) entry.source.done();
  return open();
}

void HitIndexes::drop_unused() {
  std::uint64_t total = 0;
  std::size_t open = 0;
  std::vector<std::shared_ptr<Entry>*> unused;
  for (auto& [id, entry] : entries_) {
    if (!entry->outcome) continue;
    total += entry->bytes;
    ++open;
    // Who waits for an index, or has just made it, holds its entry. To drop what is read would free nothing.
    const Opened& opened = *entry->outcome;
    if (entry.use_count() == 1 && (!opened || opened->use_count() == 1)) unused.push_back(&entry);
  }
  std::ranges::sort(unused, {}, [](const std::shared_ptr<Entry>* entry) { return (*entry)->used; });
  for (std::shared_ptr<Entry>* entry : unused) {
    if (total <= most_.bytes && open <= most_.open) return;
    total -= (*entry)->bytes;
    --open;
    entries_.erase(store::JobId((*entry)->id));
  }
}

}  // namespace loom::service
