#include "sched/waiting_jobs.hpp"

#include <algorithm>
#include <limits>

namespace loom::sched {

namespace {

/// Takes one out of a queue of `queues`, and the queue when it is empty. Whether it was there.
template <class Queues, class Name>
std::size_t erase(Queues& queues, const Name& name, std::uint64_t number) {
  const auto queue = queues.find(name);
  if (queue == queues.end()) return 0;
  const std::size_t erased = queue->second.erase(number);
  if (queue->second.empty()) queues.erase(queue);
  return erased;
}

}  // namespace

void WaitingJobs::add(const ActivePtr& job) {
  if (queues_[name_of(*job)].emplace(job->number, job).second) ++size_;
  if (!job->company.empty() && !job->alone) companies_[job->company].emplace(job->number, job);
}

void WaitingJobs::remove(const ActivePtr& job) {
  size_ -= erase(queues_, name_of(*job), job->number);
  erase(companies_, job->company, job->number);
}

std::vector<ActivePtr> WaitingJobs::heads() const {
  std::vector<ActivePtr> heads;
  heads.reserve(queues_.size());
  for (const auto& [name, queue] : queues_) heads.push_back(queue.begin()->second);
  return heads;
}

const std::map<std::uint64_t, ActivePtr>& WaitingJobs::riders(const std::string& company) const {
  static const Queue kNone;
  const auto queue = companies_.find(company);
  return queue == companies_.end() ? kNone : queue->second;
}

std::uint64_t WaitingJobs::place(const ActiveJob& job) const {
  const auto& [owner, priority, database] = name_of(job);
  std::uint64_t place = 1;
  for (auto queue = queues_.lower_bound({owner, std::numeric_limits<std::int64_t>::min(), ""});
       queue != queues_.end() && std::get<0>(queue->first) == owner && std::get<1>(queue->first) <= priority;
       ++queue) {
    if (std::get<1>(queue->first) < priority)
      place += queue->second.size();
    else
      place += static_cast<std::uint64_t>(
          std::distance(queue->second.begin(), queue->second.lower_bound(job.number)));
  }
  return place;
}

}  // namespace loom::sched
