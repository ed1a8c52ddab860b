#include "service/imports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/temp_dir.hpp"
#include "blast/outfmt.hpp"
#include "results/blast_xml.hpp"
#include "sched/archive_format.hpp"
#include "sched/job_keys.hpp"
#include "search/engine_args.hpp"
#include "service/request_check.hpp"

namespace loom::service {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 500;
constexpr std::size_t kHead = std::size_t{64} << 10U;
constexpr std::string_view kXml = "xml";
constexpr std::string_view kArchive = sched::kImportedArchive;
constexpr std::string_view kTabular = "tabular";

Result<std::string> head_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string head(kHead, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (!in.eof() && in.fail()) return error(Code::corrupt, "the imported file cannot be read");
  head.resize(static_cast<std::size_t>(in.gcount()));
  return head;
}

/// What is wrong with an imported file is its sender's fault.
template <class Outcome>
Outcome blamed(Outcome outcome) {
  if (!outcome && outcome.error().code == Code::corrupt)
    return Error{Code::invalid_argument, outcome.error().message};
  return outcome;
}

/// What a comment of format 7 says behind `label`: of "# BLASTP 2.12.0+" the program, of "# Database: nr" nr.
std::string comment_of(std::string_view head, std::string_view label) {
  std::istringstream lines{std::string(head)};
  for (std::string line; std::getline(lines, line) && line.starts_with('#');)
    if (line.starts_with(label)) return line.substr(label.size());
  return {};
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

/// "blastp" of "# BLASTP 2.12.0+".
std::string program_in_comments(std::string_view head) {
  std::string first(head.substr(0, head.find('\n')));
  if (!first.starts_with("# ")) return {};
  first = lower(first.substr(2));
  first.erase(std::min(first.find(' '), first.size()));
  return first;
}

/// The program behind what an archive says of its search: program "blastp", service "psi".
std::string program_in_archive(const std::string& head) {
  const auto value = [&head](std::string_view name) {
    const std::size_t at = head.find(fmt::format("{} \"", name));
    if (at == std::string::npos) return std::string();
    const std::size_t from = at + name.size() + 2;
    return head.substr(from, head.find('"', from) - from);
  };
  std::string program = value("program");
  const std::string service = value("service");
  if (service == "psi") return program == "tblastn" ? program : "psiblast";
  if (service == "delta_blast") return "deltablast";
  if (service == "rpsblast") return program == "blastx" ? "rpstblastn" : "rpsblast";
  return program;
}

/// `told` by the file, `given` by who sends it. Errors: invalid_argument when both are there and differ.
Result<blast::Program> program_of(std::string told, const std::string& given) {
  if (told == "psitblastn") told = "tblastn";  // with -in_pssm
  if (told.empty() && given.empty())
    return error(Code::invalid_argument,
                 "program: the file does not tell which program made it; name it, such as blastp");
  if (!given.empty()) {
    LOOM_TRY(const blast::Program program, blast::parse_program(given));
    if (told == given || !blast::parse_program(told)) return program;
    return error(Code::invalid_argument, "program: the file is of {}, not of {}; leave the program away",
                 told.substr(0, 80), given);
  }
  return blast::parse_program(told);
}

std::string default_outfmt(std::string_view kind, std::string_view head) {
  if (kind == kXml) return "5";
  if (kind == kArchive) return "11";
  return head.starts_with('#') ? "7" : "6";
}

/// What a file of BLAST results is, by its first bytes and what the request says of it.
struct Recognized {
  sched::JobSpec spec;   ///< with `imported`, and of options outfmt and db as far as they are known
  std::string database;  ///< as the file calls it; empty: it does not tell
  std::optional<results::Layout> layout;  ///< of its rows, once they are tabular; unset: it tells them itself
};

Result<Recognized> recognize(const fs::path& file, const ImportRequest& request) {
  LOOM_TRY(const std::string head, head_of(file));
  if (head.empty()) return error(Code::invalid_argument, "the imported file is empty");
  std::string program;  // as the file tells
  Recognized found{.spec = {.options = blast::Options(blast::Program::blastp), .snapshot = {}},
                   .database = {},
                   .layout = {}};
  std::string_view kind = kTabular;
  const std::size_t begin = std::min(head.find_first_not_of(" \t\r\n"), head.size());
  if (head[begin == head.size() ? 0 : begin] == '<') {
    kind = kXml;
    results::BlastXml xml;
    std::string ignored;
    LOOM_CHECKED(blamed(xml.push(head, ignored)));
    program = xml.program();
    found.database = xml.database();
  } else if (std::string_view(head).substr(begin).starts_with("Blast4-archive")) {
    kind = kArchive;
    program = program_in_archive(head);
    LOOM_TRY(found.database, blamed(sched::database_of_archive(file)));
    // blast_formatter would open it.
    if (!names_no_folder(found.database))
      return error(
          Code::invalid_argument,
          "the archive names its database by a path, '{}', which this server does not open; write it "
          "with blast_formatter -outfmt 5 where it was made, and import that",
          found.database.substr(0, 200));
  } else {
    program = program_in_comments(head);
    found.database = comment_of(head, "# Database: ");
  }
  LOOM_TRY(const blast::Program known, program_of(program, request.program));
  found.spec.options = blast::Options(known);
  found.spec.imported = kind;
  const std::string outfmt =
      kind == kTabular && !request.outfmt.empty() ? request.outfmt : default_outfmt(kind, head);
  LOOM_TRY(const blast::OutFormat format, blast::parse_outfmt(known, outfmt));
  LOOM_CHECKED(found.spec.options.set("outfmt", outfmt));
  if (!found.database.empty() && names_no_folder(found.database))
    static_cast<void>(found.spec.options.set("db", found.database));
  if (kind == kTabular) {
    // Without columns of its own format 7 tells them itself.
    if (format.number != 7 || !request.outfmt.empty()) {
      LOOM_TRY(found.layout, results::Layout::of(format));
    }
    return found;
  }
  LOOM_TRY(const blast::OutFormat made,
           blast::parse_outfmt(known, kind == kXml ? results::kXmlOutfmt : results::kIndexOutfmt));
  LOOM_TRY(found.layout, results::Layout::of(made));
  return found;
}

/// Reads what `from` gives as an index needs it.
results::ReadBytes index_bytes(results::ReadBytes from, const sched::JobSpec& spec) {
  return spec.imported == kXml ? results::tabular_of_xml(std::move(from)) : std::move(from);
}

class IndexReader final : public storage::ObjectReader {
 public:
  explicit IndexReader(results::ReadBytes read) : read_(std::move(read)) {}

  Result<std::size_t> read(std::span<std::byte> into, Deadline /*deadline*/) override {
    return read_({reinterpret_cast<char*>(into.data()), into.size()});
  }

 private:
  results::ReadBytes read_;
};

storage::ObjectKey key_of(const store::JobId& id, std::string_view name) {
  return storage::ObjectKey::parse(fmt::format("{}hits/{}", sched::prefix_of(id), name)).value();
}

}  // namespace

struct Imports::File {
  Recognized what;
  fs::path given;
  fs::path tabular{};  ///< the same, but for an archive
  fs::path index{};
};

Status Imports::check_open() const {
  if (!stop_.stop_requested()) return ok();
  return error(Code::unavailable, "the server is stopping; import the file again when it is back");
}

Result<store::Job> Imports::take(const std::string& owner, const ImportRequest& request,
                                 std::unique_ptr<Upload> sent) {
  LOOM_CHECKED(check_open());
  LOOM_CHECKED(check_title(request.title));
  LOOM_TRY(const auto file, unpacked(upload_of(std::move(sent)), stop_.get_token(), Deadline::never()));
  LOOM_TRY(const fs::path given, file->file());
  LOOM_TRY(const TempDir folder, TempDir::create(scratch_));
  LOOM_TRY(Recognized what, recognize(given, request));
  File taken{.what = std::move(what), .given = given};
  const auto indexed = index(taken, folder.path());
  LOOM_CHECKED(check_open());  // whatever the stop made of it
  LOOM_TRY(const results::IndexCounts counts, indexed);
  const store::NewJob job{.owner = owner,
                          .title = request.title,
                          .program = std::string(blast::name(taken.what.spec.options.program())),
                          .database = taken.what.database,
                          .options = sched::to_json(taken.what.spec),
                          .query_key = {},
                          .queries = counts.queries,
                          .letters = 0,
                          .sha256 = file->sha256(),
                          .priority = 0,
                          .query = {}};
  return keep(job, taken);
}

Result<results::IndexCounts> Imports::index(File& file, const fs::path& folder) {
  const MutexLock lock(indexing_);
  file.tabular = file.given;
  if (file.what.spec.imported == kArchive) {
    LOOM_TRY(file.tabular, sched::format_archive(runner_, file.given, std::string(results::kIndexOutfmt),
                                                 folder, stop_.get_token()));
  }
  file.index = folder / "index";
  LOOM_TRY(const results::ReadBytes read, results::file_bytes(file.tabular));
  return blamed(results::build_index(file.index, file.what.layout, index_bytes(read, file.what.spec),
                                     stop_.get_token()));
}

Result<store::Job> Imports::keep(const store::NewJob& job, const File& file) {
  LOOM_TRY(const store::Submitted made, store_.submit(job, {}, store::wall_now(), Deadline::never()));
  const store::JobId& id = made.job.id;
  const auto finish = [&]() -> Result<store::Job> {
    LOOM_CHECKED(keep_files(id, file));
    LOOM_CHECKED(store_.start(id, {}, store::wall_now(), Deadline::never()));
    LOOM_CHECKED(store_.move_job(id, store::JobState::merging, {}, store::wall_now(), Deadline::never()));
    return store_.complete_job(id, {}, store::wall_now(), Deadline::never());
  };
  auto finished = finish();
  if (finished) return finished;
  static_cast<void>(store_.cancel(id, store::wall_now(), Deadline::never()));
  static_cast<void>(store_.remove(id, Deadline::never()));
  remove_files_of(objects_, id);
  return finished;
}

Status Imports::keep_files(const store::JobId& id, const File& file) {
  const Deadline never = Deadline::never();
  LOOM_CHECKED(storage::put_file(objects_, sched::output_key(id), file.given, never));
  LOOM_CHECKED(objects_.put(sched::messages_key(id), {}, never));
  if (file.tabular != file.given)
    LOOM_CHECKED(storage::put_file(objects_, key_of(id, "tabular"), file.tabular, never));
  return storage::put_file(objects_, key_of(id, "index"), file.index, never);
}

Result<HitIndexes::Source> Imports::source(const store::Job& job, const sched::JobSpec& spec,
                                           const storage::ObjectKey& made, Deadline deadline) {
  const bool archive = objects_.stat(made, deadline).has_value();
  const storage::ObjectKey key = archive ? made : sched::output_key(job.id);
  std::string outfmt = search::text_of(spec.options, "outfmt", "7");
  if (spec.imported == kXml) outfmt = results::kXmlOutfmt;
  if (archive) outfmt = results::kIndexOutfmt;
  HitIndexes::Source source{.open = [this, key, spec]() -> Result<std::unique_ptr<storage::ObjectReader>> {
                              LOOM_TRY(auto opened, objects_.open_reader(key, Deadline::never()));
                              const std::shared_ptr<storage::ObjectReader> reader = std::move(opened);
                              results::ReadBytes read = [reader](std::span<char> into) {
                                return reader->read(std::as_writable_bytes(into), Deadline::never());
                              };
                              return std::make_unique<IndexReader>(index_bytes(std::move(read), spec));
                            },
                            .layout = {}};
  if (outfmt == "7") return source;
  LOOM_TRY(const blast::OutFormat format, blast::parse_outfmt(spec.options.program(), outfmt));
  LOOM_TRY(source.layout, results::Layout::of(format));
  return source;
}

void remove_files_of(storage::ObjectStore& objects, const store::JobId& id) {
  std::string after;
  for (;;) {
    const auto found = objects.list(sched::prefix_of(id), after, kMostFiles, Deadline::never());
    if (!found) return;
    for (const storage::ObjectInfo& one : *found)
      static_cast<void>(objects.remove(one.key, Deadline::never()));
    if (found->size() < kMostFiles) return;
    after = found->back().key.str();
  }
}

}  // namespace loom::service
