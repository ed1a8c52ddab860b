#include "service/sequences.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/number.hpp"
#include "base/temp_dir.hpp"
#include "blast/engine.hpp"
#include "catalog/resolve.hpp"

namespace loom::service {

namespace {

namespace fs = std::filesystem;

struct Found {
  std::uint32_t letters = 0;
  bool there = false;
};

Result<std::uint32_t> place_of(std::string_view text, std::size_t line) {
  if (text.empty()) return 0U;
  const auto number = number_of<std::uint32_t>(text);
  if (!number || *number == 0)
    return error(Code::invalid_argument, "line {}: '{}' is no place in a sequence; they count from 1", line,
                 text.substr(0, 40));
  return *number;
}

Status read_range(std::string_view word, std::size_t line, SequencePart& part) {
  const std::size_t dash = word.find('-');
  if (dash == std::string_view::npos)
    return error(Code::invalid_argument, "line {}: '{}' is neither a range such as 11-90 nor plus or minus",
                 line, word.substr(0, 40));
  LOOM_TRY(part.from, place_of(word.substr(0, dash), line));
  LOOM_TRY(part.to, place_of(word.substr(dash + 1), line));
  if (part.to != 0 && part.from > part.to)
    return error(Code::invalid_argument,
                 "line {}: the range {} runs backwards; for the other strand say minus behind it", line,
                 word);
  return ok();
}

Result<SequencePart> parse_part(const std::string& text, std::size_t line) {
  std::istringstream words(text);
  SequencePart part;
  words >> part.id;
  for (std::string word; words >> word;) {
    if (word == "plus" || word == "minus") {
      part.minus = word == "minus";
    } else {
      LOOM_CHECKED(read_range(word, line, part));
    }
  }
  return part;
}

Result<std::string> text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) return error(Code::corrupt, "cannot read {}", path.string());
  return text;
}

Status write_text(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return error(Code::disk_full, "cannot write {}; the disk may be full", path.string());
  return ok();
}

/// blastdbcmd on one database, with its files in a folder of its own.
class Fetch {
 public:
  Fetch(exec::ProcessRunner& runner, const OpenDatabase& from, fs::path folder, Deadline deadline,
        std::stop_token stop)
      : runner_(runner),
        from_(from),
        folder_(std::move(folder)),
        deadline_(deadline),
        stop_(std::move(stop)) {}

  /// One for each part.
  Result<std::vector<Found>> look_up(const std::vector<SequencePart>& parts) {
    std::vector<std::string> ids;
    std::string lines;
    for (const SequencePart& part : parts) {
      ids.push_back(part.id);
      lines += part.id + '\n';
    }
    LOOM_CHECKED(write_text(folder_ / "ids", lines));
    const catalog::Database& database = from_.database;
    auto argv = catalog::lookup_args(database.names, database.molecule, folder_ / "ids");
    argv.back() += " %l";
    LOOM_TRY(const std::string said, run(std::move(argv), folder_ / "found"));
    LOOM_TRY(const std::string printed, text_of(folder_ / "found"));
    std::string oids;
    std::vector<std::uint32_t> letters;
    std::istringstream words(printed);
    std::string oid;
    for (std::uint32_t length = 0; words >> oid >> length;) {
      oids += oid + '\n';
      letters.push_back(length);
    }
    LOOM_TRY(const auto known, catalog::parse_lookup(ids, oids, said, database.sequences));
    std::vector<Found> found;
    auto next = letters.begin();
    for (const auto& one : known) found.push_back(one ? Found{*next++, true} : Found{});
    return found;
  }

  Result<FetchedSequences> write(const std::string& batch) {
    LOOM_CHECKED(write_text(folder_ / "batch", batch));
    const catalog::Database& database = from_.database;
    auto argv = catalog::lookup_args(database.names, database.molecule, folder_ / "batch");
    argv.back() = "%f";
    LOOM_TRY(const std::string said, run(std::move(argv), folder_ / "sequences"));
    if (!said.empty()) return error(Code::corrupt, "blastdbcmd: {}", said.substr(0, 1000));
    FetchedSequences fetched;
    fetched.text = Fd(::open((folder_ / "sequences").c_str(), O_RDONLY | O_CLOEXEC));
    if (!fetched.text) return system_error(errno, "read what blastdbcmd wrote");
    std::error_code failed;
    fetched.bytes = fs::file_size(folder_ / "sequences", failed);
    if (failed) return system_error(failed.value(), "read what blastdbcmd wrote");
    return fetched;
  }

 private:
  /// What it said on stderr.
  Result<std::string> run(std::vector<std::string> argv, const fs::path& output) {
    LOOM_TRY(const fs::path tool, blast::find_tool("blastdbcmd"));
    exec::ProcessSpec spec;
    spec.argv = {tool.string()};
    spec.argv.insert(spec.argv.end(), std::make_move_iterator(argv.begin()),
                     std::make_move_iterator(argv.end()));
    if (!from_.folders.empty()) spec.environment = {"BLASTDB=" + from_.folders};
    spec.output = output;
    spec.max_stderr_bytes = std::size_t{16} << 20U;  // a line for each missing id
    LOOM_TRY(const exec::ProcessOutcome outcome, runner_.run(spec, deadline_, stop_));
    if (outcome.signal != 0)
      return error(Code::internal, "blastdbcmd was ended by signal {}; ask again", outcome.signal);
    return outcome.stderr_text;
  }

