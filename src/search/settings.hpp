#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "blast/options.hpp"
#include "search/parts.hpp"

namespace loom::search {

/// What to do when a query has more candidate subjects than BLAST+ keeps (doc/exactness.md, "Saturated
/// lists").
enum class OnSaturation {
  identical,  ///< what one unsplit run prints, dropped hits included
  complete,   ///< the better list that the shards found
};

/// Blastloom's own part of a search: how it is run, never what it finds (but for OnSaturation::complete).
struct Settings {
  int workers = 0;                             ///< cores to use in all; 0: all that this process may use
  std::optional<int> shards;                   ///< at least 1
  std::optional<std::uint64_t> batch_letters;  ///< at least 1
  std::optional<std::uint64_t> memory_bytes;   ///< for all workers together; default: what this machine has
  bool engine_threads = true;  ///< false: one thread in each process, for workers on other machines
  OnSaturation on_saturation = OnSaturation::identical;
  std::string database_path;  ///< folders joined by ':' that hold the database; the runner's processes must
                              ///< look there
  std::filesystem::path resume;  ///< where unfinished work is kept and found again; empty: nowhere
};

/// A search as asked for.
struct Request {
  blast::Options options;
  Settings settings;
  std::filesystem::path query{};  ///< in place of -query, which is then not given
  std::filesystem::path out{};    ///< in place of -out, which is then not given
  FindPart known{};               ///< what earlier searches wrote; empty: nothing
};

/// Cores that this process may run on (its CPU set), at least 1.
int usable_cores();

/// Physical memory of this machine, or the limit of this process's memory cgroup if that is less; bytes.
std::uint64_t usable_memory_bytes();

}  // namespace loom::search
