#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "sched/job_spec.hpp"

namespace loom::sched {

struct ReuseOptions {
  std::filesystem::path folder;  ///< of this server alone
  std::uint64_t most_bytes = 0;  ///< of all that is kept; 0: nothing is, and what lies there goes
  std::string release{};         ///< of this program
};

/// All but its queries that the output of a search depends on, as text: this release, the engine's file, the
/// options, and every file of the database with its size and time of change. nullopt for a search that is not
/// kept: its database is an alias with lists of its own, whose files are not known here. Blocking: on disk;
/// starts nothing. Errors: those of finding the engine and the database.
Result<std::optional<std::string>> surroundings_of(const ReuseOptions& options, const JobSpec& spec);
/// The same with its queries, which are known by the SHA-256 of their text.
std::string search_key(std::string_view surroundings, const std::string& query_sha256);

/// What searches wrote, kept for those who ask the same again. Each is a file of its own
/// (doc/formats/reuse.md); those used longest ago go when there is no room. What cannot be read as it was
/// written counts as not there. Thread-safe. Blocking: on disk.
class Reuse {
 public:
  struct Counts {
    std::uint64_t entries = 0;  ///< now
    std::uint64_t bytes = 0;    ///< now
  };
  /// What one search wrote; every byte of it was found to be as it was written.
  struct Found {
    Fd file;
    std::uint64_t output_at = 0;
    std::uint64_t output_bytes = 0;
    std::string messages;
    /// Of the output, from `at`, as many as fit into `into` and there are.
    Result<std::size_t> read(std::uint64_t at, std::span<std::byte> into) const;
  };

  /// Takes up what lies in the folder. Never fails: without a folder nothing is kept.
  explicit Reuse(ReuseOptions options);

  [[nodiscard]] const ReuseOptions& options() const { return options_; }
  /// Whether anything is kept for this query set; cheap, and no disk.
  [[nodiscard]] bool may_have(const std::string& query_sha256) const EXCLUDES(mutex_);
  std::optional<Found> find(const std::string& key, const std::string& query_sha256) EXCLUDES(mutex_);
  /// Keeps what a search wrote, as far as there is room; on failure nothing is.
  void keep(const std::string& key, const std::string& query_sha256, std::string_view output,
            std::string_view messages) EXCLUDES(mutex_);
  [[nodiscard]] Counts counts() const EXCLUDES(mutex_);

 private:
  struct Entry {
    std::uint64_t bytes = 0;
    std::uint64_t used = 0;  ///< greater is later; 0: never
  };
  using Entries = std::map<std::string, Entry>;  // by file name
  class Writing;
  void use(Entries::value_type& entry) REQUIRES(mutex_);
  void erase(Entries::iterator entry) REQUIRES(mutex_);
  void added(const std::string& name, std::uint64_t bytes) EXCLUDES(mutex_);
  void dropped(const std::string& name) EXCLUDES(mutex_);

  const ReuseOptions options_;
  mutable Mutex mutex_;
  Entries entries_ GUARDED_BY(mutex_);
  std::map<std::uint64_t, std::string> by_use_ GUARDED_BY(mutex_);
  std::uint64_t bytes_ GUARDED_BY(mutex_) = 0;
  std::uint64_t uses_ GUARDED_BY(mutex_) = 0;
};

}  // namespace loom::sched
