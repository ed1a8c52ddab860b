#include "sched/archive_format.hpp"

#include "archive/reader.hpp"
#include "blast/engine.hpp"

namespace loom::sched {

namespace {

namespace fs = std::filesystem;

/// More subjects than any search keeps.
constexpr const char* kAllSubjects = "100000000";

/// What blast_formatter says when it opens no database; it does not say which.
bool lacks_database(const std::string& said) {
  return said.find("Fail to initialize local or remote DB") != std::string::npos ||
         said.find("No alias or index file found") != std::string::npos;
}

}  // namespace

Result<std::string> database_of_archive(const fs::path& archive) {
  LOOM_TRY(archive::Pull pull, archive::pull_file(archive));
  archive::Reader reader(std::move(pull), "the archive");
  std::string database;
  for (;;) {
    LOOM_TRY(const archive::Head* head, reader.next_archive());
    if (head == nullptr) return database;
    if (head->database.empty() || head->database == database) continue;
    if (!database.empty())
      return error(Code::invalid_argument, "the file holds archives of the databases '{}' and '{}'; split it",
                   database, head->database);
    database = head->database;
  }
}

Result<fs::path> format_archive(exec::ProcessRunner& runner, const fs::path& archive,
                                const std::string& outfmt, const fs::path& folder,
                                const std::stop_token& stop) {
  LOOM_TRY(const fs::path formatter, blast::find_tool("blast_formatter"));
  fs::path made = folder / "formatted";
  exec::ProcessSpec run;
  run.argv = {formatter.string(), "-archive",  archive.string(), "-outfmt", outfmt,
              "-max_target_seqs", kAllSubjects};
  run.temp_dir = folder;
  run.output = made;
  LOOM_TRY(const exec::ProcessOutcome outcome, runner.run(run, Deadline::never(), stop));
  if (outcome.succeeded()) return made;
  if (lacks_database(outcome.stderr_text))
    return error(Code::conflict,
                 "the archive was searched in the database '{}', which is not on this server, and "
                 "blast_formatter needs it; bring it into a folder of BLASTDB here, or run blast_formatter "
                 "-archive where it is",
                 database_of_archive(archive).value_or(""));
  return error(Code::invalid_argument, "blast_formatter does not write the archive in outfmt {}: {}", outfmt,
               outcome.stderr_text.substr(0, 1000));
}

}  // namespace loom::sched
