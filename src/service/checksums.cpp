#include "service/checksums.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/sha256.hpp"
#include "sched/job_keys.hpp"

namespace loom::service {

namespace {

using storage::ObjectInfo;
using storage::ObjectKey;

constexpr std::size_t kMostSums = 10'000;
constexpr std::size_t kMostWaiting = 1000;
constexpr std::size_t kSumLetters = 64;
constexpr std::uint64_t kMostKeptBytes = 1024;

std::string name_of(const ObjectInfo& info) {
  return info.key.str() + ' ' + info.version;
}

/// Where the sum of an object of a job is kept: "VERSION SUM".
std::optional<ObjectKey> kept_key(const ObjectKey& key) {
  constexpr std::size_t kDigest = 32;
  const auto job = sched::job_of(key);
  if (!job) return std::nullopt;
  const std::string digest = sha256_hex(key.str()).substr(0, kDigest);
  return ObjectKey::parse(fmt::format("{}sums/{}", sched::prefix_of(*job), digest)).value();
}

}  // namespace

Checksums::Checksums(storage::ObjectStore& objects, std::uint64_t small_bytes)
    : objects_(objects), small_bytes_(small_bytes) {
  reader_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

Checksums::~Checksums() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  reader_ = {};  // asks it to stop, and waits
}

Result<std::string> Checksums::get(const ObjectInfo& info, Deadline deadline) {
  const std::string name = name_of(info);
  if (std::string known = find(name); !known.empty()) return known;
  if (info.size_bytes <= small_bytes_ && !deadline.passed()) {
    Sum sum = read(info, {}, deadline);
    if (sum || sum.error().code != Code::timed_out) {
      const MutexLock lock(mutex_);
      if (sum) remember(name, *sum);
      return sum;
    }
  }
  const MutexLock lock(mutex_);
  // Of many at once some are not even put down: who asks again later finds the queue shorter.
  if (!asked_.contains(name) && waiting_.size() >= kMostWaiting) return std::string();
  std::shared_ptr<Wanted>& place = asked_[name];
  if (!place) {
    place = std::make_shared<Wanted>(Wanted{info});
    waiting_.push_back(place);
    changed_.notify_all();
  }
  const std::shared_ptr<Wanted> wanted = place;
  while (!wanted->outcome && !stopping_ && !deadline.passed()) changed_.wait_until(mutex_, deadline.when());
  return wanted->outcome.value_or(std::string());
}

std::string Checksums::find(const std::string& name) {
  const MutexLock lock(mutex_);
  const auto known = known_.find(name);
  return known == known_.end() ? std::string() : known->second;
}

void Checksums::remember(const std::string& name, const std::string& sum) {
  if (known_.size() >= kMostSums) known_.clear();
  known_[name] = sum;
}

void Checksums::work(const std::stop_token& stop) {
  for (;;) {
    std::shared_ptr<Wanted> wanted;
    {
      const MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) changed_.wait(mutex_);
      if (stopping_) return;
      wanted = waiting_.front();
      waiting_.pop_front();
    }
    Sum sum = guarded([&] { return read_large(wanted->info, stop); });
    if (!sum && sum.error().code != Code::not_found && sum.error().code != Code::conflict &&
        !stop.stop_requested())
      log::write(log::Level::warning, "checksum.failed",
                 {{"object", wanted->info.key.str()}, {"reason", sum.error().message}});
    const MutexLock lock(mutex_);
    const std::string name = name_of(wanted->info);
    if (sum) remember(name, *sum);
    asked_.erase(name);  // what failed is tried again when it is asked for again
    wanted->outcome = std::move(sum);
    changed_.notify_all();
  }
}

Checksums::Sum Checksums::read(const ObjectInfo& info, const std::stop_token& stop, Deadline deadline) {
  LOOM_TRY(const auto reader, objects_.open_reader(info.key, deadline));
  Sha256 hash;
  std::vector<std::byte> block(storage::kBlock);
  for (;;) {
    if (stop.stop_requested()) return error(Code::unavailable, "the server is stopping");
    LOOM_TRY(const std::size_t got, reader->read(block, deadline));
    if (got == 0) break;
    hash.add({reinterpret_cast<const char*>(block.data()), got});
  }
  LOOM_TRY(const ObjectInfo now, objects_.stat(info.key, deadline));
  if (now.version != info.version)
    return error(Code::conflict, "object '{}' was replaced meanwhile; ask again", info.key.str());
  return hash.hex();
}

Checksums::Sum Checksums::read_large(const ObjectInfo& info, const std::stop_token& stop) {
  const auto place = info.size_bytes > small_bytes_ ? kept_key(info.key) : std::nullopt;
  const std::string head = info.version + ' ';
  if (place) {
    const auto kept = objects_.get(*place, kMostKeptBytes, Deadline::never());
    const std::string_view text =
        kept ? std::string_view(reinterpret_cast<const char*>(kept->data()), kept->size())
             : std::string_view();
    if (text.starts_with(head) && text.size() == head.size() + kSumLetters)
      return std::string(text.substr(head.size()));
  }
  LOOM_TRY(std::string sum, read(info, stop, Deadline::never()));
  const std::string text = head + sum;
  // Not to have kept it costs reading it again after a restart.
  if (place) static_cast<void>(objects_.put(*place, std::as_bytes(std::span(text)), Deadline::never()));
  return sum;
}

}  // namespace loom::service
