#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.hpp"
#include "base/result.hpp"

namespace loom::store {

namespace sqlite {
class Connection;
}

/// Texts by their keys in one SQLite file, up to so many bytes: those put longest ago go when there is no
/// room. A key stands for one text for ever. Never fails: a damaged file is begun anew, and without one
/// nothing is kept. Thread-safe. Blocking: on disk.
class TextCache {
 public:
  struct Counts {
    std::uint64_t texts = 0;
    std::uint64_t bytes = 0;
  };
  /// `most_bytes` of texts; 0: nothing is kept, and the file goes.
  TextCache(std::filesystem::path file, std::uint64_t most_bytes);
  ~TextCache();

  std::optional<std::string> find(std::string_view key) EXCLUDES(mutex_);
  /// Keys and texts; one that is there already counts as put now.
  void put(std::span<const std::pair<std::string, std::string>> texts) EXCLUDES(mutex_);
  [[nodiscard]] Counts counts() const EXCLUDES(mutex_);

 private:
  Status put_all(std::span<const std::pair<std::string, std::string>> texts) REQUIRES(mutex_);
  Status make_room() REQUIRES(mutex_);
  Status count() REQUIRES(mutex_);
  void give_up(const Error& why) REQUIRES(mutex_);

  const std::filesystem::path file_;
  const std::uint64_t most_bytes_;
  mutable Mutex mutex_;
  std::unique_ptr<sqlite::Connection> db_ GUARDED_BY(mutex_);  // null: nothing is kept
  Counts counts_ GUARDED_BY(mutex_);
};

}  // namespace loom::store
