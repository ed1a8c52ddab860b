#include "service/title_index.hpp"

#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "blast/engine.hpp"
#include "catalog/resolve.hpp"
#include "service/database_check.hpp"

namespace loom::service {

namespace {

std::uint64_t hash_of(std::string_view word) {
  return XXH3_64bits(word.data(), word.size());
}

/// A number and the blank behind it, taken off `line`.
bool take_number(std::string_view& line, std::uint32_t& number) {
  const auto [end, wrong] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (wrong != std::errc{}) return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  if (!line.starts_with(' ')) return false;
  line.remove_prefix(1);
  return true;
}

}  // namespace

Result<TitleIndex> TitleIndex::read(std::istream& listing) {
  TitleIndex index;
  for (std::string text; std::getline(listing, text);) {
    std::string_view line = text;
    Entry entry;
    if (!take_number(line, entry.oid) || !take_number(line, entry.letters))
      return error(Code::corrupt, "blastdbcmd listed '{}' where an OID and a length were expected",
                   text.substr(0, 80));
    entry.hash = hash_of(first_word(line));
    index.by_oid_.push_back(entry);
  }
  std::ranges::sort(index.by_oid_, {}, &Entry::oid);
  index.by_hash_ = index.by_oid_;
  std::ranges::sort(index.by_hash_);
  return index;
}

std::span<const TitleIndex::Entry> TitleIndex::find(std::string_view id) const {
  if (const auto oid = catalog::made_up_oid(id)) {
    const auto found = std::ranges::equal_range(by_oid_, *oid, {}, &Entry::oid);
    return {found.begin(), found.end()};
  }
  const auto found = std::ranges::equal_range(by_hash_, hash_of(id), {}, &Entry::hash);
  return {found.begin(), found.end()};
}

Result<std::shared_ptr<const TitleIndex>> TitleIndexes::get(const std::string& version,
                                                            const OpenDatabase& database,
                                                            const std::filesystem::path& scratch,
                                                            Deadline deadline) {
  const MutexLock lock(mutex_);
  if (const auto found = known_.find(version); found != known_.end()) return found->second;
  if (database.database.sequences > kMostSequences)
    return error(Code::too_large,
                 "{} was made without -parse_seqids and has {} sequences, too many to look for one by its "
                 "title; build it again with ids",
                 database.database.names, database.database.sequences);
  LOOM_TRY(const std::filesystem::path tool, blast::find_tool("blastdbcmd"));
  LOOM_TRY(const TempDir folder, TempDir::create(scratch));
  exec::ProcessSpec spec;
  spec.argv = {tool.string(),
               "-db",
               database.database.names,
               "-dbtype",
               std::string(dbtype(database.database.molecule)),
               "-entry",
               "all",
               "-outfmt",
               "%o %l %t"};
  if (!database.folders.empty()) spec.environment = {"BLASTDB=" + database.folders};
  spec.output = folder.path() / "titles";
  LOOM_TRY(const exec::ProcessOutcome outcome, runner_.run(spec, deadline, {}));
  if (!outcome.succeeded())
    return error(Code::unavailable, "the titles of {} cannot be read: {}", database.database.names,
                 words_of(outcome));
  std::ifstream listing(folder.path() / "titles");
  LOOM_TRY(TitleIndex index, TitleIndex::read(listing));
  if (sequences_ + index.size() > kMostSequences) {
    known_.clear();
    sequences_ = 0;
  }
  sequences_ += index.size();
  auto made = std::make_shared<const TitleIndex>(std::move(index));
  known_[version] = made;
  return made;
}

}  // namespace loom::service
