#include "sched/upkeep.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/folder.hpp"
#include "sched/job_keys.hpp"

namespace loom::sched {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kHourly{3600};
constexpr std::size_t kPage = 1000;

/// Calls `each` with every object below `prefix`, in order of keys.
Status for_objects(storage::ObjectStore& objects, const std::string& prefix,
                   const std::function<Status(const storage::ObjectInfo&)>& each) {
  std::string after;
  for (;;) {
    LOOM_TRY(const auto page, objects.list(prefix, after, kPage, store_deadline()));
    for (const storage::ObjectInfo& one : page) LOOM_CHECKED(each(one));
    if (page.size() < kPage) return ok();
    after = page.back().key.str();
  }
}

/// Calls `each` with every ended job that was created at `newest` or before, the newest first.
Status for_ended(store::JobStore& jobs, store::UnixTime newest,
                 const std::function<void(const store::Job&)>& each) {
  constexpr std::string_view kLastId = "ffffffffffffffffffffffffffffffff";
  for (const auto state : {store::JobState::completed, store::JobState::failed, store::JobState::cancelled}) {
    std::optional<store::JobCursor> after =
        store::JobCursor{newest + std::chrono::milliseconds(1), store::JobId::parse(kLastId).value()};
    do {
      LOOM_TRY(const store::JobPage page,
               jobs.list({.state = state}, after, store::kMostRows, store_deadline()));
      std::ranges::for_each(page.jobs, each);
      after = page.next;
    } while (after);
  }
  return ok();
}

/// nullopt: there is no such job.
Result<std::optional<store::Job>> find(store::JobStore& jobs, const store::JobId& id) {
  auto job = jobs.get(id, store_deadline());
  if (job) return std::optional(*std::move(job));
  if (job.error().code == Code::not_found) return std::optional<store::Job>();
  return job.error();
}

Result<std::uint64_t> remove_old(store::JobStore& jobs, int days,
                                 const std::function<Status(const store::JobId&)>& remove) {
  const auto oldest = store::wall_now() - std::chrono::hours(24 * days);
  std::vector<store::JobId> old;
  LOOM_CHECKED(for_ended(jobs, oldest, [&](const store::Job& job) {
    if (job.finished && *job.finished <= oldest) old.push_back(job.id);
  }));
  std::uint64_t removed = 0;
  for (const store::JobId& id : old)
    if (remove(id)) ++removed;
  return removed;
}

Result<std::uint64_t> remove_past(store::JobStore& jobs, storage::ObjectStore& objects, std::uint64_t most,
                                  const std::function<Status(const store::JobId&)>& remove) {
  std::uint64_t total = 0;
  std::map<std::string, std::uint64_t> bytes;  // of each job, and of each query
  LOOM_CHECKED(for_objects(objects, "", [&](const storage::ObjectInfo& one) {
    const auto id = job_of(one.key);
    bytes[id ? id->str() : one.key.str()] += one.size_bytes;
    total += one.size_bytes;
    return ok();
  }));
  LOOM_TRY(const std::uint64_t answers, jobs.answer_bytes(store_deadline()));
  total += answers;
  if (total <= most) return std::uint64_t{0};
  // Not the jobs themselves: each may have many options, and there may be very many jobs.
  struct Ended {
    store::UnixTime when;
    store::JobId id;
    std::uint64_t bytes;
  };
  std::vector<Ended> ended;
  LOOM_CHECKED(for_ended(jobs, store::wall_now(), [&](const store::Job& job) {
    const auto own = bytes.find(job.id.str());
    const auto query = bytes.find(job.request.query_key);
    if (own == bytes.end() && query == bytes.end() && !job.answer_bytes) return;
    ended.push_back({.when = job.finished.value_or(job.created),
                     .id = job.id,
                     .bytes = (own == bytes.end() ? 0 : own->second) +
                              (query == bytes.end() ? 0 : query->second) + job.answer_bytes.value_or(0)});
  }));
  std::ranges::sort(ended, {}, &Ended::when);
  std::uint64_t removed = 0;
  for (const Ended& one : ended) {
    if (total <= most) break;
    if (!remove(one.id)) continue;
    total -= std::min(total, one.bytes);
    ++removed;
  }
  return removed;
}

Result<std::uint64_t> sweep_objects(store::JobStore& jobs, storage::ObjectStore& objects,
                                    const std::string& prefix) {
  std::vector<storage::ObjectKey> left;
  std::optional<store::JobId> last;
  bool there = true;
  LOOM_CHECKED(for_objects(objects, prefix, [&](const storage::ObjectInfo& one) -> Status {
    const auto id = job_of(one.key);
    if (!id) return ok();
    if (id != last) {
      LOOM_TRY(const auto job, find(jobs, *id));
      there = job.has_value();
    }
    last = id;
    if (!there) left.push_back(one.key);
    return ok();
  }));
  for (const storage::ObjectKey& key : left) LOOM_CHECKED(objects.remove(key, store_deadline()));
  return left.size();
}

Result<std::uint64_t> sweep_work(store::JobStore& jobs, const fs::path& work) {
  std::uint64_t removed = 0;
  LOOM_CHECKED(for_entries(work, [&](const fs::directory_entry& folder) -> Status {
    const auto id = store::JobId::parse(folder.path().filename().string());
    if (!id) return ok();  // of a rendering, which is removed by who makes it, and at the next start
    LOOM_TRY(const auto job, find(jobs, *id));
    std::error_code ignored;
    const bool over = !job || job->state == store::JobState::completed;
    if (over && fs::remove_all(folder.path(), ignored) > 0) ++removed;
    return ok();
  }));
  return removed;
}

/// The objects that were seen, in the order in which they were first.
class MadeObjects {
 public:
  MadeObjects(storage::ObjectStore& objects, std::uint64_t most_bytes)
      : objects_(objects), most_bytes_(most_bytes) {}

