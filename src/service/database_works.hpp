#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.hpp"
#include "exec/process_runner.hpp"
#include "service/access.hpp"
#include "service/database_build.hpp"
#include "service/database_details.hpp"
#include "service/databases.hpp"
#include "service/recommend.hpp"
#include "service/sequences.hpp"
#include "service/upload.hpp"
#include "storage/object_store.hpp"
#include "store/job_store.hpp"

namespace loom::service {

/// Something that is done to a database and takes long. Kept in memory: after a restart of the server it is
/// forgotten, and what it had not finished was not done.
struct DatabaseWork {
  enum class Kind { build, append, add, fetch, verify, warm };
  enum class State { queued, running, completed, failed, cancelled };
  std::string id{};  ///< 32 hex digits
  Kind kind = Kind::build;
  std::string database{};
  std::string snapshot{};  ///< verified or warmed, or made by a work that is completed
  State state = State::queued;
  std::string step{};                ///< what it does now, of several things; may be empty
  std::optional<double> fraction{};  ///< of the step, or of all: done, 0 to 1; unset: not known
  std::string message{};             ///< why it failed, or what a verification found wrong
  RepeatedIds repeated{};            ///< of a build or append: ids that stand more than once in its text
  store::UnixTime created{};
  std::optional<store::UnixTime> finished{};
};
std::string_view name(DatabaseWork::Kind kind);
std::string_view name(DatabaseWork::State state);

/// What a build is made of: the request, and where the text comes from that is not named there. One of
/// sequences, path and object.
struct BuildOrder {
  BuildRequest request;
  std::unique_ptr<QueryUpload> sequences;
  std::string path;    ///< in the import folder
  std::string object;  ///< below kImports
  std::unique_ptr<QueryUpload> taxid_map;
  std::vector<std::unique_ptr<QueryUpload>> masks;
};

/// What DatabaseWorks stands on; all borrowed.
struct DatabaseWorksParts {
  DatabaseList& databases;
  store::JobStore& jobs;
  storage::ObjectStore& objects;
  exec::ProcessRunner& runner;
  SequenceReader& reader;
  std::filesystem::path uploads;     ///< a folder of this server alone
  std::string mirror;                ///< the address that fetch() takes databases from
  std::filesystem::path import_dir;  ///< admins may take in what lies below it; empty: nothing
  std::uint64_t memory_bytes = 0;    ///< for databases; 0: not known
};

/// The use cases of kept databases: what is long runs one after another on a thread of its own, in order of
/// asking. Changes are for admins; everyone may look. Thread-safe. Blocking: on disk.
class DatabaseWorks {
 public:
  static constexpr std::size_t kMostWaiting = 100;
  static constexpr std::size_t kMostKept = 200;

  explicit DatabaseWorks(DatabaseWorksParts parts);
  ~DatabaseWorks();
  DatabaseWorks(const DatabaseWorks&) = delete;
  DatabaseWorks& operator=(const DatabaseWorks&) = delete;

  /// Where a file of a BuildOrder goes on its way here. Errors: forbidden.
  Result<std::unique_ptr<QueryUpload>> begin_upload(const Caller& caller) const;
  /// Builds, or appends if the request says so. Errors: forbidden; invalid_argument for names, taxids, paths
  /// and keys that cannot be; not_found; too_many.
  Result<DatabaseWork> build(const Caller& caller, BuildOrder order);
  /// Takes in a BLAST database that lies at `path` (without extension) in the import folder, under its own
  /// name. Errors: as build().
  Result<DatabaseWork> add(const Caller& caller, const std::string& path);
  /// From the server's mirror, if that has another version than the current snapshot; its message tells
  /// which. Errors: forbidden; invalid_argument for a name that cannot be; too_many.
  Result<DatabaseWork> fetch(const Caller& caller, const std::string& database);
  /// Of the current snapshot if `id` is empty. Errors: forbidden, not_found, too_many.
  Result<DatabaseWork> verify(const Caller& caller, const std::string& database, const std::string& id);
  /// Reads the database into the page cache, its first `budget_bytes` bytes at most. Errors: forbidden,
  /// not_found, too_many.
  Result<DatabaseWork> warm(const Caller& caller, const std::string& database, const std::string& id,
                            std::uint64_t budget_bytes);
  [[nodiscard]] std::vector<DatabaseWork> list() const EXCLUDES(mutex_);
  [[nodiscard]] Result<DatabaseWork> get(const std::string& id) const EXCLUDES(mutex_);
  /// Ends it soon; what it made goes. Errors: forbidden, not_found; conflict when it has ended.
  Result<DatabaseWork> cancel(const Caller& caller, const std::string& id) EXCLUDES(mutex_);

  /// The snapshots of one database, the newest first. Errors: not_found.
  [[nodiscard]] Result<std::vector<catalog::Snapshot>> snapshots(const std::string& database) const;
  /// As SequenceReader::fetch, of DatabaseList::open. Errors: of both.
  [[nodiscard]] Result<FetchedSequences> sequences(const std::string& database, const std::string& id,
                                                   const SequenceRequest& request, Deadline deadline);
  /// As recommend(), of the databases there are; of `database` only, if that is not empty. Errors: not_found.
  [[nodiscard]] Result<std::vector<Recommendation>> recommend(blast::Molecule molecule, std::uint64_t longest,
                                                              const std::string& database);
  [[nodiscard]] DatabaseDetails& details() { return details_; }
  [[nodiscard]] std::string current_id(const std::string& database) const;
  /// Errors: forbidden, not_found.
  Result<catalog::Snapshot> switch_to(const Caller& caller, const std::string& database,
                                      const std::string& id);
  /// With an empty `id` the database with all its snapshots. Errors: forbidden, not_found; conflict for the
  /// current snapshot, and for one that unfinished jobs need (names some).
  Status remove(const Caller& caller, const std::string& database, const std::string& id);

 private:
  struct Order {
    DatabaseWork work;
    /// What to do, on the works' thread; its words become the message.
    std::function<Result<std::string>(Order&)> act;
    std::stop_source stop{};
  };
  using OrderPtr = std::shared_ptr<Order>;

  Result<DatabaseWork> enqueue(DatabaseWork work, std::function<Result<std::string>(Order&)> act)
      EXCLUDES(mutex_);
  void run(std::stop_token stopping) EXCLUDES(mutex_);
  void do_one(Order& order) EXCLUDES(mutex_);
  Result<std::string> do_build(Order& order, BuildOrder& build);
  Result<std::string> do_add(Order& order, const std::filesystem::path& path);
  Result<std::string> do_fetch(Order& order);
  Result<std::string> do_verify(Order& order);
  Result<std::string> do_warm(Order& order, std::uint64_t budget_bytes);
  /// Says how far an order is; of 0 nothing is known.
  void report(Order& order, std::uint64_t done, std::uint64_t total) EXCLUDES(mutex_);
  void forget_old() REQUIRES(mutex_);
  /// Errors: not_found.
  Result<OrderPtr> find(const std::string& id) const REQUIRES(mutex_);

  DatabaseDetails details_;
  const DatabaseWorksParts parts_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<OrderPtr> waiting_ GUARDED_BY(mutex_);
  std::deque<OrderPtr> known_ GUARDED_BY(mutex_);  ///< the oldest first
  std::jthread thread_;
};

}  // namespace loom::service
