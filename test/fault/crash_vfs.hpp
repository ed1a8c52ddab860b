#pragma once
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace loom::testkit {

/// A file layer for SQLite that passes everything on, and remembers of each file what was synced and what was
/// written since. crash() writes what a power failure could leave. One at a time; lives longer than all
/// connections that use it. Thread-safe.
class CrashVfs {
 public:
  static constexpr const char* kName = "crash";

  CrashVfs() : below_(sqlite3_vfs_find(nullptr)) {
    vfs_ = *below_;
    vfs_.zName = kName;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + below_->szOsFile;
    vfs_.pAppData = this;
    vfs_.pNext = nullptr;
    vfs_.xOpen = open;
    vfs_.xDelete = remove;
    sqlite3_vfs_register(&vfs_, 0);
  }
  CrashVfs(const CrashVfs&) = delete;
  CrashVfs& operator=(const CrashVfs&) = delete;
  ~CrashVfs() { sqlite3_vfs_unregister(&vfs_); }

  /// Makes in `folder` the files as they are after a power failure now: synced bytes, and of the writes since
  /// each one, in order, with a chance of `survive_percent`.
  void crash(const std::filesystem::path& folder, unsigned survive_percent, std::mt19937& random) {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, state] : files_) {
      std::string bytes = state.synced;
      for (const Write& write : state.since)
        if (random() % 100 < survive_percent) apply(write, bytes);
      std::ofstream(folder / std::filesystem::path(path).filename(), std::ios::binary) << bytes;
    }
  }

  [[nodiscard]] int syncs() {
    const std::lock_guard lock(mutex_);
    return syncs_;
  }

 private:
  struct Write {
    std::size_t offset;
    std::string bytes;
    bool truncates;
  };
  struct State {
    std::string synced;
    std::vector<Write> since;
  };
  /// SQLite's file: ours in front, the one below behind it in the same memory.
  struct File {
    sqlite3_file base;
    CrashVfs* owner;
    std::string* path;  // nullptr: not a file that lasts
    sqlite3_io_methods methods;
  };

  static void apply(const Write& write, std::string& bytes) {
    if (write.truncates) {
      bytes.resize(std::min(bytes.size(), write.offset));
      return;
    }
    bytes.resize(std::max(bytes.size(), write.offset + write.bytes.size()));
    std::copy(write.bytes.begin(), write.bytes.end(),
              bytes.begin() + static_cast<std::ptrdiff_t>(write.offset));
  }

  static File* ours(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  static sqlite3_file* under(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(ours(file) + 1); }
  static CrashVfs& self(sqlite3_vfs* vfs) { return *static_cast<CrashVfs*>(vfs->pAppData); }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
    CrashVfs& owner = self(vfs);
    file->pMethods = nullptr;
    sqlite3_vfs* below = owner.below_;
    const int result = below->xOpen(below, path, under(file), flags, out_flags);
    if (result != SQLITE_OK) return result;
    constexpr int kLasting = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
    const bool lasts = path != nullptr && (flags & kLasting) != 0;
    ours(file)->owner = &owner;
    ours(file)->path = lasts ? new std::string(path) : nullptr;
    fill_methods(ours(file)->methods);
    file->pMethods = &ours(file)->methods;
    return SQLITE_OK;
  }

  static int remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
    CrashVfs& owner = self(vfs);
    const std::lock_guard lock(owner.mutex_);
    owner.files_.erase(path);
    return owner.below_->xDelete(owner.below_, path, sync_folder);
  }

  static int close(sqlite3_file* file) {
    const int result = under(file)->pMethods->xClose(under(file));
    delete ours(file)->path;
    return result;
  }

  static int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
    File& f = *ours(file);
    const std::lock_guard lock(f.owner->mutex_);
    if (f.path != nullptr)
      f.owner->files_[*f.path].since.push_back(
          {static_cast<std::size_t>(offset),
           std::string(static_cast<const char*>(data), static_cast<std::size_t>(size)), false});
    return under(file)->pMethods->xWrite(under(file), data, size, offset);
  }

  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    File& f = *ours(file);
    const std::lock_guard lock(f.owner->mutex_);
    if (f.path != nullptr)
      f.owner->files_[*f.path].since.push_back({static_cast<std::size_t>(size), "", true});
    return under(file)->pMethods->xTruncate(under(file), size);
  }

  static int sync(sqlite3_file* file, int flags) {
    File& f = *ours(file);
    const std::lock_guard lock(f.owner->mutex_);
    ++f.owner->syncs_;
    if (f.path != nullptr) {
      State& state = f.owner->files_[*f.path];
      for (const Write& write : state.since) apply(write, state.synced);
      state.since.clear();
    }
    return under(file)->pMethods->xSync(under(file), flags);
  }

  static void fill_methods(sqlite3_io_methods& m) {
    m = {};
    m.iVersion = 2;  // without memory-mapped reads
    m.xClose = close;
    m.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
      return under(f)->pMethods->xRead(under(f), to, n, at);
    };
    m.xWrite = write;
    m.xTruncate = truncate;
    m.xSync = sync;
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) {
      return under(f)->pMethods->xFileSize(under(f), n);
    };
    m.xLock = [](sqlite3_file* f, int level) { return under(f)->pMethods->xLock(under(f), level); };
    m.xUnlock = [](sqlite3_file* f, int level) { return under(f)->pMethods->xUnlock(under(f), level); };
    m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      return under(f)->pMethods->xCheckReservedLock(under(f), out);
    };
    m.xFileControl = [](sqlite3_file* f, int op, void* arg) {
      return under(f)->pMethods->xFileControl(under(f), op, arg);
    };
    m.xSectorSize = [](sqlite3_file* f) { return under(f)->pMethods->xSectorSize(under(f)); };
    m.xDeviceCharacteristics = [](sqlite3_file* f) {
      return under(f)->pMethods->xDeviceCharacteristics(under(f));
    };
    m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
      return under(f)->pMethods->xShmMap(under(f), page, size, extend, out);
    };
    m.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
      return under(f)->pMethods->xShmLock(under(f), offset, n, flags);
    };
    m.xShmBarrier = [](sqlite3_file* f) { under(f)->pMethods->xShmBarrier(under(f)); };
    m.xShmUnmap = [](sqlite3_file* f, int gone) { return under(f)->pMethods->xShmUnmap(under(f), gone); };
  }

  sqlite3_vfs* below_;
  sqlite3_vfs vfs_{};
  std::mutex mutex_;
  std::map<std::string, State> files_;
  int syncs_ = 0;
};

}  // namespace loom::testkit
