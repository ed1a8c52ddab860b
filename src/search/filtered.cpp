#include "search/filtered.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "base/check.hpp"
#include "blast/engine.hpp"
#include "catalog/alias_file.hpp"
#include "catalog/filter.hpp"
#include "exec/failure.hpp"
#include "search/engine_args.hpp"
#include "search/task_runner.hpp"

namespace loom::search {

namespace {

namespace fs = std::filesystem;

struct ListOption {
  std::string_view name;
  catalog::IdList kind;
  bool negative;
  bool inlined;  ///< its value is the list, with commas, and not a file
};

constexpr std::array kListOptions{ListOption{"seqidlist", catalog::IdList::seqids, false, false},
                                  ListOption{"negative_seqidlist", catalog::IdList::seqids, true, false},
                                  ListOption{"gilist", catalog::IdList::gis, false, false},
                                  ListOption{"negative_gilist", catalog::IdList::gis, true, false},
                                  ListOption{"taxids", catalog::IdList::taxids, false, true},
                                  ListOption{"negative_taxids", catalog::IdList::taxids, true, true},
                                  ListOption{"taxidlist", catalog::IdList::taxids, false, false},
                                  ListOption{"negative_taxidlist", catalog::IdList::taxids, true, false}};

const ListOption* find_list(const blast::Options& options) {
  const auto* found =
      std::ranges::find_if(kListOptions, [&](const ListOption& one) { return options.has(one.name); });
  return found == kListOptions.end() ? nullptr : found;
}

/// Standard output of a program that must succeed. `folder` holds no database that it could find by chance.
Result<std::string> output_of(exec::ProcessRunner& runner, std::vector<std::string> argv,
                              const fs::path& folder, const fs::path& working_dir) {
  const fs::path out = folder / "list.out";
  const std::string program = fs::path(argv.front()).filename();
  exec::ProcessSpec spec;
  spec.argv = std::move(argv);
  spec.output = out;
  spec.working_dir = working_dir;
  LOOM_TRY(const exec::ProcessOutcome outcome, runner.run(spec, Deadline::never(), {}));
  std::ifstream file(out, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  std::error_code ignored;
  fs::remove(out, ignored);
  if (outcome.succeeded()) return text;
  return error(Code::unavailable, "{}: {}", program,
               outcome.stderr_text.empty() ? exec::explain_failure(outcome, program).sentence
                                           : outcome.stderr_text.substr(0, outcome.stderr_text.find('\n')));
}

/// The file that holds the list.
Result<fs::path> list_file(const ListOption& list, const std::string& value, const fs::path& folder) {
  if (!list.inlined) return fs::absolute(value);
  fs::path file = folder / "list.txt";
  std::string lines = value;
  std::ranges::replace(lines, ',', '\n');
  LOOM_CHECKED(write_file(file, lines + '\n'));
  return file;
}

Result<std::vector<std::uint32_t>> oids_of(const ListOption& list, const std::string& value,
                                           const catalog::Database& database, exec::ProcessRunner& runner,
                                           const fs::path& folder) {
  LOOM_TRY(const fs::path file, list_file(list, value, folder));
  std::error_code ignored;
  fs::remove(folder / "listed.list", ignored);
  LOOM_TRY(const fs::path alias, catalog::write_filter_alias(folder, "listed", database, list.kind, file));
  LOOM_TRY(const fs::path tool, blast::find_tool("blastdbcmd"));
  std::vector<std::string> argv{tool.string()};
  std::ranges::copy(catalog::listing_args(catalog::quoted_name(alias.string()), database.molecule),
                    std::back_inserter(argv));
  LOOM_TRY(const std::string lines, output_of(runner, std::move(argv), folder, folder));
  LOOM_TRY(auto oids, catalog::parse_listing(lines, database));
  return list.negative ? catalog::others(database, oids) : oids;
}

Result<catalog::Counts> counts_of(const ListOption& list, const std::string& value,
                                  const catalog::Database& database, exec::ProcessRunner& runner,
                                  const fs::path& folder) {
  const bool protein = database.molecule == blast::Molecule::protein;
  LOOM_TRY(const fs::path engine,
           blast::find_engine(protein ? blast::Program::blastp : blast::Program::blastn));
  const fs::path queries = folder / "probe.fasta";
  LOOM_CHECKED(write_file(queries, catalog::probe_queries(database.molecule)));
  std::vector<std::string> argv{engine.string()};
  std::ranges::copy(catalog::probe_args(database.names, database.molecule, queries),
                    std::back_inserter(argv));
  argv.insert(argv.end(), {fmt::format("-{}", list.name), value});
  LOOM_TRY(const std::string xml, output_of(runner, std::move(argv), folder, {}));
  return catalog::parse_probe(xml);
}

}  // namespace

std::string_view list_option(const blast::Options& options) {
  const ListOption* list = find_list(options);
  return list == nullptr ? std::string_view() : list->name;
}

blast::Options without_list(blast::Options options) {
  if (const ListOption* list = find_list(options)) options.remove(list->name);
  return options;
}

Result<Filtered> resolve_list(const blast::Options& options, const catalog::Database& database,
                              exec::ProcessRunner& runner, const fs::path& folder) {
  const ListOption* list = find_list(options);
  LOOM_CHECK(list != nullptr, "a list option is given");
  const std::string& value = options.find(list->name)->text;
  LOOM_TRY(auto oids, oids_of(*list, value, database, runner, folder));
  if (oids.empty()) return error(Code::unavailable, "it leaves no sequence");
  LOOM_TRY(const catalog::Counts counts, counts_of(*list, value, database, runner, folder));
  Filtered filtered{.oids = std::move(oids), .pins = {}};
  filtered.pins = catalog::selected(database, filtered.oids);
  if (counts != filtered.pins.statistics)
    return error(Code::unavailable,
                 "BLAST+ counts {} sequences with {} letters, and the list leaves {} with {}",
                 counts.sequences, counts.letters, filtered.pins.statistics.sequences,
                 filtered.pins.statistics.letters);
  return filtered;
}

}  // namespace loom::search
