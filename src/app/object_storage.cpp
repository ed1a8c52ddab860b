#include "app/object_storage.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>

#include "base/atomic_file.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "storage/files/files_object_store.hpp"

namespace loom::app {
namespace {

namespace fs = std::filesystem;
using storage::ObjectKey;
using storage::azure::AzureObjectStore;
using storage::azure::Settings;

constexpr std::array<std::string_view, 5> kNames{"account", "key", "sas", "endpoint", "ca-file"};
constexpr std::chrono::seconds kOpening{60};
constexpr std::string_view kOwner = "blastloom-owner";

ObjectKey owner_key() {
  return ObjectKey::parse(kOwner).value();
}

Result<std::map<std::string, std::string>> read_account_file(const fs::path& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return system_error(errno, "--azure-account-file " + path.string());
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return error(Code::invalid_argument,
                 "--azure-account-file {}: others may read it, and it holds a secret; first: chmod 600 {}",
                 path.string(), path.string());
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto values = parse_account_file(text);
  if (!values) return values.error().at("--azure-account-file " + path.string());
  return values;
}

/// A new job store beside results would have them removed.
Status check_known_by(store::JobStore& jobs, const fs::path& file, storage::ObjectStore& objects) {
  LOOM_TRY(const std::uint64_t happened, jobs.last_order(Deadline::in(kOpening)));
  if (happened > 0) return ok();
  LOOM_TRY(const auto first, objects.list("jobs/", "", 1, Deadline::in(kOpening)));
  if (first.empty()) return ok();
  return error(
      Code::conflict,
      "job store {}: it is new, but results of jobs are there, '{}' for one, which it would remove: put "
      "the store that they belong to in its place, or, to begin anew, remove the objects below 'jobs/'",
      file.string(), first.front().key.str());
}

/// `put_absent` puts the owner's key where there is none; conflict where there is one.
Status claim(storage::ObjectStore& store, const std::string& where, const std::string& id,
             const std::function<Status(std::span<const std::byte>)>& put_absent) {
  const std::span<const std::byte> own = std::as_bytes(std::span(id));
  Status claimed = put_absent(own);
  if (claimed || claimed.error().code != Code::conflict) return claimed;
  constexpr std::uint64_t kMostId = 1024;
  LOOM_TRY(const auto owner, store.get(owner_key(), kMostId, Deadline::in(kOpening)));
  if (std::ranges::equal(owner, own)) return ok();
  return error(
      Code::conflict,
      "--objects {}: it belongs to another server's data folder, and each removes objects of jobs "
      "that it does not know; name one of its own, or remove '{}' from it if that server is gone for "
      "good",
      where, kOwner);
}

Result<std::pair<std::unique_ptr<AzureObjectStore>, std::shared_ptr<AzureClients>>> open_container(
    const ServerOptions& options, const std::string& container) {
  std::map<std::string, std::string> values = options.azure;
  if (!options.azure_account_file.empty()) {
    LOOM_TRY(values, read_account_file(options.azure_account_file));
  }
  if (values["account"].empty())
    return error(
        Code::invalid_argument,
        "--objects azure:{}: no account; give --azure-account-file FILE, or set AZURE_STORAGE_ACCOUNT and "
        "AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN",
        container);
  const Settings settings{.account = values["account"],
                          .container = container,
                          .key = values["key"],
                          .sas = values["sas"],
                          .endpoint = values["endpoint"],
                          .ca_file = values["ca-file"],
                          .plain_http = options.azure_plain_http};
  const auto clients = std::make_shared<AzureClients>();
  auto store = AzureObjectStore::open(settings, {.retry = {}, .clients = clients}, Deadline::in(kOpening));
  if (!store) return store.error().at("--objects azure:" + container);
  return std::pair(*std::move(store), clients);
}

Result<ObjectStorage> open_azure(const ServerOptions& options, const std::string& container,
                                 store::JobStore& jobs, const fs::path& file) {
  LOOM_TRY(auto opened, open_container(options, container));
  LOOM_CHECKED(check_known_by(jobs, file, *opened.first));
  LOOM_TRY(const std::string id, data_id(options.data));
  AzureObjectStore& store = *opened.first;
  LOOM_CHECKED(claim(store, options.objects, id, [&store](std::span<const std::byte> own) -> Status {
    LOOM_CHECKED(store.put_if(owner_key(), own, {.if_absent = true}, Deadline::in(kOpening)));
    return ok();
  }));
  return ObjectStorage{std::move(opened.first), opened.second};
}

}  // namespace

Status ObjectStorage::check(Deadline deadline) const {
  const auto there = store->stat(owner_key(), deadline);
  if (there || there.error().code == Code::not_found) return ok();
  return there.error();
}

Result<std::map<std::string, std::string>> parse_account_file(std::string_view text) {
  std::map<std::string, std::string> values;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t equals = line.find('=');
    const std::string name(trimmed(line.substr(0, equals)));
    const bool known = std::find(kNames.begin(), kNames.end(), name) != kNames.end();
    if (equals == std::string_view::npos || !known || values.contains(name))
      return error(Code::invalid_argument, "line {}: 'name = value' is needed, each once, the name one of {}",
                   number, fmt::join(kNames, ", "));
    values[name] = trimmed(line.substr(equals + 1));
  }
  return values;
}

