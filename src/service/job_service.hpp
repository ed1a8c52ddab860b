#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/limit.hpp"
#include "base/result.hpp"
#include "results/hit_index.hpp"
#include "results/report_reader.hpp"
#include "sched/scheduler.hpp"
#include "service/access.hpp"
#include "storage/object_store.hpp"
#include "store/job_store.hpp"

namespace loom::service {

/// What one request, one caller, and the server as a whole may have.
struct Limits {
  Limit header_bytes{16U << 10U, "limit-header"};  ///< of a request
  Limit body_bytes{32U << 20U, "limit-body"};      ///< of a request that is held in memory
  Limit upload_bytes{std::uint64_t{4} << 30U, "limit-upload"};
  Limit queries{1'000'000, "limit-queries"};      ///< of a job …
  Limit letters{4'000'000'000, "limit-letters"};  ///< … and their letters
  Limit jobs_per_caller{10'000, "limit-jobs-per-caller"};
  Limit jobs{100'000, "limit-jobs"};  ///< unfinished ones, of all callers
};

/// A query set on its way into the object store. Destroyed before JobService::submit took it, it leaves
/// nothing. One thread at a time. Blocking: on disk or network.
class Upload {
 public:
  virtual ~Upload() = default;
  /// Appends. Errors: too_large past Limits::upload_bytes; disk_full.
  virtual Status write(std::string_view bytes) = 0;
};

/// A search as asked for over the wire.
struct SubmitRequest {
  std::string program;
  std::string database;
  std::vector<std::pair<std::string, std::string>> options;  ///< BLAST+'s names without the dash, and values
  std::string title;
  std::int32_t priority = 0;
  std::string on_saturation = "identical";  ///< or "complete"
  /// Taxids: of those in the database, only sequences of these and all below them (empty: any) …
  std::vector<std::uint32_t> organisms{};
  std::vector<std::uint32_t> organisms_not{};  ///< … and none of these
  bool fresh = false;                          ///< search even if the answer is known from an earlier search
};

/// What a submit would do, found without doing it.
struct Preflight {
  std::uint64_t queries = 0;
  std::uint64_t letters = 0;
  std::uint64_t tasks = 0;
  int shards = 1;
  double cpu_seconds = 0;            ///< predicted
  double wall_seconds = 0;           ///< predicted, of this search alone
  int workers = 1;                   ///< cores that it would use
  std::vector<std::string> reasons;  ///< of the plan
  std::vector<std::string> warnings;
};

/// One file of a job's results.
struct ResultFile {
  std::string name;    ///< "query.fasta", "output.outfmt-6", "messages.txt", "rendered.outfmt-5"
  std::string kind;    ///< query, output, messages, rendered
  std::string outfmt;  ///< of output and rendered
  std::uint64_t size_bytes = 0;
  std::string sha256;                              ///< hex; empty: it is not known yet, or was not asked for
  std::optional<storage::ObjectInfo> object = {};  ///< where it lies; unset: in the job store
};

/// What of a job's output is wanted.
struct OutputRequest {
  std::string outfmt{};                  ///< empty: the job's own
  std::vector<std::uint64_t> queries{};  ///< ordinals; empty: all
};

/// A result being made or made.
struct Rendered {
  std::optional<ResultFile> file;  ///< set: it is there
};

/// Why a job stands as it does, and what to do.
struct Explanation {
  std::string summary;                    ///< one sentence
  std::vector<std::string> reasons;       ///< the plan's, the queue's, retries
  std::string advice;                     ///< may be empty
  std::optional<std::uint64_t> position;  ///< in the queue, from 1
  std::optional<double> eta_seconds;
  std::optional<double> eta_error;  ///< typical relative error of past predictions: 0.3 is 30 %
};

struct DatabaseInfo {
  std::string name;
  std::string title;
  std::string molecule;  ///< protein or nucleotide
  std::uint64_t sequences = 0;
  std::uint64_t letters = 0;
  std::uint64_t bytes = 0;
  std::string date;
  int version = 0;
  std::string snapshot{};  ///< the current one's id; empty: the server does not keep it, it lies in BLASTDB
  std::string source{};    ///< where it came from
  std::string verified{};  ///< when its files were last found whole, RFC 3339
  std::string fault{};     ///< what was wrong with them then
  bool profiles = false;   ///< rpsblast and rpstblastn search it; else it holds plain sequences
};

/// A result that was made elsewhere, to be shown as a job.
struct ImportRequest {
  std::string program{};  ///< empty: the file tells it
  std::string outfmt{};   ///< of tabular output, with its columns: "6 std qlen"; empty: 7 tells, 6 has std
  std::string title{};
};

struct FetchedSequences;
struct Provenance;
struct SequenceRequest;

/// All use cases of jobs; knows no HTTP. Every method asks authorise() first. Thread-safe. Blocking: on disk,
/// so call it on the blocking pool. Errors common to all: those of JobStore and ObjectStore; forbidden;
/// not_found for jobs that are not there or not the caller's.
class JobService {
 public:
  virtual ~JobService() = default;

  /// The server is told to stop: who waits for an index of hits, and an import under way, get unavailable
  /// soon, and so does who asks for one later. At once.
  virtual void stop() = 0;
  /// Errors: forbidden for a viewer.
  virtual Result<std::unique_ptr<Upload>> begin_upload(const Caller& caller) = 0;
  /// Checks everything that BLAST+ would refuse, and queues the job. Nothing is left on an error.
  /// Errors: invalid_argument (program, option, query: names it), not_found (database, with near names),
  /// too_large (queries, letters), too_many (waiting jobs of the caller), conflict (key used with another
  /// body). With `key`, a repeated submit gives the first one's job.
  virtual Result<store::Submitted> submit(const Caller& caller, const SubmitRequest& request,
                                          std::unique_ptr<Upload> query,
                                          const std::optional<std::string>& key, Deadline deadline) = 0;
  virtual Result<Preflight> preflight(const Caller& caller, const SubmitRequest& request,
                                      std::unique_ptr<Upload> query, Deadline deadline) = 0;

  virtual Result<store::Job> get(const Caller& caller, const store::JobId& id, Deadline deadline) = 0;
  /// Without admin rights the filter's owner is the caller.
  virtual Result<store::JobPage> list(const Caller& caller, store::JobFilter filter,
                                      const std::optional<store::JobCursor>& after, std::size_t limit,
                                      Deadline deadline) = 0;
  virtual Result<store::Job> cancel(const Caller& caller, const store::JobId& id, Deadline deadline) = 0;
  virtual Result<store::Job> retry(const Caller& caller, const store::JobId& id, Deadline deadline) = 0;
  /// Removes the job and all that belongs to it. conflict unless it is final.
  virtual Status remove(const Caller& caller, const store::JobId& id, Deadline deadline) = 0;
  virtual Result<std::vector<store::Task>> tasks(const Caller& caller, const store::JobId& id,
                                                 std::uint32_t first, std::size_t limit,
                                                 Deadline deadline) = 0;
  virtual Result<std::vector<store::Event>> events(const Caller& caller, const store::JobId& id,
                                                   std::uint64_t after, std::size_t limit,
                                                   Deadline deadline) = 0;
  /// Events of all jobs the caller may see, with order > after; `last` is the order up to which was read.
  virtual Result<std::vector<store::Event>> all_events(const Caller& caller, std::uint64_t after,
                                                       std::size_t limit, std::uint64_t& last,
                                                       Deadline deadline) = 0;
  virtual Result<Explanation> explain(const Caller& caller, const store::JobId& id, Deadline deadline) = 0;

  /// The files there are: until the job is completed the query, and once it failed what the engine said.
  /// Waits for sums that take long, but not until they are there: ask again.
  virtual Result<std::vector<ResultFile>> results(const Caller& caller, const store::JobId& id,
                                                  Deadline deadline) = 0;
  /// One of them, without its sum. Errors: not_found.
  virtual Result<ResultFile> file(const Caller& caller, const store::JobId& id, const std::string& name,
                                  Deadline deadline) = 0;
  /// The output as `wanted`, without its sum, made now if need be; waits at most until `deadline` and then
  /// returns without a file: ask again. Of chosen queries it is what a search of just these prints. Errors:
  /// conflict unless the job is completed, and for what an imported result does not have; invalid_argument
  /// for a format or a query that is none.
  virtual Result<Rendered> output(const Caller& caller, const store::JobId& id, const OutputRequest& wanted,
                                  Deadline deadline) = 0;
  /// The hits of a completed job, indexed now if need be, which may run its search again; waits at most until
  /// `deadline` and then returns null: ask again. Errors: conflict unless the job is completed.
  virtual Result<std::shared_ptr<results::HitIndex>> hits(const Caller& caller, const store::JobId& id,
                                                          Deadline deadline) = 0;
  /// As hits(), but null unless the index is open already; asks no object store.
  virtual Result<std::shared_ptr<results::HitIndex>> open_hits(const Caller& caller, const store::JobId& id,
                                                               Deadline deadline) = 0;
  /// Opens a file that results(), file() or output() gave. Errors: not_found.
  virtual Result<std::unique_ptr<storage::ObjectReader>> open(const Caller& caller, const store::JobId& id,
                                                              const ResultFile& file, Deadline deadline) = 0;

  /// Takes a file of BLAST results (XML, archive or tabular output) as a completed job, once its hits are
  /// indexed: about a minute for each GB; stop() ends it. Nothing is left on an error. Errors: forbidden for
  /// a viewer; invalid_argument or corrupt for what is none, with the place; too_large.
  virtual Result<store::Job> import_result(const Caller& caller, const ImportRequest& request,
                                           std::unique_ptr<Upload> file) = 0;
  /// What BLAST+ prints of HSPs of the job's index in its report. Errors: as PairwiseWriter::write.
  virtual Result<results::PairwiseTexts> pairwise(const Caller& caller, const store::JobId& id,
                                                  std::span<const results::HspRow> rows,
                                                  Deadline deadline) = 0;
  /// Sequences of the job's own database. Errors: as SequenceReader::fetch and open_job_database.
  virtual Result<FetchedSequences> sequences(const Caller& caller, const store::JobId& id,
                                             const SequenceRequest& request, Deadline deadline) = 0;
  virtual Result<Provenance> provenance(const Caller& caller, const store::JobId& id, Deadline deadline) = 0;

  virtual Result<std::vector<DatabaseInfo>> databases(const Caller& caller, Deadline deadline) = 0;
  /// The format that a job's options ask for, as written; "0" if none.
  [[nodiscard]] virtual std::string outfmt_of(const store::Job& job) const = 0;
};

}  // namespace loom::service
