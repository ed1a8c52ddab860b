#pragma once
#include <filesystem>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace loom {

/// A private folder `blastloom-XXXXXX` (mode 0700) that is removed with all it holds when this object dies.
/// After a kill -9 it stays, and the next create() in the same parent removes it: the owner holds a flock on
/// the file `.lock` inside, and a folder of ours whose lock is free has no owner left. One without that file
/// is not ours, unless it is empty. Removal is by folder descriptors, follows no symbolic link. Move-only.
/// Thread-safety: distinct objects at once. Blocking: on disk.
class TempDir {
 public:
  /// Removes what dead runs of this user left in `parent`, then makes a new folder there.
  static Result<TempDir> create(const std::filesystem::path& parent = default_parent());
  /// $TMPDIR, or /tmp when that is unset or empty.
  static std::filesystem::path default_parent();

  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&& other) noexcept;
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  /// Absolute.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  TempDir(std::filesystem::path path, Fd lock);
  void remove();

  std::filesystem::path path_;  // empty once moved from
  Fd lock_;
};

}  // namespace loom
