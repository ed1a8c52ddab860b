#include "api/list_cache.hpp"

#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "api/thread_slot.hpp"

namespace loom::api {
namespace {

constexpr std::size_t kEntriesPerShard = ListCache::kMostEntries / ListCache::kShards;
constexpr std::size_t kBytesPerShard = ListCache::kMostBytes / ListCache::kShards;

}  // namespace

void ListCache::Shard::drop(Entries::iterator entry) {
  bytes -= entry->key.size() + entry->reply.body->size();
  by_key.erase(entry->key);
  entries.erase(entry);
}

std::optional<CachedReply> ListCache::find(std::string_view key, std::uint64_t generation) {
  Shard& shard = shards_[thread_slot() % kShards];
  const MutexLock lock(shard.mutex);
  const auto found = shard.by_key.find(key);
  if (found == shard.by_key.end()) return std::nullopt;
  const auto entry = found->second;
  if (entry->generation != generation) {
    shard.drop(entry);
    return std::nullopt;
  }
  shard.entries.splice(shard.entries.begin(), shard.entries, entry);
  return entry->reply;
}

void ListCache::put(std::string key, std::uint64_t generation, CachedReply reply) {
  const std::size_t size = key.size() + reply.body->size();
  if (size > kBytesPerShard) return;
  Shard& shard = shards_[thread_slot() % kShards];
  const MutexLock lock(shard.mutex);
  if (const auto old = shard.by_key.find(key); old != shard.by_key.end()) shard.drop(old->second);
  shard.entries.push_front({std::move(key), generation, std::move(reply)});
  shard.by_key.emplace(shard.entries.front().key, shard.entries.begin());
  shard.bytes += size;
  while (shard.entries.size() > kEntriesPerShard || shard.bytes > kBytesPerShard)
    shard.drop(std::prev(shard.entries.end()));
}

std::string etag_of(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("\"{:016x}{:016x}\"", hash.high64, hash.low64);
}

}  // namespace loom::api
