#include "search/coalesced.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "blast/engine.hpp"
#include "blast/split_limits.hpp"
#include "search/engine_args.hpp"
#include "sequence/byte_source.hpp"

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

std::string company_of(const blast::Options& options, std::uint64_t letters) {
  if (options.program() != blast::Program::blastn || letters == 0 || letters > kMostLettersInCompany)
    return {};
  if (!options.has("db") || !same_tables(options)) return {};
  for (const char* alone : {"query_loc", "use_index", "index_name", "remote", "html", "subject",
                            "import_search_strategy", "export_search_strategy"})
    if (options.has(alone)) return {};
  if (!blast::allows_batches(blast::split_limits(options))) return {};
  const auto format = blast::parse_outfmt(options.program(), text_of(options, "outfmt", "0"));
  if (!format || !repeats_allowed(options, *format)) return {};
  return fmt::format("{}", fmt::join(options.to_argv(), "\n"));
}

Result<Coalesced> Coalesced::make(blast::Options options, fs::path folder) {
  LOOM_TRY(blast::OutFormat format, blast::parse_outfmt(options.program(), text_of(options, "outfmt", "0")));
  return Coalesced(std::move(options), std::move(format), std::move(folder));
}

Result<std::optional<std::size_t>> Coalesced::add(const fs::path& queries) {
  LOOM_TRY(const auto source, sequence::open_byte_source(queries.string()));
  sequence::FastaReader reader(*source, sequence::Alphabet::nucleotide);
  Rider rider{.queries = {.path = queries, .map = {}}, .numbers = {}};
  std::string text;
  std::uint64_t letters = letters_;
  for (;;) {
    LOOM_TRY(const auto record, reader.next());
    if (!record) break;
    letters += letters_in_company(record->letters, 1);
    if (!plain_query(*record) || letters > kMostLettersInCompany) return std::nullopt;
    rider.numbers.push_back(queries_ + static_cast<std::uint32_t>(rider.numbers.size()));
    text += renamed(*record, rider.numbers.back());
  }
  if (rider.numbers.empty() || !reader.unsplittable().empty()) return std::nullopt;
  text_ += text;
  letters_ = letters;
  queries_ += static_cast<std::uint32_t>(rider.numbers.size());
  riders_.push_back(std::move(rider));
  return riders_.size() - 1;
}

Result<TaskUse> Coalesced::run(TaskRunner& tasks, std::stop_token stop) {
  LOOM_TRY(const fs::path engine, blast::find_engine(options_.program()));
  EngineTask task;
  task.name = kTask;
  task.argv = engine_argv(engine, task_options(options_, 1));
  task.letters = letters_;
  task.write_queries = [this](const fs::path& path) { return write_file(path, text_); };
  LOOM_TRY(const TaskUse use, tasks.run(task, std::move(stop)));
  answer_ = tasks.output(task.name);
  LOOM_TRY(const std::string said, read_file(tasks.stderr_file(task.name)));
  said_to_all_ = take_messages(said_, said);
  said_.distinct = queries_;
  return use;
}

Status Coalesced::write(std::size_t rider, const fs::path& out, Messages& messages) const {
  Repeats own = said_;
  own.distinct_of = riders_[rider].numbers;
  LOOM_TRY(AtomicFile file, AtomicFile::create(out));
  render::Sink sink(file);
  messages.add(said_to_all_, 0, 1);
  const auto tell = [&messages](std::string_view line) { messages.add(line, 0, 1); };
  LOOM_CHECKED(write_for_each(own, riders_[rider].queries, answer_, format_, sink, tell));
  LOOM_CHECKED(sink.flush());
  return file.commit();
}

}  // namespace loom::search
