#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "blast/options.hpp"
#include "blast/outfmt.hpp"
#include "exec/process_runner.hpp"
#include "search/messages.hpp"
#include "search/repeats.hpp"
#include "search/task_runner.hpp"

namespace loom::search {

/// Small searches that differ in their queries alone may ride in one engine run: the database is read once
/// for all, and each gets the bytes of a run of its own (doc/exactness.md, "Searches in company"). That holds
/// for blastn while all queries together have at most this many letters, counted by letters_in_company: above
/// about 4,000 letters the engine takes other tables for what it has found (BlastChooseNaLookupTable in
/// blast_nalookup.c and kQueryLenForHashTable in blast_parameters.c count both strands).
inline constexpr std::uint64_t kMostLettersInCompany = 3'900;

/// Each query is followed by one more place on each strand.
constexpr std::uint64_t letters_in_company(std::uint64_t letters, std::uint64_t queries) {
  return letters + queries;
}

/// What searches that ride together have in common; empty if one of these options and this size rides alone.
std::string company_of(const blast::Options& options, std::uint64_t letters);

/// One engine run for several searches. One thread at a time, but for write(). Blocking: on disk and
/// processes.
class Coalesced {
 public:
  /// `options` are those of every rider, whose company_of is the same and not empty; `folder` is there and of
  /// this run alone.
  static Result<Coalesced> make(blast::Options options, std::filesystem::path folder);

  /// Takes the search of the queries in the plain file `queries` along. nullopt if they have odd names, are
  /// empty or too many, and must be searched alone; else the rider's number. Errors: those of reading.
  Result<std::optional<std::size_t>> add(const std::filesystem::path& queries);

  /// Errors: as TaskRunner::run.
  Result<TaskUse> run(TaskRunner& tasks, std::stop_token stop);

  /// After run(): the output of one rider, as a run of its own writes it. Thread-safe.
  Status write(std::size_t rider, const std::filesystem::path& out, Messages& messages) const;

 private:
  struct Rider {
    QueryFile queries;
    std::vector<std::uint32_t> numbers;  // of its queries among all
  };
  Coalesced(blast::Options options, blast::OutFormat format, std::filesystem::path folder)
      : options_(std::move(options)), format_(std::move(format)), folder_(std::move(folder)) {}

  static constexpr const char* kTask = "together";
  blast::Options options_;
  blast::OutFormat format_;
  std::filesystem::path folder_;
  std::vector<Rider> riders_;
  std::string text_;           // the queries of all riders, as r1, r2, …
  std::uint32_t queries_ = 0;  // of all riders
  std::uint64_t letters_ = 0;  // in company
  Repeats said_;               // what the engine said of each query
  std::string said_to_all_;
  std::filesystem::path answer_;
};

}  // namespace loom::search
