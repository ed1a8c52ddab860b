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
  if (queues_[job->job.request.owner][name_of(*job)].emplace(job->number, job).second) ++size_;
  if (!job->company.empty() && !job->alone) companies_[job->company].emplace(job->number, job);
}

void WaitingJobs::remove(const ActivePtr& job) {
  if (const auto own = queues_.find(job->job.request.owner); own != queues_.end()) {
    size_ -= erase(own->second, name_of(*job), job->number);
    if (own->second.empty()) queues_.erase(own);
  }
  erase(companies_, job->company, job->number);
}

std::vector<ActivePtr> WaitingJobs::heads(std::string_view owner) const {
  std::vector<ActivePtr> heads;
  if (const auto own = queues_.find(owner); own != queues_.end())
    for (const auto& [name, queue] : own->second) heads.push_back(queue.begin()->second);
  return heads;
}

std::vector<std::string_view> WaitingJobs::owners() const {
  std::vector<std::string_view> owners;
  owners.reserve(queues_.size());
  for (const auto& [owner, queues] : queues_) owners.emplace_back(owner);
  return owners;
}

const std::map<std::uint64_t, ActivePtr>& WaitingJobs::riders(const std::string& company) const {
  static const Queue kNone;
  const auto queue = companies_.find(company);
  return queue == companies_.end() ? kNone : queue->second;
}

std::uint64_t WaitingJobs::place(const ActiveJob& job) const {
  std::uint64_t place = 1;
  const auto own = queues_.find(job.job.request.owner);
  if (own == queues_.end()) return place;
  const std::int64_t priority = name_of(job).first;
  for (const auto& [name, queue] : own->second) {
    if (name.first > priority) break;
    place += name.first < priority
                 ? queue.size()
                 : static_cast<std::uint64_t>(std::distance(queue.begin(), queue.lower_bound(job.number)));
  }
  return place;
}

}  // namespace loom::sched