Result<std::string> data_id(const fs::path& data) {
  const fs::path path = data / "objects-id";
  std::ifstream file(path);
  std::string id;
  if (file >> id) return id;
  id = random_token();
  LOOM_TRY(AtomicFile made, AtomicFile::create(path));
  LOOM_CHECKED(made.write(id + "\n"));
  LOOM_CHECKED(made.commit());
  return id;
}

sched::Periodic client_prune(const std::shared_ptr<AzureClients>& clients) {
  return {.name = "client_prune",
          .every = std::chrono::seconds(60),
          .run = [clients]() -> Result<std::uint64_t> { return clients->prune(std::chrono::minutes(30)); }};
}

Result<ObjectStorage> join_objects(const ServerOptions& options) {
  const std::string& where = options.objects;
  if (where.starts_with("azure:")) {
    LOOM_TRY(auto opened, open_container(options, where.substr(6)));
    return ObjectStorage{std::move(opened.first), opened.second};
  }
  if (!where.starts_with("files:"))
    return error(Code::invalid_argument, "--objects: files:DIR or azure:CONTAINER is needed, not '{}'",
                 where);
  const fs::path folder = where.substr(6);
  if (std::error_code unknown; !fs::is_directory(folder, unknown))
    return error(Code::not_found, "--objects {}: no such folder on this machine", where);
  LOOM_TRY(auto store, storage::FilesObjectStore::open(folder));
  return ObjectStorage{std::move(store), nullptr};
}

Result<ObjectStorage> open_objects(const ServerOptions& options, store::JobStore& jobs,
                                   const fs::path& file) {
  const std::string& where = options.objects;
  if (where.starts_with("azure:")) return open_azure(options, where.substr(6), jobs, file);
  const fs::path folder = where.empty() ? options.data / "objects" : fs::path(where.substr(6));
  LOOM_TRY(std::unique_ptr<storage::ObjectStore> store, storage::FilesObjectStore::open(folder));
  LOOM_CHECKED(check_known_by(jobs, file, *store));
  LOOM_TRY(const std::string id, data_id(options.data));
  LOOM_CHECKED(claim(*store, "files:" + folder.string(), id, [&](std::span<const std::byte> own) -> Status {
    const auto there = store->stat(owner_key(), Deadline::in(kOpening));
    if (there) return error(Code::conflict, "it has an owner");
    if (there.error().code != Code::not_found) return there.error();
    return store->put(owner_key(), own, Deadline::in(kOpening));
  }));
  return ObjectStorage{std::move(store), nullptr};
}

}  // namespace loom::app
