#pragma once
#include <compare>
#include <cstdint>
#include <istream>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.hpp"
#include "exec/process_runner.hpp"
#include "service/databases.hpp"

namespace loom::service {

/// Where the sequences of a database made without -parse_seqids are, by the first word of their titles, which
/// is what reports call them. Immutable. 16 bytes for a sequence.
class TitleIndex {
 public:
  struct Entry {
    std::uint64_t hash = 0;  ///< of the word
    std::uint32_t oid = 0;
    std::uint32_t letters = 0;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };

  /// `listing`: what blastdbcmd -outfmt "%o %l %t" printed of all sequences. Errors: corrupt.
  static Result<TitleIndex> read(std::istream& listing);

  /// Those whose title may begin with `id`, by OID: of two words with one hash both. Of an id that BLAST+
  /// made up ("gnl|BL_ORD_ID|7") that sequence.
  [[nodiscard]] std::span<const Entry> find(std::string_view id) const;
  [[nodiscard]] std::size_t size() const { return by_hash_.size(); }

 private:
  std::vector<Entry> by_hash_;
  std::vector<Entry> by_oid_;
};

/// The indexes of databases that were asked for, each made once for a version of its database, and kept while
/// they are few. Thread-safe. Blocking: on blastdbcmd, which lists the whole database the first time.
class TitleIndexes {
 public:
  static constexpr std::size_t kMostSequences = 32'000'000;  ///< of all that are kept: 1 GiB

  /// `runner` is borrowed.
  explicit TitleIndexes(exec::ProcessRunner& runner) : runner_(runner) {}

  /// `version` tells one state of the database from another (DatabaseList::version_of). `scratch`: a folder
  /// for a file that nobody sees. Errors: too_large for a database of more than kMostSequences; those of the
  /// runner; corrupt.
  Result<std::shared_ptr<const TitleIndex>> get(const std::string& version, const OpenDatabase& database,
                                                const std::filesystem::path& scratch, Deadline deadline)
      EXCLUDES(mutex_);

 private:
  exec::ProcessRunner& runner_;
  Mutex mutex_;  // held while one is made: who wants the same one waits for it
  std::map<std::string, std::shared_ptr<const TitleIndex>> known_ GUARDED_BY(mutex_);
  std::size_t sequences_ GUARDED_BY(mutex_) = 0;
};

}  // namespace loom::service
