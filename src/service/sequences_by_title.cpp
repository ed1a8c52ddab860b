#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>

#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "blast/engine.hpp"
#include "catalog/shards.hpp"
#include "service/database_check.hpp"
#include "service/sequences.hpp"
#include "service/title_index.hpp"

// blastdbcmd finds nothing by name in a database without ids, and writes all of it or nothing. So the
// sequences that are wanted are chosen by an alias file over it, all of those are written, and the parts are
// cut out of them here, as blastdbcmd would.

namespace loom::service {

namespace {

namespace fs = std::filesystem;

/// One sequence in the file that blastdbcmd wrote: its letters, a blank, its title.
struct Written {
  std::uint64_t at = 0;  ///< of its first letter
  std::uint32_t letters = 0;
  std::string title;
};
using WrittenByOid = std::map<std::uint32_t, Written>;

Result<WrittenByOid> read_index(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  WrittenByOid found;
  std::uint64_t at = 0;
  for (std::string line; std::getline(file, line); at += line.size() + 1) {
    std::uint32_t oid = 0;
    const auto [end, wrong] = std::from_chars(line.data(), line.data() + line.size(), oid);
    const auto first = static_cast<std::size_t>(end - line.data()) + 1;
    const std::size_t last = line.find(' ', first);
    if (wrong != std::errc{} || last == std::string::npos)
      return error(Code::corrupt, "blastdbcmd wrote '{}' where a sequence was expected", line.substr(0, 80));
    found[oid] = {.at = at + first,
                  .letters = static_cast<std::uint32_t>(last - first),
                  .title = line.substr(last + 1)};
  }
  return found;
}

Status write_chosen(exec::ProcessRunner& runner, const catalog::Database& database,
                    const std::vector<std::uint32_t>& oids, const fs::path& folder, const fs::path& output,
                    Deadline deadline, std::stop_token stop) {
  LOOM_TRY(const fs::path alias,
           catalog::write_subset_alias(folder, "chosen", database, oids, catalog::selected(database, oids)));
  LOOM_TRY(const fs::path tool, blast::find_tool("blastdbcmd"));
  exec::ProcessSpec spec;
  spec.argv = {tool.string(), "-db", alias.string(), "-dbtype", std::string(dbtype(database.molecule)),
               "-entry",      "all", "-outfmt",      "%o %s %t"};
  spec.working_dir = folder;
  spec.output = output;
  LOOM_TRY(const exec::ProcessOutcome outcome, runner.run(spec, deadline, std::move(stop)));
  if (outcome.succeeded()) return ok();
  return error(Code::corrupt, "blastdbcmd: {}", words_of(outcome));
}

char complement(char letter) {
  constexpr std::string_view kLetters = "ACGTRYKMBVDHacgtrykmbvdh";
  constexpr std::string_view kOthers = "TGCAYRMKVBHDtgcayrmkvbhd";
  const std::size_t at = kLetters.find(letter);
  return at == std::string_view::npos ? letter : kOthers[at];
}

/// Writes FASTA as blastdbcmd does.
class FastaWriter {
 public:
  FastaWriter(int from, const fs::path& to) : from_(from), out_(to, std::ios::binary) {}

  /// `first` and `last` count from 1.
  Status write(const Written& one, std::uint32_t first, std::uint32_t last, bool minus) {
    const std::string_view word = first_word(one.title);
    const std::string_view rest = std::string_view(one.title).substr(
        static_cast<std::size_t>(word.data() + word.size() - one.title.data()));
    const bool whole = first == 1 && last == one.letters;
    out_ << '>' << word;
    if (!whole) out_ << (minus ? fmt::format(":c{}-{}", last, first) : fmt::format(":{}-{}", first, last));
    out_ << rest << '\n';
    std::uint32_t done = 0;
    for (const std::uint32_t all = last - first + 1; done < all;) {
      const std::uint32_t count = std::min(all - done, kBlock);
      const std::uint32_t from = minus ? last - done - count : first - 1 + done;  // from 0
      std::string letters(count, '\0');
      const ssize_t got = ::pread(from_, letters.data(), count, static_cast<off_t>(one.at + from));
      if (got != static_cast<ssize_t>(count)) return system_error(got < 0 ? errno : EIO, "read a sequence");
      if (minus) {
        std::ranges::reverse(letters);
        std::ranges::transform(letters, letters.begin(), complement);
      }
      for (std::uint32_t at = 0; at < count; at += kWidth) out_ << letters.substr(at, kWidth) << '\n';
      done += count;
    }
    return ok();
  }
  Status close() {
    out_.close();
    return out_ ? ok() : Status(error(Code::disk_full, "cannot write the sequences; the disk may be full"));
  }

