#include "service/chosen_queries.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "base/sha256.hpp"
#include "blast/program.hpp"
#include "sched/job_keys.hpp"
#include "search/query_file.hpp"
#include "sequence/byte_source.hpp"
#include "sequence/fasta_reader.hpp"

namespace loom::service {

namespace {

class ObjectSource final : public sequence::ByteSource {
 public:
  ObjectSource(std::unique_ptr<storage::ObjectReader> reader, Deadline deadline)
      : reader_(std::move(reader)), deadline_(deadline) {}

  Result<std::size_t> read(std::span<char> into) override {
    return reader_->read(std::as_writable_bytes(into), deadline_);
  }

 private:
  std::unique_ptr<storage::ObjectReader> reader_;
  Deadline deadline_;
};

}  // namespace

Result<std::vector<std::uint64_t>> sorted_ordinals(const store::Job& job, std::vector<std::uint64_t> given) {
  std::ranges::sort(given);
  given.erase(std::unique(given.begin(), given.end()), given.end());
  if (given.empty() || given.back() < job.request.queries) return given;
  return error(Code::invalid_argument, "there is no query {}; they are numbered from 0 to {}", given.back(),
               job.request.queries - 1);
}

Result<store::Job> with_queries(const store::Job& job, const std::vector<std::uint64_t>& ordinals,
                                const storage::ObjectKey& key, store::JobStore& jobs,
                                storage::ObjectStore& objects, Deadline deadline) {
  LOOM_TRY(const blast::Program program, blast::parse_program(job.request.program));
  LOOM_TRY(auto query, sched::open_query(jobs, objects, job, deadline));
  const auto source =
      sequence::unpacked(std::make_unique<ObjectSource>(std::move(query), deadline), "the job's query");
  sequence::FastaReader records(*source, search::alphabet_of(program));
  LOOM_TRY(const auto writer, objects.open_writer(key, deadline));
  store::Job part = job;
  part.request.query_key = key.str();
  part.request.queries = ordinals.size();
  part.request.letters = 0;
  Sha256 hash;
  for (auto wanted = ordinals.begin(); wanted != ordinals.end();) {
    if (deadline.passed())
      return error(Code::timed_out, "the queries before query {} take too long to read; ask again", *wanted);
    LOOM_TRY(const auto record, records.next());
    if (!record) return error(Code::corrupt, "the job has fewer queries than when it was sent");
    if (record->ordinal != *wanted) continue;
    LOOM_CHECKED(writer->write(std::as_bytes(std::span(record->raw)), deadline));
    hash.add(record->raw);
    part.request.letters += record->letters;
    ++wanted;
  }
  if (!records.unsplittable().empty())
    return error(Code::conflict, "the queries of this job cannot be taken apart: {}; take the output of all",
                 records.unsplittable());
  LOOM_CHECKED(writer->commit(deadline));
  part.request.sha256 = hash.hex();
  return part;
}

}  // namespace loom::service
