#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "catalog/display_cache.hpp"
#include "catalog/residency.hpp"
#include "service/databases.hpp"
#include "storage/object_store.hpp"

namespace loom::service {

/// What is shown of one database. Thread-safe. Blocking: on disk.
class DatabaseDetails {
 public:
  /// Borrowed. `objects` may be null: then nothing is looked for there.
  explicit DatabaseDetails(DatabaseList& databases, storage::ObjectStore* objects = nullptr)
      : databases_(databases), objects_(objects) {}

  /// doc/formats/display.md, of a database of DatabaseList::open. Read once and kept, until its files are
  /// seen to have changed or forget() is told; however many ask at once. Errors: those of open; timed_out;
  /// those of the object store, so that what could not be read there is asked for again soon.
  Result<catalog::DisplayText> metadata(const std::string& database, const std::string& id,
                                        Deadline deadline);

  /// How much of it is in the page cache now. Errors: those of DatabaseList::open; of its files.
  Result<catalog::Residency> residency(const std::string& database, const std::string& id);

  /// Forgets what is kept of one database and snapshot, or of all when `database` is empty; how many there
  /// were. Other servers are told.
  Result<std::size_t> forget(const std::string& database, const std::string& id);
  /// The same without telling: another server says so.
  Result<std::size_t> forget_here(const std::string& database, const std::string& id);
  /// How other servers are told; must not block. To be set before the first forget().
  void tell_with(std::function<void(const std::string& database, const std::string& id)> tell) {
    tell_ = std::move(tell);
  }

 private:
  Result<std::string> load(const std::string& database, const std::string& id);

  DatabaseList& databases_;
  storage::ObjectStore* objects_;
  std::function<void(const std::string& database, const std::string& id)> tell_;
  catalog::DisplayCache cache_;
};

/// Where the object store may hold metadata of a database, as JSON: "databases/NAME-metadata.json".
std::string metadata_key(const std::string& database);

}  // namespace loom::service