  /// How many were removed.
  Result<std::uint64_t> drop_oldest() {
    const std::uint64_t before = last_;
    LOOM_CHECKED(look());
    std::vector<std::pair<std::uint64_t, storage::ObjectInfo>> old;
    std::uint64_t total = 0;
    for (const auto& [key, one] : seen_) {
      total += one.info.size_bytes;
      if (one.number <= before && one.number < last_) old.emplace_back(one.number, one.info);
    }
    std::ranges::sort(old, {}, [](const auto& one) { return one.first; });
    std::uint64_t removed = 0;
    for (const auto& [number, info] : old) {
      if (total <= most_bytes_) break;
      LOOM_CHECKED(objects_.remove(info.key, store_deadline()));
      seen_.erase(info.key);
      total -= info.size_bytes;
      ++removed;
    }
    return removed;
  }

 private:
  struct Seen {
    storage::ObjectInfo info;
    std::uint64_t number;
  };
  Status look() {
    std::map<storage::ObjectKey, Seen> now;
    LOOM_CHECKED(for_objects(objects_, "", [&](const storage::ObjectInfo& one) {
      const auto known = seen_.find(one.key);
      const bool same = known != seen_.end() && known->second.info.version == one.version;
      now.insert_or_assign(one.key, Seen{one, same ? known->second.number : ++last_});
      return ok();
    }));
    seen_ = std::move(now);
    return ok();
  }

  storage::ObjectStore& objects_;
  const std::uint64_t most_bytes_;
  std::map<storage::ObjectKey, Seen> seen_;
  std::uint64_t last_ = 0;
};

}  // namespace

Periodic bound_made(storage::ObjectStore& objects, std::uint64_t most_bytes) {
  const auto made = std::make_shared<MadeObjects>(objects, most_bytes);
  return {
      .name = "bound_made", .every = std::chrono::seconds(60), .run = [made] { return made->drop_oldest(); }};
}

Periodic retention(store::JobStore& jobs, storage::ObjectStore& objects, RetentionLimits limits,
                   std::function<Status(const store::JobId&)> remove) {
  const auto run = [&jobs, &objects, limits, remove = std::move(remove)]() -> Result<std::uint64_t> {
    std::uint64_t removed = 0;
    if (limits.days > 0) {
      LOOM_TRY(removed, remove_old(jobs, limits.days, remove));
    }
    if (limits.bytes == 0) return removed;
    LOOM_TRY(const std::uint64_t more, remove_past(jobs, objects, limits.bytes, remove));
    return removed + more;
  };
  return {.name = "retention", .every = kHourly, .run = run};
}

Result<Periodic> sweep(store::JobStore& jobs, storage::ObjectStore& objects, fs::path work) {
  auto queries = std::make_shared<std::vector<storage::ObjectKey>>();
  LOOM_CHECKED(for_objects(objects, "queries/", [&](const storage::ObjectInfo& one) {
    queries->push_back(one.key);
    return ok();
  }));
  const auto run = [&jobs, &objects, work = std::move(work), queries]() -> Result<std::uint64_t> {
    std::uint64_t removed = 0;
    for (; !queries->empty(); queries->pop_back()) {
      LOOM_TRY(const std::uint64_t users, jobs.users_of_query(queries->back().str(), store_deadline()));
      if (users > 0) continue;
      LOOM_CHECKED(objects.remove(queries->back(), store_deadline()));
      ++removed;
    }
    LOOM_TRY(const std::uint64_t left, sweep_objects(jobs, objects, "jobs/"));
    LOOM_TRY(const std::uint64_t folders, sweep_work(jobs, work));
    return removed + left + folders;
  };
  return Periodic{.name = "sweep", .every = kHourly, .run = run};
}

}  // namespace loom::sched
