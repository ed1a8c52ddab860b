#include "sched/work_board.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>

namespace loom::sched {

namespace {

/// What a job is charged for before it is known what it takes.
constexpr double kGuess = 0.1;  // CPU seconds

/// Above every priority: a format is made when somebody wants to look at it now.
constexpr std::int32_t kSomebodyWaits = 1000;

}  // namespace

std::uint64_t database_number(const std::string& names) {
  return names.empty() ? 0 : std::max<std::uint64_t>(1, std::hash<std::string>{}(names));
}

void WorkBoard::wait(const ActivePtr& job) {
  job->phase = ActiveJob::Phase::waiting;
  forget(job);
  waiting.add(job);
  sizes_[database_number(job->job.request.database)] = job->spec.database_bytes;
}

void WorkBoard::begin(const ActivePtr& job) {
  job->phase = ActiveJob::Phase::preparing;
  waiting.remove(job);
  begun[job->job.request.owner].emplace(job->number, job);
}

void WorkBoard::remove(const ActivePtr& job) {
  waiting.remove(job);
  forget(job);
}

void WorkBoard::forget(const ActivePtr& job) {
  const auto own = begun.find(job->job.request.owner);
  if (own == begun.end()) return;
  own->second.erase(job->number);
  if (own->second.empty()) begun.erase(own);
}

void WorkBoard::add_candidates(Candidates& into, std::string_view owner) const {
  const auto consider = [&](const ActivePtr& job) {
    if (!job->can_run()) return;
    Candidate one{.owner = &job->job.request.owner,
                  .priority = job->job.request.priority + (job->rendering ? kSomebodyWaits : 0),
                  .waiting_since = job->waiting_since,
                  .served = job->served,
                  .finishes = job->phase == ActiveJob::Phase::finishing,
                  .number = job->number};
    const std::uint64_t database = database_number(job->job.request.database);
    one.warm = read_.contains(database) || warmth_.warm(database);
    if (job->phase == ActiveJob::Phase::searching) {
      one.threads = std::min(job->split->steps()[job->next_step()].threads, limits_.cores);
      one.database = database;
      one.database_bytes = job->spec.database_bytes / static_cast<std::uint64_t>(job->split->plan().shards);
    }
    into.jobs.push_back(job);
    into.all.push_back(one);
  };
  if (const auto own = begun.find(owner); own != begun.end())
    for (const auto& [number, job] : own->second) consider(job);
  for (const ActivePtr& job : waiting.heads(owner)) consider(job);
}

ActivePtr WorkBoard::next(Instant now) {
  if (cores_free == 0) return nullptr;
  Room room{.cores_free = cores_free,
            .memory_free = limits_.memory_bytes,
            .idle = cores_free == limits_.cores,
            .read = &read_};
  for (const auto& [database, uses] : read_)
    if (!limits_.elsewhere) room.memory_free -= std::min(room.memory_free, sizes_[database]);

  // Owners come first in the order of FairShare: nobody's jobs are looked at while one before him has some.
  std::set<std::string_view> owners;
  for (const auto& [owner, jobs] : begun) owners.insert(owner);
  for (const std::string_view owner : waiting.owners()) owners.insert(owner);
  std::map<double, std::vector<std::string_view>> by_use;
  for (const std::string_view owner : owners) by_use[share.used(owner, now)].push_back(owner);
  for (const auto& [used, equals] : by_use) {
    Candidates found;
    for (const std::string_view owner : equals) add_candidates(found, owner);
    if (const auto chosen = share.next(found.all, room, now)) return found.jobs[*chosen];
    if (FairShare::any_waited_long(found.all, room, now)) return nullptr;
  }
  return nullptr;
}

Work WorkBoard::claim(const ActivePtr& job) {
  Work work{.jobs = {job}, .charged = kGuess};
  if (job->phase == ActiveJob::Phase::waiting) {
    begin(job);
  } else if (job->phase == ActiveJob::Phase::finishing) {
    work.kind = Work::Kind::finish;
    job->claimed = true;
  } else {
    work.kind = Work::Kind::step;
    const search::Step& next = job->split->steps()[job->next_step()];
    work.cores = std::min(next.threads, limits_.cores);
    work.charged = costs.corrected(job->kind, next.seconds);
    --(job->scouts_unclaimed > 0 ? job->scouts_unclaimed : job->searches_unclaimed);
  }
  return work;
}

void WorkBoard::start(Work& work, Instant now) {
  if (work.kind == Work::Kind::step || work.kind == Work::Kind::group) {
    work.database = database_number(work.jobs.front()->job.request.database);
    ++read_[work.database];
  }
  for (const ActivePtr& one : work.jobs) {
    const double part = work.charged / static_cast<double>(work.jobs.size());
    one->served += part;
    // What is small keeps its place in the line until it is done.
    if (one->served >= FairShare::kSmall) one->waiting_since = now;
    ++one->running;
    share.charge(one->job.request.owner, part, now);
  }
  cores_free -= work.cores;
}

void WorkBoard::give_back(const Work& work) {
  cores_free += work.cores;
  if (work.database != 0) {
    const auto read = read_.find(work.database);
    if (--read->second == 0) read_.erase(read);
  }
  for (const ActivePtr& job : work.jobs) --job->running;
}

}  // namespace loom::sched
