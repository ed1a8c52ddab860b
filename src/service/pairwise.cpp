#include "service/pairwise.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "base/atomic_file.hpp"
#include "base/temp_dir.hpp"
#include "blast/engine.hpp"
#include "blast/split_limits.hpp"
#include "catalog/alias_file.hpp"
#include "catalog/resolve.hpp"
#include "catalog/shards.hpp"
#include "exec/failure.hpp"
#include "search/engine_args.hpp"
#include "search/query_file.hpp"
#include "search/scout.hpp"

namespace loom::service {

namespace {

namespace fs = std::filesystem;
using blast::Program;
using results::HspRow;
using results::ReportHsp;

/// What is printed of an HSP must agree with these.
bool is_same(const ReportHsp& printed, const results::Hsp& hsp) {
  return hsp.score == printed.score && hsp.qstart == printed.qstart && hsp.qend == printed.qend &&
         hsp.sstart == printed.sstart && hsp.send == printed.send;
}

/// One writing, in a folder of its own.
class Writing {
 public:
  Writing(exec::ProcessRunner& runner, const sched::JobSpec& spec, std::span<const HspRow> rows,
          fs::path folder, Deadline deadline)
      : runner_(runner), spec_(spec), rows_(rows), folder_(std::move(folder)), deadline_(deadline) {}

  Result<PairwiseTexts> run(storage::ObjectReader& query) {
    LOOM_TRY(const catalog::Database database, sched::open_job_database(spec_));
    LOOM_TRY(const blast::OutFormat report, blast::parse_outfmt(spec_.options.program(), "0"));
    LOOM_CHECKED(take_queries(query));
    PairwiseTexts texts;
    if (database.has_ids && search::whole_database_because(spec_.options, report, database).empty()) {
      LOOM_TRY(const auto oids, look_up(database));
      if (!oids.empty()) {
        LOOM_TRY(const fs::path alias,
                 catalog::write_subset_alias(folder_, "subjects", database, oids, catalog::whole(database)));
        // Over an alias in a folder without databases (catalog/shards.hpp).
        LOOM_CHECKED(search(catalog::quoted_name(alias.string()), folder_, texts));
      }
    }
    if (texts.size() < rows_.size()) LOOM_CHECKED(search(database.names, {}, texts));
    if (texts.size() == rows_.size()) return texts;
    return error(Code::internal, "BLAST+ does not find {} of {} alignments again; outfmt 0 has them all",
                 rows_.size() - texts.size(), rows_.size());
  }

 private:
  /// The batches of the rows' queries as a query file.
  Status take_queries(storage::ObjectReader& query) {
    const fs::path all = folder_ / "all.fasta";
    LOOM_CHECKED(storage::copy_to_file(query, all, deadline_));
    const Program program = spec_.options.program();
    const std::uint64_t unit =
        sequence::internal_batch_letters(blast::name(program)).value_or(search::kBlastnUnitLetters);
    LOOM_TRY(const search::QueryFile file, search::open_queries(all.string(), program, unit, folder_));
    sequence::QueryMap map = file.map;
    if (program == Program::blastn) sequence::join_short_end(map, search::kBlastnUnitLetters / 2);
    const bool whole =
        !map.why_not_splittable.empty() || !blast::allows_batches(blast::split_limits(spec_.options));
    LOOM_TRY(AtomicFile to, AtomicFile::create(folder_ / "queries.fasta"));
    for (const sequence::Unit& one : map.units) {
      const bool wanted = whole || std::ranges::any_of(rows_, [&](const HspRow& row) {
                            const auto record = static_cast<std::uint64_t>(row.hsp.query);
                            return record >= one.first_record && record < one.first_record + one.records;
                          });
      if (!wanted) continue;
      for (std::uint64_t i = 0; i < one.records; ++i) records_.push_back(one.first_record + i);
      LOOM_CHECKED(copy_range(file.path, one.offset, one.bytes, to));
    }
    return to.commit();
  }

  static Status copy_range(const fs::path& from, std::uint64_t offset, std::uint64_t bytes, AtomicFile& to) {
    std::ifstream in(from, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(offset));
    std::vector<char> block(storage::kBlock);
    while (bytes > 0) {
      in.read(block.data(), static_cast<std::streamsize>(std::min<std::uint64_t>(bytes, block.size())));
      const auto got = static_cast<std::size_t>(in.gcount());
      if (got == 0) return error(Code::corrupt, "the query is shorter than it was");
      LOOM_CHECKED(to.write(std::string_view(block.data(), got)));
      bytes -= got;
    }
    return ok();
  }

