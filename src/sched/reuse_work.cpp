#include <algorithm>

#include "base/log.hpp"
#include "base/mapped_file.hpp"
#include "base/sha256.hpp"
#include "sched/job_keys.hpp"
#include "sched/local_scheduler.hpp"
#include "sequence/byte_source.hpp"

namespace loom::sched {

namespace {

constexpr const char* kReused = "reused";
constexpr const char* kReusedSpec =
    R"({"search":0,"first_unit":0,"last_unit":1,"threads":1,"seconds":0,"shards":1,"reused":true})";

}  // namespace

bool LocalScheduler::knows_answer(const JobSpec& spec, const std::string& query_sha256) {
  if (spec.fresh || !reuse_.may_have(query_sha256)) return false;
  const auto around = surroundings_of(reuse_.options(), spec);
  return around && *around && reuse_.find(search_key(**around, query_sha256), query_sha256);
}

std::optional<std::string> LocalScheduler::surroundings(const ActiveJob& job) const {
  if (reuse_.options().most_bytes == 0) return std::nullopt;
  // What is wrong with the search is told by whoever runs it.
  auto around = surroundings_of(reuse_.options(), job.spec);
  return around ? *std::move(around) : std::nullopt;
}

void LocalScheduler::name_search(const ActivePtr& job, const std::optional<std::string>& around) {
  const MutexLock lock(mutex_);
  if (!around) return;
  job->key = search_key(*around, job->job.request.sha256);
  job->surroundings = sha256_hex(*around);
}

std::optional<search::PartRule> LocalScheduler::part_rule_of(const ActiveJob& job) {
  if (job.surroundings.empty() || job.spec.on_saturation == search::OnSaturation::complete)
    return std::nullopt;
  return search::part_rule(job.spec.options, job.job.request.queries, job.job.request.letters);
}

search::FindPart LocalScheduler::known_to(const ActiveJob& job) {
  if (job.surroundings.empty() || job.spec.fresh) return {};
  return [this, surroundings = job.surroundings](const std::string& letters) {
    return parts_.find(surroundings, letters);
  };
}

bool LocalScheduler::answered_by_parts(const ActivePtr& job, sequence::ByteSource& queries) {
  const auto rule = part_rule_of(*job);
  if (!rule || job->spec.fresh || !(job->rendering || may_reuse(*job))) return false;
  const auto output = search::output_of_parts(queries, *rule, known_to(*job));
  if (!output || !*output) return false;
  reuse_.keep(job->key, job->job.request.sha256, **output, {});
  return answer_known(job);
}

void LocalScheduler::keep_parts(const ActiveJob& job, sequence::ByteSource& queries, std::string_view output,
                                std::string_view messages) {
  const auto rule = part_rule_of(job);
  if (!rule) return;
  const auto parts = search::parts_of_output(queries, *rule, output, messages);
  if (parts) parts_.keep(job.surroundings, *parts);
}

void LocalScheduler::keep_answer(const ActiveJob& job, const Written& written) {
  if (job.key.empty()) return;
  const auto output = MappedFile::open(written.output);
  const auto messages = MappedFile::open(written.messages);
  if (!output || !messages) return;
  reuse_.keep(job.key, job.job.request.sha256, output->text(), messages->text());
  const auto queries = sequence::open_byte_source((job.folder / kQueryFile).string());
  if (queries) keep_parts(job, **queries, output->text(), messages->text());
}

bool LocalScheduler::answer_known(const ActivePtr& job) {
  if (job->key.empty() || !(job->rendering || may_reuse(*job))) return false;
  const auto found = reuse_.find(job->key, job->job.request.sha256);
  if (!found) return false;
  const Status ended = end_with(job, *found);
  if (!ended && !is_over(ended.error())) {
    log::write(log::Level::warning, "reuse.failed",
               {{"job", job->job.id.str()}, {"reason", ended.error().message}});
    return false;
  }
  const MutexLock lock(mutex_);
  if (ended) ++counts_.reused_jobs;
  if (job->rendering) {
    end_rendering(job, ended);
    return true;
  }
  if (ended) job->job.state = store::JobState::completed;
  if (job->number > 0 && job->phase != ActiveJob::Phase::ended) drop(job);
  return true;
}

Status LocalScheduler::end_with(const ActivePtr& job, const Reuse::Found& found) {
  if (job->rendering)
    return put_rendered(
        job, [&](const std::stop_token& stop) { return put_found(found, job->rendering->key, stop); });
  store::WholeEnd end{.job = job->job.id,
                      .task = {.first_query = 0,
                               .queries = job->job.request.queries,
                               .letters = job->job.request.letters,
                               .spec = kReusedSpec},
                      .output_key = kReused,
                      .metrics = {.letters = job->job.request.letters},
                      .reused = true};
  if (found.output_bytes + found.messages.size() <= store::kMostAnswerBytes) {
    end.answer = store::Answer{std::string(found.output_bytes, '\0'), found.messages};
    LOOM_CHECKED(found.read(0, std::as_writable_bytes(std::span(end.answer->output))));
  } else {
    LOOM_CHECKED(
        objects_.put(messages_key(job->job.id), std::as_bytes(std::span(found.messages)), Deadline::never()));
    LOOM_CHECKED(put_found(found, output_key(job->job.id)));
  }
  LOOM_CHECKED(store_.end_whole(std::span(&end, 1), now(), store_deadline()).front());
  return ok();
}

Status LocalScheduler::put_found(const Reuse::Found& found, const storage::ObjectKey& key,
                                 const std::stop_token& stop) {
  LOOM_TRY(const auto writer, objects_.open_writer(key, Deadline::never()));
  std::vector<std::byte> block(storage::kBlock);
  for (std::uint64_t at = 0;;) {
    if (stop.stop_requested()) return error(Code::cancelled, "object '{}' was not written", key.str());
    LOOM_TRY(const std::size_t got, found.read(at, block));
    if (got == 0) return writer->commit(Deadline::never());
    LOOM_CHECKED(writer->write(std::span(block).first(got), Deadline::never()));
    at += got;
  }
}

bool LocalScheduler::join_equal(const ActivePtr& job) {
  const MutexLock lock(mutex_);
  if (job->key.empty() || job->rendering || !may_reuse(*job) || job->phase == ActiveJob::Phase::ended)
    return false;
  Equals& equals = equals_[job->key];
  if (!equals.runs) equals.runs = job;
  if (equals.runs == job) return false;
  job->follows = true;
  equals.wait.push_back(job);
  return true;
}

bool LocalScheduler::needs_no_search(const ActivePtr& job) {
  // Asked twice: the equal search may have kept its answer and left after the first time.
  return answer_known(job) || join_equal(job) || answer_known(job);
}

void LocalScheduler::leave_equals(const ActivePtr& job) {
  const auto equals = equals_.find(job->key);
  if (job->key.empty() || equals == equals_.end()) return;
  if (equals->second.runs != job) {
    std::erase(equals->second.wait, job);
    job->follows = false;
    return;
  }
  const std::vector<ActivePtr> waiting = std::move(equals->second.wait);
  equals_.erase(equals);
  for (const ActivePtr& one : waiting) {
    one->follows = false;
    board_.wait(one);
  }
}

}  // namespace loom::sched
