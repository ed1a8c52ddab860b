#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.hpp"

namespace loom::api {

/// Bytes of a reply, shared by all who are sent them, and their tag.
struct CachedReply {
  std::shared_ptr<const std::string> body;
  std::shared_ptr<const std::string> etag;  ///< with its quotes
};

/// Replies by a key (caller and query string), each good for one generation of the store. A
/// least-recently-used cache in shards: a thread uses its own, so that a hit meets no other thread. Bounds:
/// 256 entries and 32 MiB, over all shards. Thread-safe; never blocks for long.
class ListCache {
 public:
  static constexpr std::size_t kShards = 8;
  static constexpr std::size_t kMostEntries = 256;
  static constexpr std::size_t kMostBytes = 32U << 20U;

  /// The reply put under `key` on this thread while the generation was `generation`.
  std::optional<CachedReply> find(std::string_view key, std::uint64_t generation);
  /// `generation` is as it was before the reply was made. Replies over an eighth of the bound are not kept.
  void put(std::string key, std::uint64_t generation, CachedReply reply);

 private:
  struct Entry {
    std::string key;
    std::uint64_t generation;
    CachedReply reply;
  };
  using Entries = std::list<Entry>;
  struct alignas(64) Shard {
    Mutex mutex;
    Entries entries GUARDED_BY(mutex);  ///< the last used first
    std::unordered_map<std::string_view, Entries::iterator> by_key GUARDED_BY(mutex);
    std::size_t bytes GUARDED_BY(mutex) = 0;

    void drop(Entries::iterator entry) REQUIRES(mutex);
  };
  std::array<Shard, kShards> shards_;
};

/// A strong tag of the bytes (XXH3, 128 bits), with its quotes.
std::string etag_of(std::string_view bytes);

}  // namespace loom::api
