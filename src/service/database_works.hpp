#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.hpp"
#include "service/access.hpp"
#include "service/database_details.hpp"
#include "service/database_fetch.hpp"
#include "service/database_work.hpp"
#include "service/databases.hpp"
#include "service/sequences.hpp"
#include "service/upload.hpp"
#include "store/job.hpp"

namespace loom::service {

/// Something that is done to a database and takes long. Kept in memory: after a restart of the server it is
/// forgotten, and what it had not finished was not done.
struct DatabaseWork {
  enum class State { queued, running, completed, failed, cancelled };
  std::string id;    ///< 32 hex digits
  std::string kind;  ///< build, fetch, verify or warm
  std::string database;
  std::string snapshot;  ///< verified, or made by a build that is completed
  State state = State::queued;
  std::optional<double> fraction;  ///< done, 0 to 1; unset: not known
  std::string message;             ///< why it failed, or what a verification found wrong
  store::UnixTime created{};
  std::optional<store::UnixTime> finished;
};
std::string_view name(DatabaseWork::State state);

/// The use cases of kept databases: what is long runs one after another on a thread of its own, in order of
/// asking. Changes are for admins; everyone may look. Thread-safe. Blocking: on disk.
class DatabaseWorks {
 public:
  static constexpr std::size_t kMostWaiting = 100;
  static constexpr std::size_t kMostKept = 200;

  /// References are borrowed. `uploads` is a folder of this server alone. `mirror`: the address that
  /// fetch() takes databases from.
  DatabaseWorks(DatabaseList& databases, store::JobStore& jobs, exec::ProcessRunner& runner,
                std::filesystem::path uploads, std::string mirror);
  ~DatabaseWorks();
  DatabaseWorks(const DatabaseWorks&) = delete;
  DatabaseWorks& operator=(const DatabaseWorks&) = delete;

  /// Where sequences go on their way to build(). Errors: forbidden.
  Result<std::unique_ptr<QueryUpload>> begin_upload(const Caller& caller) const;
  /// Errors: forbidden; invalid_argument for names and taxids that cannot be; too_many.
  Result<DatabaseWork> build(const Caller& caller, BuildRequest request,
                             std::unique_ptr<QueryUpload> sequences);
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
  /// As fetch_sequences, of DatabaseList::open. Errors: of both.
  [[nodiscard]] Result<FetchedSequences> sequences(const std::string& database, const std::string& id,
                                                   const SequenceRequest& request, Deadline deadline);
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
    BuildRequest build;
    std::uint64_t budget_bytes = 0;  // of a warm-up
    std::unique_ptr<QueryUpload> sequences;
    std::stop_source stop;
  };
  using OrderPtr = std::shared_ptr<Order>;

  Result<DatabaseWork> add(const OrderPtr& order) EXCLUDES(mutex_);
  void run(std::stop_token stopping) EXCLUDES(mutex_);
  void do_one(const OrderPtr& order) EXCLUDES(mutex_);
  Result<std::string> do_build(const OrderPtr& order);
  Result<std::string> do_verify(const OrderPtr& order);
  Result<std::string> do_fetch(const OrderPtr& order);
  Result<std::string> do_warm(const OrderPtr& order);
  void forget_old() REQUIRES(mutex_);

  DatabaseDetails details_;
  DatabaseList& databases_;
  store::JobStore& jobs_;
  exec::ProcessRunner& runner_;
  const std::filesystem::path uploads_;
  const std::string mirror_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<OrderPtr> waiting_ GUARDED_BY(mutex_);
  std::deque<OrderPtr> known_ GUARDED_BY(mutex_);  ///< the oldest first
  std::jthread thread_;
};

/// Ids of unfinished jobs that need a snapshot in `folder` or below it. Blocking: on disk.
Result<std::vector<std::string>> jobs_using(store::JobStore& jobs, const std::filesystem::path& folder);
/// conflict when there are any, naming some.
Status check_unused(store::JobStore& jobs, const std::filesystem::path& folder);

}  // namespace loom::service
