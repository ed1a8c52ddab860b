#include "service/option_trial.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "base/temp_dir.hpp"
#include "blast/engine.hpp"

namespace loom::service {

namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kMostKnown = 1000;
constexpr int kRefused = 1;  // "Error in query sequence(s) or BLAST options"

/// What only the engine can judge …
constexpr std::array kJudged{"matrix",        "gapopen",          "gapextend",     "reward",
                             "penalty",       "word_size",        "threshold",     "seg",
                             "dust",          "comp_based_stats", "template_type", "template_length",
                             "query_gencode", "db_gencode",       "ungapped"};
/// … and what its judgement depends on.
constexpr std::array kContext{"task", "no_greedy", "use_sw_tback"};

constexpr std::string_view kProtein = ">1\nMKVLAAGIVGLCAKAYMKLVWWRSTPLDEQHNFYMKVLAAGIVGLCAKAYMKLVWW\n";
constexpr std::string_view kNucleotide =
    ">1\nACGTTGCAAGCTTAGCCATGACGTTGCAAGCTAGCCATGGATCCTTAGACCTGATCGGATTACAGGCTTAACGTGCATCCG\n";

/// Searches against profiles, and with them, take no plain sequence as database.
bool can_be_tried(blast::Program program) {
  return blast::database_kind(program) != blast::DatabaseKind::profile &&
         program != blast::Program::deltablast;
}

template <class Names>
bool holds(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// An E-value above 0 is one that every engine takes, and most searches have one: those need no trial.
bool is_judged(const blast::Options::Entry& entry) {
  return holds(kJudged, entry.spec->name) ||
         (entry.spec->name == "evalue" && std::strtod(entry.text.c_str(), nullptr) <= 0);
}

/// What BLAST+ says about it, with the values that it would take, in one line.
std::string words_of(std::string_view said) {
  constexpr std::string_view kStart = "BLAST query/options error: ";
  const std::size_t at = said.find(kStart);
  if (at == std::string_view::npos) return {};
  said.remove_prefix(at + kStart.size());
  std::string words;
  for (const char c : said.substr(0, said.find("Please refer"))) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank) words += c;
    if (blank && !words.empty() && words.back() != ' ') words += ' ';
  }
  while (!words.empty() && words.back() == ' ') words.pop_back();
  return words;
}

/// Which of the options BLAST+ means: it names them in words of its own.
std::string blamed(const blast::Options& options, std::string_view words) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kMeans{
      {{"expect value", "evalue"},
       {"ungapped search", "ungapped"},
       {"supported matri", "matrix"},
       {"Gap existence", "gapopen"},
       {"Gap existence", "gapextend"},
       {"Word-size", "word_size"},
       {"filtering", "seg"},
       {"filtering", "dust"},
       {"reward", "reward"}}};
  for (const auto& [sign, name] : kMeans)
    if (words.find(sign) != std::string_view::npos && options.has(name)) return std::string(name);
  for (const auto& one : options.entries())
    if (is_judged(one)) return std::string(one.spec->name);
  return {};
}

}  // namespace

Status OptionTrial::check(const blast::Options& options) {
  if (!can_be_tried(options.program()) || std::ranges::none_of(options.entries(), is_judged)) return ok();
  blast::Options tried(options.program());
  for (const auto& entry : options.entries())
    if (is_judged(entry) || holds(kContext, entry.spec->name))
      LOOM_CHECKED(tried.set(entry.spec->name, entry.text));
  std::vector<std::string> key = tried.to_argv();
  key.emplace_back(blast::name(options.program()));
  {
    const MutexLock lock(mutex_);
    if (const auto known = known_.find(key); known != known_.end())
      return known->second.empty() ? ok() : Status(error(Code::invalid_argument, "{}", known->second));
  }
  const auto outcome = try_out(options.program(), tried.to_argv());
  if (!outcome || outcome->signal != 0) return ok();
  std::string why;
  if (outcome->exit_code == kRefused) {
    const std::string words = words_of(outcome->stderr_text);
    if (!words.empty()) why = fmt::format("option {}: {}", blamed(tried, words), words);
  }
  const MutexLock lock(mutex_);
  if (known_.size() >= kMostKnown) known_.clear();
  known_[std::move(key)] = why;
  return why.empty() ? ok() : Status(error(Code::invalid_argument, "{}", why));
}

Result<exec::ProcessOutcome> OptionTrial::try_out(blast::Program program,
                                                  const std::vector<std::string>& argv) {
  LOOM_TRY(const std::filesystem::path engine, blast::find_engine(program));
  LOOM_TRY(const TempDir folder, TempDir::create(scratch_));
  const auto write = [&](const char* name, bool protein) {
    const std::filesystem::path file = folder.path() / name;
    std::ofstream(file, std::ios::binary) << (protein ? kProtein : kNucleotide);
    return file.string();
  };
  exec::ProcessSpec spec;
  spec.argv = {engine.string(), "-query",
               write("query", blast::query_molecule(program) == blast::Molecule::protein), "-subject",
               write("subject", blast::database_kind(program) == blast::DatabaseKind::protein)};
  spec.argv.insert(spec.argv.end(), argv.begin(), argv.end());
  return runner_.run(spec, Deadline::in(kPatience), {});
}

}  // namespace loom::service
