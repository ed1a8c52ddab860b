#include "app/doctor.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <random>

#include "base/temp_dir.hpp"
#include "blast/engine.hpp"
#include "catalog/search_path.hpp"
#include "exec/failure.hpp"
#include "exec/local/local_process_runner.hpp"
#include "search/local_search.hpp"
#include "search/task_runner.hpp"

namespace loom::app {

namespace {

namespace fs = std::filesystem;

/// One line per finding; "bad" ones make the command fail, and say what to do.
class Report {
 public:
  static void good(const std::string& text) { fmt::print("  ok    {}\n", text); }
  static void note(const std::string& text) { fmt::print("  note  {}\n", text); }
  void bad(const std::string& text) {
    fmt::print("  BAD   {}\n", text);
    ++bad_;
  }
  [[nodiscard]] int bad_count() const { return bad_; }

 private:
  int bad_ = 0;
};

Result<std::string> output_of(const std::vector<std::string>& argv, const fs::path& folder) {
  exec::ProcessSpec spec;
  spec.argv = argv;
  spec.output = folder / "said";
  spec.temp_dir = folder;
  exec::LocalProcessRunner runner;
  LOOM_TRY(const auto outcome, runner.run(spec, Deadline::in(std::chrono::minutes(5)), {}));
  if (!outcome.succeeded()) {
    return error(Code::unavailable, "{}",
                 exec::explain_failure(outcome, fs::path(argv[0]).filename().string()).sentence);
  }
  return search::read_file(folder / "said");
}

void check_engines(Report& report, const fs::path& folder) {
  for (const blast::Program program : blast::kPrograms) {
    const auto engine = blast::find_engine(program);
    if (!engine) {
      report.bad(engine.error().message);
      continue;
    }
    const auto version = output_of({engine->string(), "-version"}, folder);
    if (!version) {
      report.bad(fmt::format("{}: {}", engine->string(), version.error().message));
    } else {
      Report::good(fmt::format("{} at {}", version->substr(0, version->find('\n')), engine->string()));
    }
  }
  for (const char* tool : {"makeblastdb", "blastdbcmd"}) {
    const auto found = blast::find_tool(tool);
    found ? Report::good(fmt::format("{} at {}", tool, found->string())) : report.bad(found.error().message);
  }
}

void check_database_path(Report& report) {
  const auto folders = catalog::SearchPath::from_environment().folders;
  for (std::size_t f = 1; f < folders.size(); ++f) {  // the first is the working folder
    std::error_code ignored;
    if (fs::is_directory(folders[f], ignored)) {
      Report::good(fmt::format("databases are looked for in {}", folders[f].string()));
    } else {
      report.bad(fmt::format("databases are looked for in {}, which is no folder: mend BLASTDB or .ncbirc",
                             folders[f].string()));
    }
  }
  if (folders.size() == 1)
    Report::note("BLASTDB is not set: -db takes a path, or a name in the working folder");
}

void check_machine(Report& report) {
  Report::good(fmt::format("{} cores, {:.1f} GiB of memory", search::usable_cores(),
                           static_cast<double>(search::usable_memory_bytes()) / (1U << 30U)));
  struct statvfs disk{};
  const fs::path parent = TempDir::default_parent();
  if (::statvfs(parent.c_str(), &disk) != 0) {
    report.bad(
        fmt::format("the folder for temporary files, {}, cannot be read: set TMPDIR", parent.string()));
    return;
  }
  const double free = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize) / (1U << 30U);
  const std::string text = fmt::format("{:.1f} GiB free for temporary files in {}", free, parent.string());
  free < 1 ? report.bad(text + ": set TMPDIR to a larger disk") : Report::good(text);
}

/// Proteins by chance with relatives among them, always the same ones.
std::string tiny_proteins(int count, unsigned seed) {
  constexpr std::string_view kLetters = "ARNDCQEGHILKMFPSTWYV";
  std::minstd_rand dice(seed);
  std::vector<std::string> families(12);
  std::minstd_rand family_dice(7);
  for (std::string& family : families) {
    for (int l = 0; l < 220; ++l) family += kLetters[family_dice() % kLetters.size()];
  }
  std::string fasta;
  for (int n = 0; n < count; ++n) {
    std::string protein = families[dice() % families.size()];
    for (char& letter : protein) {
      if (dice() % 100 < 35) letter = kLetters[dice() % kLetters.size()];
    }
    fasta += fmt::format(">protein_{}_{} made by blastloom doctor\n{}\n", seed, n, protein);
  }
  return fasta;
}

class NoWatch final : public search::Watch {
 public:
  void started(std::size_t, std::size_t, std::uint64_t, std::uint64_t) override {}
  void task_done(std::uint64_t, double) override {}
  void retried(std::string_view) override {}
  void finished() override {}
};

Result<std::string> split_answer(const std::vector<std::string>& args, const fs::path& out) {
  LOOM_TRY(blast::Options options, blast::parse_options(blast::Program::blastp, args));
  LOOM_CHECKED(options.set("out", out.string()));
  search::Settings settings;
  settings.workers = 2;
  settings.shards = 3;
  settings.batch_letters = 1;
  exec::LocalProcessRunner runner;
  LOOM_TRY(const auto search, search::LocalSearch::prepare({std::move(options), settings}, runner));
  NoWatch watch;
  search::Messages messages(stderr);
  LOOM_CHECKED(search->run(watch, messages, {}));
  return search::read_file(out);
}

Status compare_on_tiny_search(const fs::path& folder) {
  LOOM_TRY(const fs::path makeblastdb, blast::find_tool("makeblastdb"));
  LOOM_TRY(const fs::path blastp, blast::find_engine(blast::Program::blastp));
  LOOM_CHECKED(search::write_file(folder / "db.fa", tiny_proteins(60, 1)));
  LOOM_CHECKED(search::write_file(folder / "q.fa", tiny_proteins(60, 2)));
  const std::string database = (folder / "tiny").string();
  auto built = output_of({makeblastdb.string(), "-in", (folder / "db.fa").string(), "-dbtype", "prot", "-out",
                          database, "-parse_seqids"},
                         folder);
  if (!built) return std::move(built.error()).at("makeblastdb");
  for (const char* format : {"0", "6", "11"}) {
    const std::vector<std::string> args{"-db",     database, "-query", (folder / "q.fa").string(),
                                        "-outfmt", format};
    std::vector<std::string> argv{blastp.string()};
    argv.insert(argv.end(), args.begin(), args.end());
    LOOM_TRY(const std::string whole, output_of(argv, folder));
    LOOM_TRY(const std::string split, split_answer(args, folder / "split"));
    if (whole != split) {
      return error(
          Code::internal,
          "-outfmt {}: the split search wrote {} bytes that differ from the unsplit one's {}. Do not rely on "
          "split searches with this BLAST+; please report its version.",
          format, split.size(), whole.size());
    }
  }
  return ok();
}

}  // namespace

int doctor_command(std::span<const std::string> args) {
  if (!args.empty()) {
    fmt::print(stderr, "blastloom: doctor takes no arguments\n");
    return 1;
  }
  Report report;
  const auto folder = TempDir::create();
  if (!folder) {
    report.bad(folder.error().message);
    return 1;
  }
  fmt::print("BLAST+\n");
  check_engines(report, folder->path());
  fmt::print("Databases\n");
  check_database_path(report);
  fmt::print("Machine\n");
  check_machine(report);
  fmt::print("Exactness\n");
  const Status same = compare_on_tiny_search(folder->path());
  if (same) {
    Report::good(
        "60 queries over 3 shards and in batches: same bytes as one blastp run, in formats 0, 6 and 11");
  } else {
    report.bad(same.error().message);
  }
  fmt::print("{}\n",
             report.bad_count() == 0 ? "All is well." : fmt::format("{} to mend.", report.bad_count()));
  return report.bad_count() == 0 ? 0 : 1;
}

}  // namespace loom::app
