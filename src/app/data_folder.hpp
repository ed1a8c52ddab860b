#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace loom::app {

/// The data folder as one server uses it: alone, or with others on the same machine that agreed to share it.
/// What belongs to one server alone lies in servers/NAME below it, with a lock that goes with the server,
/// however it ends. Not thread-safe but for servers().
class DataFolder {
 public:
  struct Server {
    std::string name;
    std::string address;  ///< empty while it starts
    bool self = false;
  };

  /// Makes what is missing and removes what servers that are gone left. Blocking: with `share` it waits until
  /// another one has started. Errors: conflict, when another server uses the folder and either of the two
  /// does not share; those of the disk.
  static Result<DataFolder> open(const std::filesystem::path& path, bool share);
  DataFolder(DataFolder&&) = default;
  DataFolder& operator=(DataFolder&&) = delete;
  /// Removes this server's own.
  ~DataFolder();

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Whether no other server was there when this one came: what was left under way is nobody's.
  [[nodiscard]] bool was_alone() const { return was_alone_; }
  /// The start is over: others may come, if they share.
  [[nodiscard]] Status let_others_in() const;
  /// servers/NAME, with a folder "uploads".
  [[nodiscard]] std::filesystem::path own() const { return path_ / "servers" / name_; }

  /// Writes "address", as of the server that came last, and this server's own.
  [[nodiscard]] Status write_address(const std::string& address) const;
  /// Those that are alive, by name. Blocking.
  [[nodiscard]] std::vector<Server> servers() const;

 private:
  DataFolder(std::filesystem::path path, bool share) : path_(std::move(path)), share_(share) {}
  Status lock();
  Status make_own();

  std::filesystem::path path_;
  std::string name_;
  Fd lock_{};      // of the data folder
  Fd own_lock_{};  // of servers/NAME
  bool share_ = false;
  bool was_alone_ = false;
};

}  // namespace loom::app
