#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace loom {

/// An output file that appears whole or not at all. The bytes go to a nameless file (O_TMPFILE) in the
/// target's folder, which commit() names; destroyed uncommitted, or killed by any signal, it leaves nothing.
/// On a file system without O_TMPFILE (NFS) a hidden `.NAME.XXXXXXXX.part` stands in, which a kill -9 leaves
/// behind. A symbolic link is followed, and the file it names is replaced. A replaced file hands on its
/// owner, group and permission bits. One that may be written but not replaced (its folder or its owner forbid
/// it, it is a mount point) gets the new bytes in place of its own at commit(), once there is room for all of
/// them (by way of TMPDIR where the folder is closed): only a kill in the midst, or a full file system that
/// writes to other blocks than it had allocated, leaves a mixture. What is no regular file cannot be
/// replaced: a pipe, a device (/dev/null) or a descriptor (/dev/stdout, /dev/fd/N) is written straight
/// through, and commit() only ends it. Move-only. Thread-safety: one thread at a time. Blocking: on disk.
class AtomicFile {
 public:
  /// Errors: not_found when the folder is missing; invalid_argument when the target is a folder or must not
  /// be written; disk_full.
  static Result<AtomicFile> create(std::filesystem::path target);

  AtomicFile(AtomicFile&& other) noexcept = default;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Appends all of `bytes`, unbuffered. After an error the file is of no use but to be destroyed.
  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text) { return write(std::as_bytes(std::span(text))); }

  /// For a child that writes its output itself; stays owned here.
  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Makes the bytes durable and visible under the target's name. On failure the old file, if any, is still
  /// whole, and commit() may be called again. After success nothing else may be called.
  Status commit();

 private:
  // in_place: to be copied; named: committed but for the folder's sync
  enum class Kind { nameless, hidden, in_place, named, straight };
  AtomicFile(std::filesystem::path target, Fd fd, Kind kind, std::filesystem::path hidden);
  static Result<AtomicFile> open_new(std::filesystem::path target);
  Status give_hidden_name();
  Status replace();
  Status overwrite();
  void discard();

  std::filesystem::path target_;
  Fd fd_;
  Kind kind_ = Kind::nameless;
  std::filesystem::path hidden_;  // the hidden name, while it exists
};

}  // namespace loom