  exec::ProcessRunner& runner_;
  const OpenDatabase& from_;
  fs::path folder_;
  Deadline deadline_;
  std::stop_token stop_;
};

/// makeprofiledb keeps the ids of profiles, which BLAST+ finds in format 5 without -parse_seqids.
bool finds_ids(const catalog::Database& database) {
  return database.has_ids || (database.profiles && database.version == 5);
}

/// The line of the batch for that part of a sequence of so many letters.
std::string batch_line(const SequencePart& part, const Range& range, std::uint32_t letters) {
  if (range.first == 1 && range.last == letters && !part.minus) return part.id + "\n";
  return fmt::format("{} {}-{} {}\n", part.id, range.first, range.last, part.minus ? "minus" : "plus");
}

}  // namespace

Result<std::vector<SequencePart>> parse_sequence_parts(std::string_view text) {
  std::vector<SequencePart> parts;
  std::istringstream lines{std::string(text)};
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (parts.size() == kMostParts)
      return error(Code::too_large, "more than {} sequences are asked for; ask for them in several requests",
                   kMostParts);
    LOOM_TRY(SequencePart part, parse_part(line, number));
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<Range> range_of(const SequencePart& part, std::uint32_t letters, std::uint32_t flank) {
  const std::uint32_t to = part.to == 0 ? letters : part.to;
  const std::uint32_t from = std::max(part.from, 1U);
  if (from > letters || to > letters)
    return error(Code::invalid_argument, "{} has {} letters; {}-{} lies outside of it", part.id, letters,
                 from, to);
  return Range{.first = from > flank ? from - flank : 1, .last = letters - to > flank ? to + flank : letters};
}

Status check_parts(const SequenceRequest& request, blast::Molecule molecule) {
  if (request.parts.empty())
    return error(Code::invalid_argument, "no sequence is asked for; name one id at least");
  if (molecule == blast::Molecule::nucleotide) return ok();
  for (const SequencePart& part : request.parts)
    if (part.minus) return error(Code::invalid_argument, "{}: proteins have no minus strand", part.id);
  return ok();
}

Status check_total(std::uint64_t letters) {
  if (letters <= kMostSequenceLetters) return ok();
  return error(Code::too_large, "{} letters or more are asked for, {} at most can be had at once", letters,
               kMostSequenceLetters);
}

Error missing_error(const std::vector<std::string>& missing, const std::string& database) {
  constexpr std::size_t kShown = 20;
  const auto shown = std::span(missing).first(std::min(missing.size(), kShown));
  return error(Code::not_found, "{} has no sequence {}{}; ask to skip what is missing, or correct the ids",
               database, fmt::join(shown, ", "),
               missing.size() > kShown ? fmt::format(" and {} more", missing.size() - kShown) : "");
}

Result<FetchedSequences> fetch_sequences(exec::ProcessRunner& runner, const OpenDatabase& database,
                                         const SequenceRequest& request, const fs::path& scratch,
                                         Deadline deadline, std::stop_token stop) {
  const std::string& name = database.database.names;
  LOOM_CHECKED(check_parts(request, database.database.molecule));
  if (!finds_ids(database.database))
    return error(
        Code::invalid_argument,
        "{} was made without -parse_seqids, so its sequences cannot be found by their ids; build it again "
        "with them",
        name);
  LOOM_TRY(const TempDir folder, TempDir::create(scratch));
  Fetch fetch(runner, database, folder.path(), deadline, std::move(stop));
  LOOM_TRY(const std::vector<Found> found, fetch.look_up(request.parts));
  std::vector<std::string> missing;
  std::string batch;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const SequencePart& part = request.parts[i];
    if (!found[i].there) {
      missing.push_back(part.id);
      continue;
    }
    LOOM_TRY(const Range range, range_of(part, found[i].letters, request.flank));
    total += range.last - range.first + 1;
    batch += batch_line(part, range, found[i].letters);
  }
  if (!missing.empty() && (!request.skip_missing || batch.empty())) return missing_error(missing, name);
  LOOM_CHECKED(check_total(total));
  LOOM_TRY(FetchedSequences fetched, fetch.write(batch));
  fetched.missing = std::move(missing);
  return fetched;
}

Result<FetchedSequences> SequenceReader::fetch(const std::string& version, const OpenDatabase& database,
                                               const SequenceRequest& request, Deadline deadline,
                                               std::stop_token stop) {
  if (finds_ids(database.database))
    return fetch_sequences(runner_, database, request, scratch_, deadline, std::move(stop));
  LOOM_TRY(const auto titles, titles_.get(version, database, scratch_, deadline));
  return fetch_by_title(runner_, database, *titles, request, scratch_, deadline, std::move(stop));
}

}  // namespace loom::service
