#include "search/coalesced.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "blast/engine.hpp"
#include "blast/split_limits.hpp"
#include "search/engine_args.hpp"
#include "sequence/fasta_reader.hpp"

namespace loom::search {

namespace fs = std::filesystem;

namespace {

/// Word sizes at which the engine's choice of tables does not change below kMostLettersInCompany letters.
bool same_tables(const blast::Options& options) {
  const std::string task = text_of(options, "task", "megablast");
  const std::int64_t usual = task == "megablast" ? 28 : task == "blastn-short" ? 7 : 11;
  const std::int64_t word = integer_or(options, "word_size", usual);
  return word == 8 || word == 11 || word >= 13;
}

}  // namespace

bool cuts_across_queries(const blast::Options& options) {
  return std::ranges::any_of(std::array{"query_loc", "use_index", "index_name", "remote", "html", "subject",
                                        "import_search_strategy", "export_search_strategy"},
                             [&options](const char* name) { return options.has(name); });
}

std::string company_of(const blast::Options& options, std::uint64_t letters) {
  if (options.program() != blast::Program::blastn || letters == 0 || letters > kMostLettersInCompany)
    return {};
  if (!options.has("db") || !same_tables(options)) return {};
  if (cuts_across_queries(options)) return {};
  if (!blast::allows_batches(blast::split_limits(options))) return {};
  const auto format = blast::parse_outfmt(options.program(), text_of(options, "outfmt", "0"));
  if (!format || !repeats_allowed(options, *format)) return {};
  return fmt::format("{}", fmt::join(options.to_argv(), "\n"));
}

std::optional<std::uint64_t> batch_size_for(std::span<const std::uint64_t> letters) {
  // The engine takes queries until it has that many letters or more.
  const auto cuts_well = [letters](std::uint64_t batch_size) {
    std::uint64_t held = 0;
    std::uint64_t in_company = 0;
    for (const std::uint64_t one : letters) {
      held += one;
      in_company += letters_in_company(one, 1);
      if (in_company > kMostLettersInCompany) return false;
      if (held >= batch_size) held = in_company = 0;
    }
    return true;
  };
  for (std::uint64_t size = kMostLettersInCompany; size > 0; size -= std::min<std::uint64_t>(size, 10))
    if (cuts_well(size)) return size;
  return std::nullopt;
}

Result<Coalesced> Coalesced::make(blast::Options options, fs::path folder) {
  LOOM_TRY(blast::OutFormat format, blast::parse_outfmt(options.program(), text_of(options, "outfmt", "0")));
  return Coalesced(std::move(options), std::move(format), std::move(folder));
}

Result<std::optional<std::size_t>> Coalesced::add(sequence::ByteSource& source) {
  sequence::FastaReader reader(source, sequence::Alphabet::nucleotide);
  Rider rider{.first = static_cast<std::uint32_t>(letters_.size()), .queries = {}};
  std::string text;
  std::vector<std::uint64_t> letters;
  std::uint64_t in_company = 0;
  for (;;) {
    LOOM_TRY(const auto record, reader.next());
    if (!record) break;
    in_company += letters_in_company(record->letters, 1);
    if (!plain_query(*record) || in_company > kMostLettersInCompany) return std::nullopt;
    text += renamed(*record, letters_.size() + letters.size());
    letters.push_back(record->letters);
    rider.queries.push_back({std::string(record->id), std::string(shown_title(*record))});
  }
  if (rider.queries.empty() || !reader.unsplittable().empty()) return std::nullopt;
  text_ += text;
  letters_.insert(letters_.end(), letters.begin(), letters.end());
  riders_.push_back(std::move(rider));
  return riders_.size() - 1;
}

Result<TaskUse> Coalesced::run(TaskRunner& tasks, std::stop_token stop) {
  LOOM_TRY(const fs::path engine, blast::find_engine(options_.program()));
  const auto batch_size = batch_size_for(letters_);
  if (!batch_size) return error(Code::conflict, "queries of these lengths are no company for each other");
  EngineTask task;
  task.name = kTask;
  task.argv = engine_argv(engine, task_options(options_, 1));
  task.environment = {fmt::format("BATCH_SIZE={}", *batch_size)};
  task.letters = std::accumulate(letters_.begin(), letters_.end(), std::uint64_t{0});
  task.write_queries = [this](const fs::path& path) { return write_file(path, text_); };
  LOOM_TRY(TaskUse use, tasks.run(task, std::move(stop)));
  LOOM_TRY(answer_,
           DistinctOutput::open(tasks.output(task.name), options_.program(), format_, letters_.size()));
  LOOM_TRY(const std::string said, read_file(tasks.stderr_file(task.name)));
  said_to_all_ = take_messages(said_, said);
  return use;
}

Result<std::string> Coalesced::output(std::size_t rider, Messages& messages) const {
  const Rider& own = riders_[rider];
  messages.add(said_to_all_, 0, 1);
  std::string output;
  for (std::uint32_t i = 0; i < own.queries.size(); ++i) {
    const auto& [id, title] = own.queries[i];
    if (const auto said = said_.said.find(own.first + i); said != said_.said.end())
      for (const auto& [before, behind] : said->second)
        messages.add(fmt::format("{}Query_{} {}{}", before, i + 1, title, behind), 0, 1);
    LOOM_TRY(const std::string rows, answer_->of(own.first + i, id, title));
    output += rows;
  }
  return output + end_of_output(format_, own.queries.size());
}

}  // namespace loom::search