 private:
  static constexpr std::uint32_t kWidth = 80;
  static constexpr std::uint32_t kBlock = kWidth << 10U;
  int from_;
  std::ofstream out_;
};

/// Which sequence a part is of: the first whose title begins with its id. Null: there is none.
const Written* sequence_of(const SequencePart& part, const TitleIndex& titles, const WrittenByOid& written) {
  for (const TitleIndex::Entry& one : titles.find(part.id)) {
    const auto found = written.find(one.oid);
    const bool made_up = part.id.starts_with("gnl|BL_ORD_ID|") || part.id.starts_with("BL_ORD_ID:");
    if (found != written.end() && (made_up || first_word(found->second.title) == part.id))
      return &found->second;
  }
  return nullptr;
}

/// All that may be meant. Errors: too_large.
Result<std::vector<std::uint32_t>> oids_of(const SequenceRequest& request, const TitleIndex& titles) {
  std::map<std::uint32_t, std::uint32_t> letters;
  for (const SequencePart& part : request.parts)
    for (const TitleIndex::Entry& one : titles.find(part.id)) letters[one.oid] = one.letters;
  std::vector<std::uint32_t> oids;
  std::uint64_t total = 0;
  for (const auto& [oid, count] : letters) {
    oids.push_back(oid);
    total += count;
  }
  LOOM_CHECKED(check_total(total));
  return oids;
}

}  // namespace

Result<FetchedSequences> fetch_by_title(exec::ProcessRunner& runner, const OpenDatabase& database,
                                        const TitleIndex& titles, const SequenceRequest& request,
                                        const fs::path& scratch, Deadline deadline, std::stop_token stop) {
  const catalog::Database& whole = database.database;
  LOOM_CHECKED(check_parts(request, whole.molecule));
  LOOM_TRY(const std::vector<std::uint32_t> oids, oids_of(request, titles));
  LOOM_TRY(const TempDir folder, TempDir::create(scratch));
  const fs::path chosen = folder.path() / "letters";
  const fs::path output = folder.path() / "sequences";
  WrittenByOid written;
  if (!oids.empty()) {
    LOOM_CHECKED(write_chosen(runner, whole, oids, folder.path(), chosen, deadline, std::move(stop)));
    LOOM_TRY(written, read_index(chosen));
  }
  const Fd letters(::open(chosen.c_str(), O_RDONLY | O_CLOEXEC));
  FastaWriter writer(letters.get(), output);
  FetchedSequences fetched;
  std::size_t done = 0;
  std::uint64_t total = 0;
  for (const SequencePart& part : request.parts) {
    const Written* one = sequence_of(part, titles, written);
    if (one == nullptr) {
      fetched.missing.push_back(part.id);
      continue;
    }
    LOOM_TRY(const Range range, range_of(part, one->letters, request.flank));
    total += range.last - range.first + 1;
    LOOM_CHECKED(check_total(total));
    LOOM_CHECKED(writer.write(*one, range.first, range.last, part.minus));
    ++done;
  }
  if (!fetched.missing.empty() && (!request.skip_missing || done == 0))
    return missing_error(fetched.missing, whole.names);
  LOOM_CHECKED(writer.close());
  fetched.text = Fd(::open(output.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fetched.text) return system_error(errno, "read the sequences");
  std::error_code failed;
  fetched.bytes = fs::file_size(output, failed);
  if (failed) return system_error(failed.value(), "read the sequences");
  return fetched;
}

}  // namespace loom::service
