#pragma once
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "blast/options.hpp"
#include "blast/outfmt.hpp"
#include "catalog/database.hpp"
#include "catalog/shards.hpp"
#include "plan/planner.hpp"
#include "search/filtered.hpp"
#include "search/settings.hpp"
#include "search/task_runner.hpp"

namespace loom::search {

/// The database of a search, looked for in `database_path` (folders joined by ':') before BLASTDB. Nothing is
/// started. Errors: those of catalog::open_database.
Result<catalog::Database> open_search_database(const blast::Options& options,
                                               std::string_view database_path = {});

/// Why this search must see the whole database at once; empty if shards are exact.
std::string whole_database_because(const blast::Options& options, const blast::OutFormat& format,
                                   const std::optional<catalog::Database>& database);

/// Whether --on-saturation complete can print `format`: 6, 7 and 10.
inline bool complete_format(const blast::OutFormat& format) {
  return format.tabular();
}

/// The two steps of a search over shards (doc/exactness.md). Scouts search one shard each, with room for more
/// hits than the engine keeps; what they find together holds every subject that an unsplit run would keep.
/// The search proper is the user's own, over an alias of the whole database with those subjects alone and the
/// statistics of the whole: the engine itself cuts, orders and writes, so its bytes are those of an unsplit
/// run. Thread-safety: the const functions, from several threads at once.
class Scouts {
 public:
  /// Writes the shards' alias files to `folder`. `filtered`: what the options' list leaves, if they have one.
  /// `excerpt_bytes`: the most that collect() copies at once. References are borrowed. Errors: those of the
  /// file system.
  static Result<Scouts> make(exec::ProcessRunner& runner, const blast::Options& options,
                             OnSaturation on_saturation, const std::filesystem::path& engine,
                             const catalog::Database& database, std::optional<Filtered> filtered, int shards,
                             const std::filesystem::path& folder, std::uint64_t excerpt_bytes);

  /// May be less than was asked for: few long sequences, or a list that leaves none in a part.
  [[nodiscard]] std::size_t shards() const { return argv_.size(); }
  /// The scout of `search` in shard `shard`, from 0.
  [[nodiscard]] EngineTask scout(const EngineTask& search, std::size_t shard) const;

  /// --on-saturation complete: makes `search` print the scouts' own hits, merged in the engine's order and
  /// cut at the user's number of subjects, by blast_formatter. For formats that it prints as the engine does
  /// (complete_format). Blocking. Errors: conflict when two shards found one subject; corrupt; those of the
  /// subject look-up.
  Status merge(EngineTask& search, const TaskRunner& tasks) const;

  /// To follow the scout of `search` in `shard`, on the machine where it ran: copies the subjects that it
  /// found, while they are in memory, for narrow() to take. Blocking. Errors: corrupt when an output is no
  /// archive; those of the subject look-up and of the file system.
  Status collect(const EngineTask& search, std::size_t shard, const TaskRunner& tasks) const;

  /// Points `search` at the subjects that its scouts found: at copies of them if collect() made some for each
  /// shard. Where a scout's list was full, so that a subject may be missing, `search` stays with the whole
  /// database. The scouts' outputs are discarded. Blocking. Errors: as collect().
  Status narrow(EngineTask& search, const TaskRunner& tasks) const;

  /// Removes what narrow() wrote for `search`, which is done.
  void forget(const EngineTask& search) const;

 private:
  [[nodiscard]] static std::string scout_name(std::size_t shard, const std::string& search);
  [[nodiscard]] static std::string subset_name(const std::string& search);
  /// What scouts found, as their archives name it.
  struct Subjects {
    std::vector<std::uint32_t> oids;
    std::set<std::string> ids;
    bool complete = true;  ///< no list was full
  };
  /// Adds those of a scout's archive.
  Status read_subjects(const std::filesystem::path& archive, Subjects& subjects) const;
  /// The OIDs of these, ascending, each once.
  [[nodiscard]] Result<std::vector<std::uint32_t>> oids_of(Subjects subjects,
                                                           const std::string& search) const;
  /// Those found in all shards; nullopt if a list was full. `excerpts`: the copies, if all shards have one.
  [[nodiscard]] Result<std::optional<std::vector<std::uint32_t>>> subjects_of(
      const std::string& search, const TaskRunner& tasks, std::vector<std::filesystem::path>& excerpts) const;
  /// OIDs of all sequences that have one of these ids, in any order.
  [[nodiscard]] Result<std::vector<std::uint32_t>> look_up(const std::vector<std::string>& ids,
                                                           const std::string& search) const;
  /// One OID of `database` for each id; nullopt if it lacks it.
  [[nodiscard]] Result<std::vector<std::optional<std::uint32_t>>> look_up_in(
      const catalog::Database& database, const std::vector<std::string>& ids,
      const std::string& search) const;
  /// An alias of these sequences of `database`, with the numbers of the whole search.
  [[nodiscard]] Result<std::filesystem::path> subset(const std::string& name,
                                                     const catalog::Database& database,
                                                     std::span<const std::uint32_t> oids) const;
  Status add_shard(const catalog::OidRange& range, const blast::Options& options);
  static Result<blast::Options> over_alias(blast::Options options, const std::filesystem::path& alias);

  Scouts(exec::ProcessRunner& runner, const blast::Options& options, const catalog::Database& database,
         std::optional<Filtered> filtered, std::filesystem::path folder, std::uint64_t excerpt_bytes)
      : runner_(runner),
        options_(options),
        database_(database),
        filtered_(std::move(filtered)),
        folder_(std::move(folder)),
        excerpt_bytes_(excerpt_bytes) {}

  exec::ProcessRunner& runner_;
  const blast::Options& options_;
  const catalog::Database& database_;
  std::optional<Filtered> filtered_;
  std::filesystem::path folder_;
  std::uint64_t excerpt_bytes_;
  std::filesystem::path engine_;
  std::vector<std::vector<std::string>> argv_;  // of each shard's scouts
  std::vector<catalog::OidRange> ranges_;       // of each shard
};

}  // namespace loom::search
