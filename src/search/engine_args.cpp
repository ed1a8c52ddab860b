#include "search/engine_args.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "base/check.hpp"

namespace loom::search {

namespace {

using blast::Options;
using blast::Program;

void must_set(Options& options, std::string_view name, const std::string& text) {
  const Status set = options.set(name, text);
  LOOM_CHECK(set, "our own option values are in range");
}

/// Whether the engine adjusts scores by composition, and so drops candidates late: the default for proteins.
bool composition_based(const Options& options) {
  const Program program = options.program();
  if (program != Program::blastp && program != Program::blastx && program != Program::tblastn) return false;
  const auto* entry = options.find("comp_based_stats");
  return entry == nullptr ||
         (entry->text != "0" && !entry->text.starts_with('F') && !entry->text.starts_with('f'));
}

double expect_value(const Options& options) {
  const auto value = options.value_or_default("evalue");
  if (const auto* real = std::get_if<double>(&value)) return *real;
  return 10;
}

}  // namespace

std::string text_of(const Options& options, std::string_view name, std::string_view fallback) {
  const auto* entry = options.find(name);
  return entry == nullptr ? std::string(fallback) : entry->text;
}

std::int64_t integer_or(const Options& options, std::string_view name, std::int64_t fallback) {
  const auto* entry = options.find(name);
  if (entry == nullptr) return fallback;
  const auto* value = std::get_if<std::int64_t>(&entry->value);
  return value == nullptr ? fallback : *value;
}

Options task_options(const Options& options, int threads) {
  Options result = options;
  for (const std::string_view name : {"query", "out", "mt_mode", "num_threads"}) result.remove(name);
  if (threads > 1) must_set(result, "num_threads", fmt::format("{}", threads));
  return result;
}

std::uint64_t hit_list_size(const Options& options) {
  const std::int64_t targets = integer_or(options, "max_target_seqs", 0);
  if (targets > 0) return static_cast<std::uint64_t>(targets);
  const std::int64_t shown =
      std::max(integer_or(options, "num_descriptions", 500), integer_or(options, "num_alignments", 0));
  return static_cast<std::uint64_t>(std::max<std::int64_t>(shown, 1));
}

Options scout_options(const Options& options, OnSaturation on_saturation) {
  constexpr std::array kLater{"outfmt",         "html",          "show_gis",      "num_descriptions",
                              "num_alignments", "line_length",   "sorthits",      "sorthsps",
                              "max_hsps",       "perc_identity", "qcov_hsp_perc", "subject_besthit",
                              "use_sw_tback"};
  Options result = task_options(options, 1);
  if (on_saturation == OnSaturation::complete) {
    must_set(result, "outfmt", "11");
    must_set(result, "max_target_seqs", fmt::format("{}", scout_cap(options)));
    return result;
  }
  for (const std::string_view name : kLater) result.remove(name);
  must_set(result, "outfmt", "11");
  must_set(result, "max_target_seqs", fmt::format("{}", scout_cap(options)));
  if (composition_based(options)) {
    must_set(result, "comp_based_stats", "0");
    const double value = std::min(10 * expect_value(options), std::numeric_limits<double>::max());
    must_set(result, "evalue", fmt::format("{}", value));
  }
  return result;
}

std::uint64_t scout_cap(const Options& options) {
  return (2 * std::max<std::uint64_t>(hit_list_size(options), 500)) + 1050;
}

std::vector<std::string> engine_argv(const std::filesystem::path& engine, const Options& options) {
  std::vector<std::string> argv = options.to_argv();
  argv.insert(argv.begin(), engine.string());
  return argv;
}

std::string command_line(Program program, const Options& options) {
  std::string line(blast::name(program));
  for (const std::string& argument : options.to_argv()) {
    line += ' ';
    line += argument;
  }
  return line;
}

}  // namespace loom::search
