#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "blast/options.hpp"
#include "search/settings.hpp"

namespace loom::search {

/// How the engine is called for one task: the user's own options, but for those that say where queries come
/// from, where output goes and how many threads run.

/// `options` for a search over `threads` threads, without -query, -out and -mt_mode.
blast::Options task_options(const blast::Options& options, int threads);

/// `options` for a scout: a search of one shard that must find at least every subject that the engine's
/// preliminary stage would keep, and says so in an archive. Filters that come after that stage are off, and
/// where composition-based statistics would drop candidates after the stage they are off and the E-value is
/// 10 times wider (the engine itself widens it 5 times, BlastHitSavingParametersUpdate in
/// blast_parameters.c).
/// With OnSaturation::complete, what a scout finds is printed: the user's own options but for the length of
/// the list.
blast::Options scout_options(const blast::Options& options, OnSaturation on_saturation);

/// The value of the integer option `name`, or `fallback` where the user gave none.
std::int64_t integer_or(const blast::Options& options, std::string_view name, std::int64_t fallback);

/// The text of the option `name` as the user wrote it, or `fallback` where he gave none.
std::string text_of(const blast::Options& options, std::string_view name, std::string_view fallback);

/// How many subjects per query the user's options make the engine keep; 500 is its default.
std::uint64_t hit_list_size(const blast::Options& options);

/// The most subjects a scout reports per query; one that reports so many may have cut its list.
std::uint64_t scout_cap(const blast::Options& options);

/// The arguments of `engine` for `options`.
std::vector<std::string> engine_argv(const std::filesystem::path& engine, const blast::Options& options);

/// "blastn -db x -outfmt 17 SQ": as the engine itself quotes its command line.
std::string command_line(blast::Program program, const blast::Options& options);

}  // namespace loom::search
