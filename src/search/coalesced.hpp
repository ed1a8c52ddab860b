#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "blast/options.hpp"
#include "blast/outfmt.hpp"
#include "exec/process_runner.hpp"
#include "search/messages.hpp"
#include "search/repeats.hpp"
#include "search/task_runner.hpp"
#include "sequence/byte_source.hpp"

namespace loom::search {

/// Small searches that differ in their queries alone may ride in one engine run: each gets the bytes of a run
/// of its own (doc/exactness.md, "Searches in company"). That holds for blastn while all queries of one
/// internal batch have at most this many letters, counted by letters_in_company: above 8,000 letters of both
/// strands together the engine takes other tables (kQueryLenForHashTable in blast_parameters.c, and from
/// 8,500 BlastChooseNaLookupTable in blast_nalookup.c). The database is read once for each batch.
inline constexpr std::uint64_t kMostLettersInCompany = 4'000;
/// Searches of at most this many letters may fill several batches of one run: so the engine starts once for
/// all.
inline constexpr std::uint64_t kMostLettersInBatches = 1'000;

/// Each query is followed by one more place on each strand.
constexpr std::uint64_t letters_in_company(std::uint64_t letters, std::uint64_t queries) {
  return letters + queries;
}

/// Whether an option makes what is said of a query depend on more than the query.
bool cuts_across_queries(const blast::Options& options);

/// What searches that ride together have in common; empty if one of these options and this size rides alone.
std::string company_of(const blast::Options& options, std::uint64_t letters);

/// The BATCH_SIZE that makes the engine cut queries of these many letters into batches that are company, the
/// largest there is. nullopt: none does.
std::optional<std::uint64_t> batch_size_for(std::span<const std::uint64_t> letters);

/// One engine run for several searches. One thread at a time, but for write(). Blocking: on disk and
/// processes.
class Coalesced {
 public:
  /// `options` are those of every rider, whose company_of is the same and not empty; `folder` is there and of
  /// this run alone.
  static Result<Coalesced> make(blast::Options options, std::filesystem::path folder);

  /// Takes the search of the queries in `source` along. nullopt if they have odd names, are empty or too
  /// many, and must be searched alone; else the rider's number. Errors: those of reading.
  Result<std::optional<std::size_t>> add(sequence::ByteSource& source);

  /// Errors: as TaskRunner::run; conflict when queries so long cannot be cut into batches that are company.
  Result<TaskUse> run(TaskRunner& tasks, std::stop_token stop);

  /// After run(): the output of one rider, as a run of its own writes it; what the engine said goes to
  /// `messages`. Thread-safe.
  Result<std::string> output(std::size_t rider, Messages& messages) const;

 private:
  struct Query {
    std::string id;
    std::string title;
  };
  struct Rider {
    std::uint32_t first = 0;  // of its queries among all
    std::vector<Query> queries;
  };
  Coalesced(blast::Options options, blast::OutFormat format, std::filesystem::path folder)
      : options_(std::move(options)), format_(std::move(format)), folder_(std::move(folder)) {}

  static constexpr const char* kTask = "together";
  blast::Options options_;
  blast::OutFormat format_;
  std::filesystem::path folder_;
  std::vector<Rider> riders_;
  std::string text_;                    // the queries of all riders, as r1, r2, …
  std::vector<std::uint64_t> letters_;  // of each of them
  Repeats said_;                        // what the engine said of each query
  std::string said_to_all_;
  std::optional<DistinctOutput> answer_;
};

}  // namespace loom::search
