#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "app/server_options.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "sched/beat.hpp"
#include "storage/azure/azure_object_store.hpp"
#include "storage/object_store.hpp"
#include "store/job_store.hpp"

namespace loom::app {

using AzureClients = storage::ClientPool<storage::azure::BlobClient>;

/// Where a server keeps its objects.
struct ObjectStorage {
  std::unique_ptr<storage::ObjectStore> store;
  std::shared_ptr<AzureClients> clients;  ///< to be pruned; null when there are none

  /// Whether it answers. Blocking. Errors: those of ObjectStore::stat.
  [[nodiscard]] Status check(Deadline deadline) const;
};

/// Closes clients that nobody used for long; for the beat.
sched::Periodic client_prune(const std::shared_ptr<AzureClients>& clients);

/// Opens what --objects names, and claims it for this data folder: a server removes objects of jobs that it
/// does not know, so two of them must not share a store, and a job store that is new (`jobs`, in `file`) must
/// not be put beside results. Blocking. Errors: invalid_argument, naming the setting; conflict, when they are
/// another data folder's or another job store's, with the way out; those of both stores.
Result<ObjectStorage> open_objects(const ServerOptions& options, store::JobStore& jobs,
                                   const std::filesystem::path& file);

/// A random name for this data folder that no other has, made at its first use. Errors: those of writing it.
Result<std::string> data_id(const std::filesystem::path& data);

/// The same for who uses what another server has claimed: --objects must be named.
Result<ObjectStorage> join_objects(const ServerOptions& options);

/// "name = value" a line; empty lines and those that begin with '#' say nothing. Names: account, key, sas,
/// endpoint, ca-file. Errors: invalid_argument, with the number of the line and never its value.
Result<std::map<std::string, std::string>> parse_account_file(std::string_view text);

}  // namespace loom::app
