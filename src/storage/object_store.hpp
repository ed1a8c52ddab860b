#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace loom::storage {

/// Bytes to read of an object at a time, where nothing else asks for more or fewer.
inline constexpr std::size_t kBlock = std::size_t{256} << 10U;

/// The name of an object: segments joined by '/', 1 to 1,024 bytes. A segment is 1 to 200 bytes of printable
/// ASCII without '\', does not begin with '.' (so neither "..", nor the hidden names that stores use for
/// themselves) and does not end with '.' or ' '.
class ObjectKey {
 public:
  /// Errors: invalid_argument, which says what is wrong with `text`.
  static Result<ObjectKey> parse(std::string_view text);

  [[nodiscard]] const std::string& str() const { return text_; }
  /// By bytes.
  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;

 private:
  explicit ObjectKey(std::string_view text) : text_(text) {}
  std::string text_;
};

struct ObjectInfo {
  ObjectKey key;
  std::uint64_t size_bytes;
  /// Another one after each put under the key: letters, digits, '-' and the like, no quotes. The same from
  /// stat and list.
  std::string version;
};

/// Reads one object from its start. It gives the bytes it was opened on, whatever happens to the key
/// meanwhile, or fails with conflict where the store does not keep replaced ones (azure/, past the first
/// 4 MiB): never those of two. One thread at a time. Blocking.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  /// Fills `into` from its start; how many bytes came. Fewer than asked only at the end of the object.
  virtual Result<std::size_t> read(std::span<std::byte> into, Deadline deadline) = 0;
  /// Passes over `count` bytes, without reading them where the store can. Also: corrupt when the object has
  /// fewer left.
  virtual Status skip(std::uint64_t count, Deadline deadline);
};

/// Writes one object. Destroyed before commit() it leaves the key as it was. One thread at a time. Blocking.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  /// Appends. After an error the writer is of no use but to be destroyed.
  virtual Status write(std::span<const std::byte> bytes, Deadline deadline) = 0;
  /// As put(). Once; after success nothing else may be called.
  virtual Status commit(Deadline deadline) = 0;
};

/// Keeps whole objects (query files, task outputs, merged results) under '/'-separated keys.
/// Real: files/, azure/. Tests: testkit/. contract/object_store_contract.hpp runs against all of them.
/// A key must not be a folder of another ("a" beside "a/b"): the later one is refused with conflict.
/// Thread-safety: all methods, from any thread, at once; the last writer of a key wins.
/// Blocking: yes, on disk or network.
/// Errors common to all: timed_out past `deadline`; unavailable (retryable); forbidden; internal.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// Creates or replaces `key`. On success the bytes are durable and visible at once; on failure the old
  /// object, if any, is still whole. Idempotent. `body` is borrowed until return. Also: disk_full, conflict.
  virtual Status put(const ObjectKey& key, std::span<const std::byte> body, Deadline deadline) = 0;

  /// The whole object. Also: not_found; too_large when it has more than `max_bytes`, and then nothing was
  /// read.
  virtual Result<std::vector<std::byte>> get(const ObjectKey& key, std::uint64_t max_bytes,
                                             Deadline deadline) = 0;

  /// For objects that need not fit in memory: a reader holds at most 4 MiB, a writer a few blocks of that.
  /// What is read is passed on or goes to a file (decision 11). Also: not_found; conflict, disk_full.
  virtual Result<std::unique_ptr<ObjectReader>> open_reader(const ObjectKey& key, Deadline deadline) = 0;
  virtual Result<std::unique_ptr<ObjectWriter>> open_writer(const ObjectKey& key, Deadline deadline) = 0;

  /// Also: not_found.
  virtual Result<ObjectInfo> stat(const ObjectKey& key, Deadline deadline) = 0;

  /// At most `max_count` (at least 1) objects whose key begins with the bytes `prefix` and is greater than
  /// `after`, in key order. "" means all, and from the start. Fewer than `max_count` means that there are no
  /// more. An object put or removed meanwhile may be missed or not.
  virtual Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::string_view after,
                                               std::size_t max_count, Deadline deadline) = 0;

  /// Idempotent: removing what does not exist succeeds.
  virtual Status remove(const ObjectKey& key, Deadline deadline) = 0;
};

/// Reads bytes that are in memory. Never fails.
std::unique_ptr<ObjectReader> text_reader(std::string bytes);

/// Copies the file at `path` to `key`, in constant memory. Blocking. Errors: those of reading and of
/// open_writer; cancelled when `stop` was requested before all was written: `key` is as it was.
Status put_file(ObjectStore& store, const ObjectKey& key, const std::filesystem::path& path,
                Deadline deadline, const std::stop_token& stop = {});

/// Copies what is left of `from` to a file at `path`, which appears whole or not at all
/// (base/atomic_file.hpp), in constant memory. Blocking. Errors: those of reading and of AtomicFile;
/// cancelled when `stop` was requested before all was copied.
Status copy_to_file(ObjectReader& from, const std::filesystem::path& path, Deadline deadline,
                    const std::stop_token& stop = {});
/// The same of all of `key`. Also: those of open_reader.
Status get_file(ObjectStore& store, const ObjectKey& key, const std::filesystem::path& path,
                Deadline deadline, const std::stop_token& stop = {});

/// What stores say, in the same words.
Error no_such_object(const ObjectKey& key);
Error object_too_large(const ObjectKey& key, std::uint64_t size_bytes, std::uint64_t max_bytes);
Error key_in_the_way(const ObjectKey& key);

}  // namespace loom::storage