  /// OIDs of the rows' subjects, ascending; empty if one of them is not found by its name.
  Result<std::vector<std::uint32_t>> look_up(const catalog::Database& database) {
    std::set<std::string> names;
    for (const HspRow& row : rows_) names.insert(row.subject.name);
    const std::vector<std::string> ids(names.begin(), names.end());
    LOOM_CHECKED(search::write_file(folder_ / "ids", fmt::format("{}\n", fmt::join(ids, "\n"))));
    LOOM_TRY(const fs::path tool, blast::find_tool("blastdbcmd"));
    exec::ProcessSpec look;
    look.argv = catalog::lookup_args(database.names, database.molecule, folder_ / "ids");
    look.argv.insert(look.argv.begin(), tool.string());
    look.environment = environment();
    look.output = folder_ / "oids";
    LOOM_TRY(const exec::ProcessOutcome said, runner_.run(look, deadline_, {}));
    LOOM_TRY(const std::string printed, search::read_file(folder_ / "oids"));
    std::vector<std::uint32_t> oids;
    const auto found = catalog::parse_lookup(ids, printed, said.stderr_text, database.sequences);
    if (!found) return oids;
    for (const auto& one : *found) {
      if (!one) return std::vector<std::uint32_t>();
      oids.push_back(*one);
    }
    std::ranges::sort(oids);
    oids.erase(std::unique(oids.begin(), oids.end()), oids.end());
    return oids;
  }

  [[nodiscard]] std::vector<std::string> environment() const {
    return sched::database_environment(spec_.database_path);
  }

  /// The job's own options, but for what only shapes other formats, and with room for all hits.
  [[nodiscard]] Result<blast::Options> report_options(const std::string& database) const {
    blast::Options options = search::task_options(spec_.options, 1);
    const std::uint64_t most = search::hit_list_size(spec_.options);
    for (const char* name : {"outfmt", "html", "num_descriptions", "num_alignments", "sorthits", "sorthsps"})
      options.remove(name);
    LOOM_CHECKED(options.set("outfmt", "0"));
    LOOM_CHECKED(options.set("max_target_seqs", fmt::to_string(most)));
    LOOM_CHECKED(options.set("db", database));
    return options;
  }

  Status search(const std::string& database, const fs::path& working_dir, PairwiseTexts& texts) {
    LOOM_TRY(const fs::path engine, blast::find_engine(spec_.options.program()));
    LOOM_TRY(const blast::Options options, report_options(database));
    exec::ProcessSpec run;
    run.argv = search::engine_argv(engine, options);
    run.argv.insert(run.argv.end(), {"-query", (folder_ / "queries.fasta").string()});
    run.environment = environment();
    run.working_dir = working_dir;
    run.temp_dir = folder_;
    run.output = folder_ / "report";
    auto outcome = runner_.run(run, deadline_, {});
    if (!outcome && outcome.error().code == Code::timed_out)
      return error(Code::timed_out,
                   "BLAST+ searches the batch of these queries again for its report, which takes longer than "
                   "may be waited for; results/output?outfmt=0 makes all of it in the background");
    if (!outcome) return std::move(outcome.error());
    if (!outcome->succeeded())
      return error(Code::internal, "{}",
                   exec::explain_failure(*outcome, blast::name(spec_.options.program())).sentence);
    return read_report(texts);
  }

  Status read_report(PairwiseTexts& texts) {
    results::ReportReader reader([&](ReportHsp& printed) {
      if (printed.query < records_.size()) take(printed, records_[printed.query], texts);
      return ok();
    });
    std::ifstream in(folder_ / "report", std::ios::binary);
    std::vector<char> block(storage::kBlock);
    while (in) {
      in.read(block.data(), static_cast<std::streamsize>(block.size()));
      LOOM_CHECKED(reader.push({block.data(), static_cast<std::size_t>(in.gcount())}));
    }
    return reader.finish();
  }

  /// Gives what was printed to the row that it is of, if there is one.
  void take(ReportHsp& printed, std::uint64_t record, PairwiseTexts& texts) {
    for (const HspRow& row : rows_) {
      if (static_cast<std::uint64_t>(row.hsp.query) != record || row.subject.name != printed.name ||
          !is_same(printed, row.hsp))
        continue;
      if (texts.emplace(row.hsp.id, printed.text).second) return;
    }
  }

  exec::ProcessRunner& runner_;
  const sched::JobSpec& spec_;
  std::span<const HspRow> rows_;
  fs::path folder_;
  Deadline deadline_;
  std::vector<std::uint64_t> records_;  // ordinals of the queries in queries.fasta
};

}  // namespace

Result<PairwiseTexts> PairwiseWriter::write(const sched::JobSpec& spec, storage::ObjectReader& query,
                                            std::span<const HspRow> rows, Deadline deadline) {
  const Program program = spec.options.program();
  if (program == Program::psiblast || program == Program::deltablast)
    return error(Code::conflict,
                 "{} searches in rounds, so its report is made as a whole only: results/output?outfmt=0",
                 blast::name(program));
  if (!spec.options.has("db") || spec.options.has("remote"))
    return error(Code::conflict, "the search has no database of this server, so no report can be written");
  if (rows.empty()) return PairwiseTexts{};
  if (!free_.try_acquire_until(deadline.when()))
    return error(Code::timed_out, "others have alignments written; ask again");
  struct Release {
    std::counting_semaphore<kMostAtOnce>& of;
    ~Release() { of.release(); }
  } const release{free_};
  LOOM_TRY(const TempDir folder, TempDir::create(scratch_));
  return Writing(runner_, spec, rows, folder.path(), deadline).run(query);
}

}  // namespace loom::service
